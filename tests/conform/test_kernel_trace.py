"""What a kernel was seen to choose, choice after choice, is what the reference machine chooses.

On one CPU, in deterministic time, and for policies of which no choice hangs on less than the
microsecond that the trace's times are exact to.
"""

from __future__ import annotations

import pytest

from schedlang.backend import Built, KernelReport, KernelRun, RunRequest
from schedlang.topology import Topology
from schedlang.workload.model import (
    Constant,
    Exponential,
    Group,
    Loop,
    Phase,
    Run,
    Sleep,
    Uniform,
    Workload,
)
from schedlang_bpf.backend import BpfBackend
from tests.bpf.samples import EXAMPLES, in_file
from tests.support.conforming import Defect, c_of
from tests.support.machines import MS
from tests.support.observed import Followed, follow
from tests.support.policies import compiled

pytestmark = [pytest.mark.vm, pytest.mark.usefixtures("toolbox")]


def group(name: str, threads: int, nice: int, *phases: Phase) -> Group:
    return Group(name, threads, name, name, (Loop(None, phases),), nice=nice)


def ms(lo: int, hi: int) -> Uniform:
    return Uniform(lo * MS, hi * MS)


MIXED = Workload(
    "mixed",
    "",
    (
        group("hog", 3, 0, Run(Constant(1000 * MS))),
        group("urgent", 1, -10, Run(ms(1, 3)), Sleep(ms(5, 30))),
        group("nginx", 2, 0, Run(Uniform(MS // 2, 6 * MS)), Sleep(Exponential(10 * MS))),
        group("late", 2, 10, Run(ms(1, 20)), Sleep(ms(1, 40))),
    ),
    duration_ns=1000 * MS,
)
# What is not the workload's does not change who of it is next.
SYSTEM = 'kthread or comm ~ "init" or comm ~ "player" or comm ~ "timeout"'
TEXTS = {
    "fifo": (EXAMPLES / "fifo.sched").read_text(),
    "strict_priority": (EXAMPLES / "strict_priority.sched").read_text(),
    "guarded": f"""policy guarded
queue system {{ global  order fifo  slice 4ms }}
queue urgent {{ global  order fifo  slice 4ms }}
queue rest   {{ global  order fifo  slice 4ms }}
route {{ {SYSTEM} -> system  comm ~ "hog" or nice < 0 -> urgent  else -> rest }}
serve strict {{ system  urgent  rest }}
guard rest after 20ms
""",
    "shares": f"""policy shares
queue system {{ global  order fifo  slice 4ms }}
queue first  {{ global  order fifo  slice 2ms }}
queue second {{ global  order fifo  slice 4ms }}
queue third  {{ global  order fifo  slice 8ms }}
route {{ {SYSTEM} -> system  nice < 0 -> first  comm ~ "nginx" -> second  else -> third }}
serve strict {{ system  weighted {{ first: 1  second: 3  third: 2 }} }}
guard first after 30ms
guard third at least 20%
""",
}
DEFECTS: dict[str, Defect] = {
    "guarded": ("queue = overdue(c, waiting, now);", "queue = NO_QUEUE;"),
    "shares": ("nice_of(p) < 0", "nice_of(p) > 0"),
}


def run_of(name: str, seed: int, defect: Defect | None = None) -> KernelRun:
    policy = in_file(compiled(TEXTS[name]), f"{name}.sched")
    built = BpfBackend().build(c_of(policy, defect), policy)
    assert isinstance(built, Built)
    request = RunRequest(Topology(1), MIXED, seed=seed, deterministic=True, trace=True)
    return KernelRun(request, policy, built.object)


def followed(run: KernelRun, report: KernelReport) -> Followed:
    assert report.diagnostics == ()
    assert report.ran is not None
    assert report.ran.trace is not None
    assert report.ran.trace.dropped == 0
    assert run.policy is not None
    return follow(run.policy, MIXED, report.ran.trace)


def test_every_choice_is_the_reference_machines() -> None:
    runs = [run_of(name, 3) for name in TEXTS]
    for run, report in zip(runs, BpfBackend().run_many(runs), strict=True):
        found = followed(run, report)
        print(f"{report.ran.outcome.scheduler if report.ran else ''}: {found.choices} choices")
        assert found.odd == ""
        assert found.choices > 60


@pytest.mark.slow
def test_a_defect_shows() -> None:
    runs = [run_of(name, 3, defect) for name, defect in DEFECTS.items()]
    for run, report in zip(runs, BpfBackend().run_many(runs), strict=True):
        assert followed(run, report).odd != ""
