"""No CPU sleeps while a task waits that it may run: the C's wake-ups, and what each is there for.

Each is also taken out of the C, which must show.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from schedlang.machine.scenario import TaskSpec
from tests.bpf.native import Host, needs_zig
from tests.support.machines import MS
from tests.support.policies import compiled

pytestmark = needs_zig

Defect = tuple[str, str] | None
FIFO = "policy p queue only { global order fifo slice 4ms } route { else -> only } serve only"
BY_NICE = """policy p
    order by_nice { key now + (if nice < 0 then 0ns else 1s) }
    queue only { global order by_nice slice 4ms }
    route { else -> only } serve only"""
TWO_QUEUES = """policy p
    queue high { global order fifo slice 4ms }
    queue low  { global order fifo slice 4ms }
    route { nice < 0 -> high  else -> low }
    serve strict { high low } guard low after 10ms"""


def urgent_on_cpu_0(host: Host) -> bool:
    """A task wakes CPU 0; one that is bound to CPU 0 comes, and goes first: who runs the other?"""
    anywhere = host.fork(TaskSpec("anywhere"), 0)
    bound = host.fork(TaskSpec("bound", nice=-5, affinity=frozenset({0})), 0)
    host.wake(anywhere, 0)
    assert (host.kicked(0), host.kicked(1)) == (True, False)
    host.wake(bound, 0)
    assert host.schedule(0) == bound
    return host.kicked(1) and host.schedule(1) == anywhere


def late_for_a_cpu_that_goes_idle(host: Host) -> bool:
    """A task comes when CPU 1 has looked into the queues, and is not marked as idle yet."""
    tasks = [host.fork(TaskSpec("t"), cpu) for cpu in (0, 1, 0)]
    for cpu in (0, 1):
        host.wake(tasks[cpu], cpu)
        assert host.schedule(cpu) == tasks[cpu]
    host.time(MS)
    host.wake_late(tasks[2], 0)
    host.block(1)
    assert host.schedule(1) is None
    return host.kicked(1) and host.schedule(1) == tasks[2]


def late_for_a_cpu_that_was_woken_in_vain(host: Host) -> bool:
    """CPU 1 is woken for a task that CPU 0 takes, and goes from idle to idle as the next comes."""
    tasks = [host.fork(TaskSpec("t"), 0) for _ in range(3)]
    host.wake(tasks[0], 0)
    assert host.schedule(0) == tasks[0]
    host.wake(tasks[1], 0)
    assert host.kicked(1)
    host.block(0)
    assert host.schedule(0) == tasks[1]
    host.wake_late(tasks[2], 0)
    assert host.schedule(1) is None
    return host.kicked(1) and host.schedule(1) == tasks[2]


NO_HANDING_ON = ("woken_has_chosen(c, cpu, found);", ";")
NO_LOOK_WHEN_IDLE = ("idleness_changes(c, cpu, idle);", ";")
NO_SECOND_LOOK = ("woken_has_chosen(c, cpu, found);", "hand_on(cpu);")


@pytest.mark.parametrize(
    ("text", "happens", "defect"),
    [
        (BY_NICE, urgent_on_cpu_0, NO_HANDING_ON),
        (TWO_QUEUES, urgent_on_cpu_0, NO_HANDING_ON),
        (FIFO, late_for_a_cpu_that_goes_idle, NO_LOOK_WHEN_IDLE),
        (TWO_QUEUES, late_for_a_cpu_that_was_woken_in_vain, NO_SECOND_LOOK),
    ],
)
def test_no_cpu_sleeps_on(text: str, happens: Callable[[Host], bool], defect: Defect) -> None:
    policy = compiled(text)
    assert happens(Host(policy, 2))
    assert not happens(Host(policy, 2, defect))


def test_a_cpu_that_was_woken_in_vain_sleeps_after_its_second_look() -> None:
    host = Host(compiled(FIFO), 2)
    tasks = [host.fork(TaskSpec("t"), 0) for _ in range(2)]
    host.wake(tasks[0], 0)
    assert host.schedule(0) == tasks[0]
    host.wake(tasks[1], 0)
    host.block(0)
    assert host.schedule(0) == tasks[1]
    for _ in range(2):
        assert host.kicked(1)
        assert host.schedule(1) is None
    assert not host.kicked(1)


def test_nobody_is_woken_for_a_task_that_may_not_run_there() -> None:
    host = Host(compiled(FIFO), 3)
    for _ in range(3):
        host.wake(host.fork(TaskSpec("bound", affinity=frozenset({0, 1})), 0), 0)
    assert host.schedule(0) is not None
    assert host.schedule(1) is not None
    assert not host.kicked(2)
