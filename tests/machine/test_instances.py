"""Queues with several instances: who joins which, what moves with a task, and who steals."""

from __future__ import annotations

from dataclasses import replace

import pytest

from schedlang.machine.machine import Machine, Mode
from schedlang.machine.scenario import TaskSpec
from schedlang.topology import Topology
from tests.support.machines import MS
from tests.support.policies import compiled

FOUR = Topology(4, llcs=2)
NODES = Topology(8, llcs=4, nodes=2)
VRUNTIME = "order vruntime(credit: 0ms, fork: 1ms)"


def machine(
    clauses: str, topology: Topology = FOUR, order: str = "order fifo", more: str = ""
) -> Machine:
    text = f"""policy p
        use std.orders.{{vruntime}}
        queue a {{ {clauses}  {order}  slice 4ms }}
        route {{ else -> a }}
        serve a
        {more}"""
    return Machine(compiled(text), topology, ())


def fork(m: Machine, cpu: int, now: int = 0, on: frozenset[int] | None = None) -> int:
    return m.fork(TaskSpec("t", affinity=on), now, cpu)


def waiting(m: Machine) -> list[list[int]]:
    """The tasks in each instance."""
    return [[entry.task for entry in instance.entries] for instance in m.queues[0].all]


def busy(m: Machine) -> None:
    """Every CPU runs a task."""
    for cpu in range(len(m.cpus)):
        fork(m, cpu, on=frozenset({cpu}))
        m.choose(cpu, 0)


@pytest.mark.parametrize(
    ("clauses", "instances"),
    [
        ("global", [[8, 9, 10]]),
        ("per node", [[8, 9], [10]]),
        ("per llc", [[8], [9], [], [10]]),
        ("per cpu", [[], [8], [9], [], [], [], [], [10]]),
    ],
)
def test_a_task_joins_the_instance_of_its_last_cpu(
    clauses: str, instances: list[list[int]]
) -> None:
    m = machine(clauses, NODES)
    busy(m)
    for cpu in (1, 2, 7):
        fork(m, cpu)
    assert waiting(m) == instances


def test_a_task_that_may_not_go_back_joins_that_of_its_least_cpu() -> None:
    m = machine("per llc")
    busy(m)
    fork(m, 0, on=frozenset({2, 3}))
    assert waiting(m) == [[], [4]]


def test_a_claimed_cpu_is_home() -> None:
    m = machine("per llc", more="place { cpu in any }")
    for cpu in (0, 1, 2):
        fork(m, cpu, on=frozenset({cpu}))
        m.choose(cpu, 0)
    task = fork(m, 0)
    assert m.cpus[3].claimed == task
    instance = m.tasks[task].instances[0]
    assert instance is not None
    assert instance.unit == 1


def test_only_a_cpu_that_sees_the_task_is_woken() -> None:
    m = machine("per llc")
    for cpu in (0, 1):
        fork(m, cpu, on=frozenset({cpu}))
        m.choose(cpu, 0)
    fork(m, 0)
    assert m.woken == []
    assert m.choose(2, 0) is None
    fork(m, 3)
    assert m.woken == [2]


def test_a_thief_is_woken_if_nobody_else_sees_the_task() -> None:
    m = machine("per llc steal")
    fork(m, 0)
    assert m.woken == [0]
    m.choose(0, 0)
    fork(m, 0)
    assert m.woken == [1]
    m.choose(1, 0)
    task = fork(m, 0)
    assert m.woken == [2]
    assert m.choose(2, 0) == (task, 0)
    assert m.choose(3, 0) is None


def test_a_node_does_not_steal_from_another() -> None:
    m = machine("per llc steal node", NODES)
    for cpu in range(4):
        fork(m, cpu, on=frozenset({cpu}))
        m.choose(cpu, 0)
    fork(m, 0)
    assert m.woken == []
    assert m.choose(5, 0) is None


def test_the_nearest_instance_is_robbed_first() -> None:
    m = machine("per cpu steal", NODES)
    busy(m)
    for cpu in (0, 2, 3, 4, 6):
        fork(m, cpu)
    order = []
    for now in range(1, 6):
        m.stop(5, now, blocked=True)
        chosen = m.choose(5, now)
        assert chosen is not None
        order.append(chosen.task - 8)
    # On the LLC, on the node, then elsewhere from the own number on, around the end.
    assert [(0, 2, 3, 4, 6)[number] for number in order] == [4, 6, 0, 2, 3]


def test_a_stolen_task_stays_with_the_thief() -> None:
    m = machine("per llc steal")
    busy(m)
    task = fork(m, 0)
    m.stop(3, MS, blocked=True)
    assert m.choose(3, MS) == (task, 0)
    m.stop(3, 2 * MS, blocked=False)
    assert waiting(m) == [[], [task]]


def test_a_stolen_turn_is_charged_and_moves_v() -> None:
    m = Machine(
        compiled("""policy p
        queue a { per llc  order fifo  slice 4ms  steal }
        queue b { per llc  order fifo  slice 4ms  steal }
        route { nice > 0 -> a  else -> b }
        serve weighted { a: 1  b: 1 }"""),
        Topology(2, llcs=2),
        (),
    )
    first = m.fork(TaskSpec("t", nice=1), 0, 0)
    m.choose(0, 0)
    second = m.fork(TaskSpec("t", nice=1), 0, 0)
    assert m.choose(1, 0) == (second, 0)
    assert m.choose(0, 0) if m.cpus[0].mode is Mode.CHOOSING else True
    m.stop(1, 3 * MS, blocked=True)
    debts = m.cpus[1].arbiter.relative(3 * MS).debts
    assert debts == (((3 * MS, True), (0, False)),)
    assert m.tasks[first].cpu == 0


def test_each_instance_has_its_clock_and_tasks_move_between_them() -> None:
    m = machine("per llc steal", Topology(2, llcs=2), VRUNTIME)
    here, there = m.queues[0].all
    one = fork(m, 0)
    m.choose(0, 0)
    for _ in range(3):
        m.stop(0, m.cpus[0].settled_at + 10 * MS, blocked=False)
        m.choose(0, m.cpus[0].settled_at)
    assert (here.clock, there.clock) == (31 * MS, 0)
    other = m.fork(TaskSpec("t", weight=200), 30 * MS, 0)
    states = m.tasks[other].order_states[0]
    assert states is not None
    assert states[0] == 32 * MS  # a newcomer to the first instance
    assert m.choose(1, 30 * MS) == (other, 0)
    assert (here.clock, there.clock) == (32 * MS, 0)  # that of the instance it came from
    m.stop(1, 34 * MS, blocked=False)
    # It was charged there, and is as far ahead of the clock here.
    assert states[0] == 2 * MS
    assert waiting(m) == [[], [other]]
    assert m.tasks[one].cpu == 0


def test_a_changed_affinity_moves_a_waiting_task() -> None:
    m = machine("per llc", order=VRUNTIME)
    busy(m)
    task = fork(m, 0)
    assert waiting(m)[0] == [task]
    m.change(task, replace(m.tasks[task].spec, affinity=frozenset({3})), MS)
    assert waiting(m) == [[], [task]]


def test_a_wakeup_is_handed_on_to_a_thief() -> None:
    m = machine("per llc steal")
    first, second = fork(m, 0), fork(m, 0)
    assert m.woken == [0, 1]
    assert m.choose(1, 0) == (first, 0)
    assert m.woken == [0, 2]
    assert m.choose(2, 0) == (second, 0)
    assert m.choose(0, 0) is None
