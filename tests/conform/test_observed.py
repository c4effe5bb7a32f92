"""Following a kernel's choices: what agrees is counted, the first that does not is told."""

from __future__ import annotations

from schedlang.conform.observed import Followed, apart, follow, obstacle
from schedlang.ir.nodes import Policy
from schedlang.workload.model import Constant, Fork, Group, Loop, Run, Workload
from schedlang.workload.trace import IDLE, Asked, Event, Left, Step, Switch, Trace, Wakeup
from tests.support.machines import MS
from tests.support.policies import compiled

HOGS = (Loop(None, (Run(Constant(MS)),)),)
WORKLOAD = Workload(
    "two", "", (Group("a", 1, "a", "a", HOGS), Group("b", 1, "b", "b", HOGS)), duration_ns=MS
)
A, B, KWORKER = 10, 11, 5
NAMES = {A: "a", B: "b", KWORKER: "kworker/0:1"}


def strict() -> Policy:
    text = """policy p
queue low  { global  order fifo  slice 4ms }
queue high { global  order fifo  slice 4ms }
route { comm ~ "b" -> high  else -> low }
serve strict { high  low }
accept starvation of low because "it is a test"
"""
    return compiled(text)


def asked(*steps: tuple[int, Step, int]) -> tuple[Event, ...]:
    """Of (thread, what, ms); the kernel wakes and switches as it says."""
    events: list[Event] = []
    for tid, step, at in steps:
        events.append(Asked(at * MS, 0, tid, step, at * MS + 7))
        if step is Step.ARRIVES:
            events.append(Wakeup(at * MS, 0, tid, NAMES[tid], 0, False))
        if step is Step.STARTS:
            events.append(Switch(at * MS, 0, IDLE, "", Left.RUNNABLE, tid, NAMES[tid]))
    return tuple(events)


def followed(*steps: tuple[int, Step, int]) -> Followed:
    policy = apart(strict(), WORKLOAD)
    return follow(policy, WORKLOAD, Trace(asked(*steps), 0))


BEGIN = ((A, Step.ARRIVES, 1), (B, Step.ARRIVES, 1), (A, Step.CHOOSES, 2))


def test_choices_that_agree_are_counted() -> None:
    found = followed(
        *BEGIN, (B, Step.STARTS, 2), (B, Step.LEAVES, 3), (B, Step.BLOCKS, 3), (B, Step.CHOOSES, 3),
        (A, Step.STARTS, 3),
    )  # fmt: skip
    assert found == Followed(2, None)


def test_another_choice_is_told() -> None:
    parting = followed(*BEGIN, (A, Step.STARTS, 2)).parting
    assert parting is not None
    assert parting.what == "the kernel runs `a`[10] where the reference machine runs `b`[11]"
    assert parting.queue == 1
    assert parting.waiting == (("`a`[10]",), ("`b`[11]",), ())
    assert parting.events[-1] == Asked(2 * MS, 0, A, Step.STARTS, 2 * MS + 7)


def test_idleness_beside_a_task_that_waits_is_told() -> None:
    idle = Switch(3 * MS, 0, A, "a", Left.BLOCKED, IDLE, "swapper")
    trace = Trace((*asked(*BEGIN), idle), 0)
    parting = follow(apart(strict(), WORKLOAD), WORKLOAD, trace).parting
    assert parting is not None
    assert parting.what == "the kernel idles where the reference machine runs `b`[11]"


def test_threads_of_the_kernel_come_first_and_are_not_counted() -> None:
    found = followed(
        *BEGIN, (KWORKER, Step.ARRIVES, 2), (KWORKER, Step.STARTS, 2), (KWORKER, Step.LEAVES, 3),
        (KWORKER, Step.BLOCKS, 3), (KWORKER, Step.CHOOSES, 3), (B, Step.STARTS, 3),
    )  # fmt: skip
    assert found == Followed(1, None)


def test_what_went_before_counts_as_well() -> None:
    policy = apart(strict(), WORKLOAD)
    trace = Trace(asked((B, Step.STARTS, 2)), 0, before=asked(*BEGIN))
    assert follow(policy, WORKLOAD, trace) == Followed(1, None)


def test_what_cannot_be_followed() -> None:
    assert obstacle(strict(), WORKLOAD) == ""
    forks = Workload("f", "", (Group("a", 1, "a", "a", (Fork("b"),)),))
    assert "forked" in obstacle(strict(), forks)
    text = """policy p
queue q { global  order fifo  slice 4ms }
queue r { global  order fifo  slice 4ms }
route { restricted -> r  else -> q }
serve weighted { q: 1  r: 1 }
"""
    assert "restricted" in obstacle(compiled(text), WORKLOAD)
