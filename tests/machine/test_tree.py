"""The serve tree: strict and weighted nodes, alone and nested."""

from __future__ import annotations

from collections import Counter

from schedlang.ir.nodes import MAX_DEBT
from tests.support.machines import MS, by_nice, join, machine, turn


def test_strict_takes_the_first_that_is_not_empty() -> None:
    m = machine(by_nice(3, "strict { b  c  a }"))
    for nice in range(3):
        join(m, nice)
    assert [turn(m, i, 1, blocked=True) for i in range(4)] == [1, 2, 0, None]


def test_equal_weights_alternate_and_ties_go_to_the_first() -> None:
    m = machine(by_nice(2, "weighted { b: 1  a: 1 }"))
    join(m, 0)
    join(m, 1)
    assert [turn(m, i * MS, MS) for i in range(6)] == [1, 0, 1, 0, 1, 0]


def test_time_is_shared_in_proportion_to_the_weights() -> None:
    m = machine(by_nice(3, "weighted { a: 1  b: 2  c: 3 }"))
    for nice in range(3):
        join(m, nice)
    assert Counter(turn(m, i * MS, MS) for i in range(600)) == {0: 100, 1: 200, 2: 300}


def test_what_counts_is_time_not_turns() -> None:
    m = machine(by_nice(2, "weighted { a: 1  b: 1 }"))
    join(m, 0)
    join(m, 1)
    now, served = 0, [0, 0]
    for _ in range(400):
        chosen = m.choose(0, now)
        assert chosen is not None
        ran_ns = (MS, 3 * MS)[chosen.queue]
        now += ran_ns
        served[chosen.queue] += ran_ns
        m.stop(0, now, blocked=False)
    assert abs(served[0] - served[1]) <= 3 * MS


def test_a_child_that_comes_back_is_not_paid_for_its_absence() -> None:
    m = machine(by_nice(2, "weighted { a: 1  b: 1 }"))
    join(m, 0)
    for i in range(100):
        assert turn(m, i * MS, MS) == 0
    join(m, 1, 100 * MS)
    # V is what a had at its last choice, 99 ms; a now has 100 ms.
    assert [turn(m, (100 + i) * MS, MS) for i in range(6)] == [1, 0, 1, 0, 1, 0]


def test_a_child_that_comes_back_keeps_its_debt() -> None:
    m = machine(by_nice(2, "weighted { a: 1  b: 1 }"))
    join(m, 0)
    late = join(m, 1)
    assert turn(m, 0, MS) == 0
    assert turn(m, MS, 10 * MS, blocked=True) == 1
    assert turn(m, 11 * MS, MS) == 0  # b is seen empty
    m.wake(late, 12 * MS)
    assert [turn(m, (12 + i) * MS, MS) for i in range(10)] == [0] * 9 + [1]


def test_an_empty_machine_sees_all_children_of_a_weighted_root_empty() -> None:
    m = machine(by_nice(2, "weighted { a: 1  b: 1 }"))
    first = join(m, 0)
    assert turn(m, 0, MS, blocked=True) == 0
    assert m.choose(0, MS) is None
    assert m.cpus[0].arbiter.relative(MS) == (True, (), (((MS, False), (0, False)),))
    m.wake(first, 2 * MS)
    assert turn(m, 2 * MS, MS) == 0


def test_a_child_that_is_placed_again_and_again_runs_up_no_debt() -> None:
    m = machine(by_nice(2, "weighted { a: 1  b: 1 }", "place { prev }"))
    task = join(m, 0)
    for i in range(100):
        assert turn(m, 2 * i * MS, MS, blocked=True) == 0
        assert m.choose(0, (2 * i + 1) * MS) is None
        m.wake(task, 2 * (i + 1) * MS)
    join(m, 1, 200 * MS)
    assert [turn(m, (200 + i) * MS, MS) for i in range(6)] == [0, 1, 0, 1, 0, 1]


def test_each_level_of_nested_weights_divides_its_own_part() -> None:
    m = machine(by_nice(4, "weighted { weighted { a: 1  b: 3 }: 1  strict { c  d }: 1 }"))
    for nice in range(4):
        join(m, nice)
    assert Counter(turn(m, i * MS, MS) for i in range(800)) == {0: 100, 1: 300, 2: 400}


def test_service_through_a_guard_is_charged_in_the_tree_too() -> None:
    m = machine(by_nice(2, "weighted { a: 3  b: 1 }", "guard b at least 50%"))
    join(m, 0)
    join(m, 1)
    assert turn(m, 0, MS) == 1  # the guard's
    assert [turn(m, (1 + i) * MS, MS) for i in range(3)] == [0, 1, 0]
    assert m.cpus[0].arbiter.relative(4 * MS) == (False, (0,), (((MS, True), (5 * MS, True)),))


def test_debt_in_the_tree_is_capped() -> None:
    # A scale of 10^4 and turns of years reach the cap; without it 2^62 would be left behind.
    m = machine(by_nice(2, "weighted { a: 10000  b: 1 }"))
    join(m, 1)
    assert m.choose(0, 0) == (0, 1)
    m.stop(0, 2**60, blocked=False)
    assert m.cpus[0].arbiter.relative(2**60) == (False, (), (((0, False), (MAX_DEBT, True)),))
