"""What the rules of `preempt` do to turns: docs/machine.md."""

from __future__ import annotations

from schedlang.ir.nodes import Policy
from schedlang.machine.machine import Machine
from schedlang.machine.scenario import TaskSpec
from schedlang.topology import Topology
from tests.support.policies import compiled

MS = 1_000_000
TEXT = """policy p
use std.orders.{{vruntime}}
param soon : duration = 2ms in 1ms..4ms
queue a {{ global  order fifo  slice 1ms }}
queue b {{ global  order vruntime(credit: 20ms, fork: 1ms)  slice 8ms }}
route {{ nice < 0 -> a  else -> b }}
serve strict {{ b  a }}
guard a at least 50%
preempt {{ {rules} }}
"""
OVER = compiled(TEXT.format(rules="a over b after soon"))
INSIDE = compiled(TEXT.format(rules="b over b earlier after 2ms"))
A = TaskSpec("a", nice=-5)
B = TaskSpec("b")


def machine(policy: Policy = OVER, topology: Topology | None = None) -> Machine:
    return Machine(policy, topology or Topology(1), (2 * MS,))


def granted(m: Machine, cpu: int = 0) -> int:
    turn = m.cpus[cpu].turn
    assert turn is not None
    return turn.granted_ns


def ended(m: Machine) -> list[int]:
    return [n for n, cpu in enumerate(m.cpus) if cpu.turn is not None and cpu.turn.is_ended]


def fill(m: Machine, spec: TaskSpec = B) -> None:
    """Every CPU runs such a task, from time 0."""
    for cpu in range(len(m.cpus)):
        m.fork(spec, 0, cpu)
        while m.woken:
            m.choose(m.woken[0], 0)


def test_an_arrival_cuts_a_turn_that_it_may_preempt() -> None:
    m = machine()
    fill(m)
    assert granted(m) == 8 * MS
    m.fork(A, MS)
    assert (granted(m), ended(m), m.cut) == (2 * MS, [], {0})


def test_a_turn_that_has_had_its_time_is_ended_at_once() -> None:
    m = machine()
    fill(m)
    m.fork(A, 3 * MS)
    assert (granted(m), ended(m), m.cut) == (3 * MS, [0], {0})
    m.stop(0, 3 * MS, blocked=False)
    assert m.cut == set()


def test_a_turn_past_its_slice_is_ended_at_once() -> None:
    m = machine()
    fill(m)
    m.fork(A, 9 * MS)
    assert (granted(m), ended(m)) == (8 * MS, [0])


def test_a_turn_that_starts_while_one_waits_is_short() -> None:
    m = machine()
    fill(m, A)
    m.fork(A, 0)
    m.fork(B, 0)
    m.stop(0, MS, blocked=True)
    chosen = m.choose(0, MS)
    assert chosen is not None
    assert (chosen.task, granted(m), m.cut) == (2, 2 * MS, set())


def test_a_short_turn_is_not_cut_again_before_its_time() -> None:
    m = machine()
    fill(m)
    m.fork(A, MS)
    m.cut.clear()
    m.fork(A, MS + 1)
    assert (granted(m), ended(m), m.cut) == (2 * MS, [], set())
    m.fork(A, 2 * MS)
    assert (granted(m), ended(m), m.cut) == (2 * MS, [0], {0})


def test_each_arrival_cuts_one_cpu_the_nearest_first() -> None:
    m = machine(OVER, Topology(cpus=4, llcs=2, nodes=2))
    fill(m)
    found = []
    for _ in range(4):
        m.fork(A, MS, 2)
        found.append(tuple(sorted(m.cut)))
    assert found == [(2,), (2, 3), (0, 2, 3), (0, 1, 2, 3)]


def test_only_cpus_of_the_affinity_are_cut() -> None:
    m = machine(OVER, Topology(2))
    fill(m)
    m.fork(TaskSpec("a", nice=-5, affinity=frozenset({1})), MS, 0)
    assert m.cut == {1}


def test_who_may_run_next_where_it_stopped_cuts_nobody() -> None:
    m = machine(OVER, Topology(2))
    fill(m)
    m.fork(A, MS)
    m.stop(0, 2 * MS, blocked=False)
    chosen = m.choose(0, 2 * MS)
    assert chosen is not None
    assert chosen.queue == 0
    m.stop(0, 3 * MS, blocked=True)
    assert m.choose(0, 3 * MS) is not None
    m.cut.clear()
    m.stop(0, 4 * MS, blocked=False)
    assert m.cut == set()


def test_an_arrival_with_an_idle_cpu_cuts_nobody() -> None:
    m = machine(OVER, Topology(2))
    m.fork(B, 0)
    m.choose(0, 0)
    m.fork(A, MS)
    assert (m.cut, m.woken) == (set(), [1])


def test_only_a_lesser_key_is_earlier() -> None:
    m = machine(INSIDE)
    fill(m)
    m.fork(B, MS)
    assert m.cut == set()
    m.stop(0, 4 * MS, blocked=False)
    m.choose(0, 4 * MS)
    assert granted(m) == 8 * MS
    m.stop(0, 5 * MS, blocked=True)
    m.choose(0, 5 * MS)
    m.wake(1, 6 * MS)
    assert (m.cut, granted(m)) == ({0}, 2 * MS)


def test_what_stop_is_told_is_what_the_cut_has_left() -> None:
    told = compiled(
        """policy p
        task { had : duration = 0ns in 0ns..1s  on stop { had = granted } }
        queue a { global  order fifo  slice 1ms }
        queue b { global  order fifo  slice 8ms }
        route { nice < 0 -> a  else -> b }
        serve weighted { b: 1  a: 1 }
        preempt { a over b after 2ms }"""
    )
    m = Machine(told, Topology(1), ())
    fill(m)
    m.fork(A, MS)
    m.stop(0, 2 * MS, blocked=False)
    assert m.tasks[0].states[0] == 2 * MS


def test_a_param_is_read_when_a_turn_is_cut() -> None:
    m = machine()
    fill(m)
    m.set_param(0, 4 * MS)
    m.fork(A, MS)
    assert granted(m) == 4 * MS
