"""Guards: when they are due, and which of them goes first."""

from __future__ import annotations

import pytest

from schedlang.machine.scenario import TaskSpec
from tests.support.machines import MS, by_nice, join, machine, turn


def test_a_queue_below_a_strict_head_waits_without_a_guard() -> None:
    m = machine(by_nice(2, "strict { a  b }"))
    join(m, 0)
    join(m, 1)
    assert [turn(m, now * 4 * MS, 4 * MS) for now in range(20)] == [0] * 20


def test_a_delay_counts_from_the_first_decision() -> None:
    m = machine(by_nice(2, "strict { a  b }", "guard b after 10ms"))
    join(m, 0, 7 * MS)
    join(m, 1, 7 * MS)
    queues = [turn(m, (7 + 4 * i) * MS, 4 * MS) for i in range(8)]
    assert queues == [0, 0, 0, 1, 0, 0, 0, 1]


@pytest.mark.parametrize(("at_ns", "queue"), [(10 * MS - 1, 0), (10 * MS, 1)])
def test_a_guard_is_due_at_the_very_nanosecond(at_ns: int, queue: int) -> None:
    m = machine(by_nice(2, "strict { a  b }", "guard b after 10ms"))
    join(m, 0)
    join(m, 1)
    assert turn(m, 0, at_ns) == 0
    assert turn(m, at_ns, MS) == queue


def test_a_delay_counts_from_the_end_of_the_last_service() -> None:
    m = machine(by_nice(2, "strict { a  b }", "guard b after 10ms"))
    join(m, 0)
    join(m, 1)
    assert turn(m, 0, 10 * MS) == 0
    assert turn(m, 10 * MS, 4 * MS) == 1
    assert turn(m, 14 * MS, 10 * MS - 1) == 0
    assert turn(m, 24 * MS - 1, 1) == 0
    assert turn(m, 24 * MS, 1) == 1


def test_being_seen_empty_restarts_a_delay() -> None:
    m = machine(by_nice(2, "strict { a  b }", "guard b after 10ms"))
    join(m, 0)
    assert turn(m, 0, 8 * MS) == 0
    assert turn(m, 8 * MS, 4 * MS) == 0  # b is seen empty at 8 ms
    join(m, 1, 12 * MS)
    assert turn(m, 12 * MS, 6 * MS) == 0
    assert turn(m, 18 * MS, MS) == 1


def test_the_guard_overdue_longest_goes_first() -> None:
    guards = "guard b after 10ms  guard c after 5ms"
    m = machine(by_nice(3, "strict { a  b  c }", guards))
    for nice in range(3):
        join(m, nice)
    assert turn(m, 0, 20 * MS) == 0
    assert turn(m, 20 * MS, MS) == 2
    assert turn(m, 21 * MS, MS) == 1


def test_guards_due_at_once_go_in_the_order_of_the_text() -> None:
    guards = "guard c after 10ms  guard b after 10ms"
    m = machine(by_nice(3, "strict { a  b  c }", guards))
    for nice in range(3):
        join(m, nice)
    assert turn(m, 0, 20 * MS) == 0
    assert turn(m, 20 * MS, MS) == 2
    assert turn(m, 21 * MS, MS) == 1


def test_no_guard_starves_behind_others_that_are_always_due() -> None:
    # Turns of 4 ms: each guard is due again before the next two are served.
    guards = "guard a after 1us  guard b after 1us  guard c after 1us"
    m = machine(by_nice(3, "strict { a  b  c }", guards))
    for nice in range(3):
        join(m, nice)
    queues = [turn(m, (1 + 4 * i) * MS, 4 * MS) for i in range(9)]
    assert [set(queues[i : i + 3]) for i in (0, 3, 6)] == [{0, 1, 2}] * 3


def test_a_share_is_owed_from_the_start() -> None:
    m = machine(by_nice(2, "strict { a  b }", "guard b at least 25%"))
    join(m, 0)
    join(m, 1)
    queues = [turn(m, 4 * i * MS, 4 * MS) for i in range(9)]
    assert queues == [1, 0, 0, 0, 1, 0, 0, 0, 1]


@pytest.mark.parametrize(("share", "ran_ns", "owed_ns"), [(30, 1, 4), (30, 3, 10), (7, 1, 15)])
def test_service_is_charged_against_a_share_rounded_up(
    share: int, ran_ns: int, owed_ns: int
) -> None:
    m = machine(by_nice(2, "strict { a  b }", f"guard b at least {share}%"))
    join(m, 0)
    join(m, 1)
    assert turn(m, 0, ran_ns) == 1
    assert turn(m, owed_ns - 1, 0) == 0
    assert turn(m, owed_ns, 0) == 1


def test_debt_to_a_share_is_kept() -> None:
    m = machine(by_nice(2, "strict { a  b }", "guard b at least 50%"))
    join(m, 0)
    join(m, 1)
    assert turn(m, 0, 0) == 1  # due stays 0: nothing was served
    assert turn(m, 0, 1) == 1
    assert turn(m, 1, 100 * MS - 1) == 0
    # b is owed from 2 ns on: it catches up on 50 % of the 100 ms.
    queues = [turn(m, (100 + 4 * i) * MS, 4 * MS) for i in range(26)]
    assert queues == [1] * 25 + [0]


def test_being_seen_empty_forgives_what_is_owed_to_a_share() -> None:
    m = machine(by_nice(2, "strict { a  b }", "guard b at least 50%"))
    join(m, 0)
    assert turn(m, 0, 100 * MS) == 0
    assert turn(m, 100 * MS, 4 * MS) == 0  # b is seen empty: due = 100 ms
    join(m, 1, 104 * MS)
    assert turn(m, 104 * MS, 4 * MS) == 1  # due = 108 ms
    assert turn(m, 108 * MS, 4 * MS) == 1
    assert turn(m, 112 * MS, 4 * MS) == 0


def test_being_seen_empty_does_not_forgive_what_was_served_ahead() -> None:
    m = machine(by_nice(2, "strict { a  b }", "guard b at least 10%"))
    first = join(m, 1)
    assert turn(m, 0, 10 * MS, blocked=True) == 1  # due = 100 ms
    join(m, 0, 10 * MS)
    assert turn(m, 10 * MS, 10 * MS) == 0
    m.wake(first, 20 * MS)
    assert turn(m, 20 * MS, 80 * MS - 1) == 0
    assert turn(m, 100 * MS - 1, 1) == 0
    assert turn(m, 100 * MS, MS) == 1


def test_what_the_tree_grants_ahead_of_a_share_is_not_held_against_it() -> None:
    m = machine(by_nice(2, "strict { a  b }", "guard b at least 10%"))
    hog = join(m, 1)
    for i in range(10):
        assert turn(m, 4 * i * MS, 4 * MS) == 1
    join(m, 0, 40 * MS)
    # The last turn started at 36 ms: due = 36 + 4 / 10 %, not what ten turns add up to.
    assert turn(m, 40 * MS, 36 * MS - 1) == 0
    assert turn(m, 76 * MS - 1, 1) == 0
    assert m.choose(0, 76 * MS) == (hog, 1)


def test_settling_in_the_middle_of_a_turn_charges_nothing_twice() -> None:
    m = machine(by_nice(2, "strict { a  b }", "guard b at least 10%"))
    join(m, 1)
    join(m, 0)
    assert m.choose(0, 0) == (0, 1)
    m.settle(0, 2 * MS)
    m.settle(0, 2 * MS)
    m.stop(0, 4 * MS, blocked=False)
    assert turn(m, 4 * MS, 36 * MS - 1) == 0
    assert turn(m, 40 * MS - 1, 1) == 0
    assert turn(m, 40 * MS, MS) == 1


def test_a_queue_that_only_others_may_run_is_empty_here() -> None:
    m = machine(by_nice(2, "strict { a  b }", "guard b after 10ms"), cpus=2)
    join(m, 0)
    m.fork(TaskSpec("pinned", nice=1, affinity=frozenset({1})), 0)
    assert [turn(m, 4 * i * MS, 4 * MS) for i in range(8)] == [0] * 8


def test_idle_time_adds_nothing_to_what_is_owed_to_a_share() -> None:
    m = machine(by_nice(2, "strict { a  b }", "guard b at least 10%"))
    assert m.choose(0, 0) is None
    join(m, 1, 10_000 * MS)
    join(m, 0, 10_000 * MS)
    queues = [turn(m, (10_000 + 4 * i) * MS, 4 * MS) for i in range(11)]
    assert queues == [1] + [0] * 9 + [1]


def test_a_delay_does_not_run_while_the_cpu_is_idle() -> None:
    m = machine(by_nice(2, "strict { a  b }", "guard b after 10ms"))
    assert m.choose(0, 0) is None
    join(m, 1, 50 * MS)
    join(m, 0, 50 * MS)
    queues = [turn(m, (50 + 4 * i) * MS, 4 * MS) for i in range(4)]
    assert queues == [0, 0, 0, 1]
