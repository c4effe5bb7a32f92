"""Under a real kernel: for how long a CPU is idle while a task waits that it may run."""

from __future__ import annotations

import pytest

from schedlang.backend import Built, RunRequest
from schedlang.topology import Topology
from schedlang.workload.model import (
    Constant,
    Group,
    Loop,
    Phase,
    Receive,
    Run,
    Send,
    Sleep,
    Workload,
)
from schedlang.workload.trace import Left, Switch, Trace, Wakeup
from schedlang_bpf.backend import BpfBackend
from schedlang_bpf.build import build
from schedlang_bpf.compiler import Compiler
from schedlang_bpf.emit import emit
from tests.bpf.samples import NO_PROOF, in_file
from tests.support.machines import MS
from tests.support.policies import compiled

pytestmark = [pytest.mark.vm, pytest.mark.usefixtures("toolbox")]

BY_NICE = """policy by_nice
    order by_nice { key now + (if nice < 0 then 0ns else 1s) }
    queue only { global order by_nice slice 20ms }
    route { else -> only } serve only"""
ROUNDS = 20
KICK_NS = MS // 2


def group(name: str, cpus: tuple[int, ...], nice: int, *phases: Phase, times: int | None) -> Group:
    return Group(name, 1, name, name, (Loop(times, phases),), nice=nice, cpus=cpus)


def ms(count: int) -> Constant:
    return Constant(count * MS)


# First `anywhere` gets to CPU 1, the only idle one. When CPUs 1 and 2 are idle it is woken again,
# and may wake CPU 1 only, which then prefers `near`, whom `caller` wakes at once.
TWO_ARE_WOKEN = Workload(
    "two-are-woken",
    "",
    (
        group(
            *("caller", (0,), 0),
            *(Send("far"), Run(ms(1)), Send("any"), Run(ms(3)), Sleep(ms(6))),
            *(Send("any"), Send("near"), Run(ms(8)), Sleep(ms(4))),
            times=ROUNDS,
        ),
        group("anywhere", (), 0, Receive("any"), Run(ms(1)), times=None),
        group("near", (1,), -5, Receive("near"), Run(ms(5)), times=None),
        group("far", (2,), -5, Receive("far"), Run(ms(6)), times=None),
    ),
    duration_ns=ROUNDS * 25 * MS,
)
CPUS = 3
HANDING_ON = "woken_has_chosen(c, cpu, found);"


def longest_idle_ns(trace: Trace, workload: Workload) -> int:
    """The longest that some CPU was idle while some thread waited that may run on it."""
    may_run = {group.comm: set(group.cpus or range(CPUS)) for group in workload.groups}
    idle: set[int] = set()
    waiting: dict[int, set[int]] = {}
    since: int | None = None
    longest = 0
    for event in trace.events:
        if isinstance(event, Switch):
            (idle.add if event.after == 0 else idle.discard)(event.cpu)
            waiting.pop(event.after, None)
            if event.left is Left.RUNNABLE and event.before_comm in may_run:
                waiting[event.before] = may_run[event.before_comm]
        elif isinstance(event, Wakeup) and event.comm in may_run:
            waiting[event.tid] = may_run[event.comm]
        if since is not None:
            longest = max(longest, event.at_ns - since)
        if not any(cpus & idle for cpus in waiting.values()):
            since = None
        elif since is None:
            since = event.at_ns
    return longest


def longest_idle_under(c: str, compiler: Compiler) -> int:
    policy = in_file(compiled(BY_NICE), "by_nice.sched")
    built = build(c, policy, compiler)
    assert isinstance(built, Built), built
    request = RunRequest(Topology(CPUS), TWO_ARE_WOKEN, seed=3, deterministic=True, trace=True)
    report = BpfBackend().run(built.object, policy, request)
    assert report.diagnostics == ()
    assert report.ran is not None
    assert report.ran.trace is not None
    assert report.ran.trace.dropped == 0
    return longest_idle_ns(report.ran.trace, TWO_ARE_WOKEN)


def test_a_wake_up_that_is_spent_on_another_task_is_handed_on(compiler: Compiler) -> None:
    c = emit(in_file(compiled(BY_NICE), "by_nice.sched"), NO_PROOF)
    assert longest_idle_under(c, compiler) < KICK_NS


@pytest.mark.slow
def test_without_that_a_cpu_sleeps_on(compiler: Compiler) -> None:
    c = emit(in_file(compiled(BY_NICE), "by_nice.sched"), NO_PROOF)
    assert HANDING_ON in c
    assert longest_idle_under(c.replace(HANDING_ON, ";"), compiler) > 2 * MS
