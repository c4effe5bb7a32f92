"""What a kernel was seen to choose, choice after choice, is what the reference machine chooses.

On one CPU, in deterministic time.
"""

from __future__ import annotations

import pytest

from schedlang.backend import Built, KernelReport, KernelRun, RunRequest
from schedlang.conform.observed import ONE_CPU, Followed, apart, follow
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
TEXTS = {
    "guarded": """policy guarded
queue urgent { global  order fifo  slice 4ms }
queue rest   { global  order fifo  slice 4ms }
route { comm ~ "hog" or nice < 0 -> urgent  else -> rest }
serve strict { urgent  rest }
guard rest after 20ms
""",
    "shares": """policy shares
queue first  { global  order fifo  slice 2ms }
queue second { global  order fifo  slice 4ms }
queue third  { global  order fifo  slice 8ms }
route { nice < 0 -> first  comm ~ "nginx" -> second  else -> third }
serve weighted { first: 1  second: 3  third: 2 }
guard first after 30ms
guard third at least 20%
""",
    "deadlines": """policy deadlines
order earliest {
  due : time = now + 20ms
  on wake { due = now + (if nice < 0 then 5ms else 40ms) }
  on join { due = clamp(due, now - 20ms, now + 100ms) }
  on stop { due = due + used * 4 }
  key due
}
queue tasks { global  order earliest  slice 3ms }
route { else -> tasks }
serve tasks
""",
}
NAMES = (*TEXTS, "fifo", "strict_priority", "fair", "web_server")
DEFECTS: dict[str, Defect] = {
    "guarded": ("queue = overdue(c, waiting, now);", "queue = NO_QUEUE;"),
    "shares": ("nice_of(p) < 0", "nice_of(p) > 0"),
}


def run_of(name: str, seed: int, defect: Defect | None = None) -> KernelRun:
    text = TEXTS.get(name) or (EXAMPLES / f"{name}.sched").read_text()
    policy = apart(in_file(compiled(text), f"{name}.sched"), MIXED)
    built = BpfBackend().build(c_of(policy, defect, traced=True), policy)
    assert isinstance(built, Built)
    request = RunRequest(ONE_CPU, MIXED, seed=seed, deterministic=True, trace=True)
    return KernelRun(request, policy, built.object)


def followed(run: KernelRun, report: KernelReport) -> Followed:
    assert report.diagnostics == ()
    assert report.ran is not None
    assert report.ran.trace is not None
    assert report.ran.trace.dropped == 0
    assert run.policy is not None
    return follow(run.policy, MIXED, report.ran.trace)


def test_every_choice_is_the_reference_machines() -> None:
    runs = [run_of(name, 3) for name in NAMES]
    for run, report in zip(runs, BpfBackend().run_many(runs), strict=True):
        found = followed(run, report)
        print(f"{run.policy and run.policy.name}: {found.choices} choices")
        assert found.parting is None
        assert found.choices > 60


@pytest.mark.slow
def test_a_defect_shows() -> None:
    runs = [run_of(name, 3, defect) for name, defect in DEFECTS.items()]
    for run, report in zip(runs, BpfBackend().run_many(runs), strict=True):
        assert followed(run, report).parting is not None
