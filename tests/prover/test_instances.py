"""Queues with several instances: what is proved of them, and that it needs the machine's rules."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from schedlang.ir import nodes as ir
from schedlang.machine.scenario import TaskSpec
from schedlang.prover.conserving import prove_no_lost_task, prove_work_conserving
from schedlang.prover.fairness import prove_fair_queues
from schedlang.prover.prove import prove
from schedlang.prover.rules import DOCUMENTED
from schedlang.prover.setting import TICK_NS, arbitration_of
from schedlang.prover.solver import Effort, Ledger
from schedlang.prover.starvation import ground, prove_starvation_free
from schedlang.prover.verdict import Proved, Unknown
from schedlang.topology import Topology
from tests.prover.build import MS, leaf, policy, queue, vruntime, weighted
from tests.support.pairs import simulated
from tests.support.policies import compiled
from tests.support.reading import Reading
from tests.support.simulator import Simulator
from tests.support.unit_mutants import (
    HandsOnOnce,
    NeverRebases,
    RegainsCredit,
    StealsForFree,
)

Kind = tuple[ir.Scope, ir.Steal | None]
KINDS: dict[str, Kind] = {
    "global": (ir.Scope.GLOBAL, None),
    "per llc": (ir.Scope.LLC, None),
    "per cpu, steal node": (ir.Scope.CPU, ir.Steal.NODE),
    "per node, steal": (ir.Scope.NODE, ir.Steal.ANY),
}
CONSERVING = {"global", "per node, steal"}


def of_kind(own: ir.Queue, kind: Kind) -> ir.Queue:
    return replace(own, scope=kind[0], steal=kind[1])


def two_queues(kind: Kind) -> ir.Policy:
    return policy([of_kind(queue("a"), kind), queue("b")], weighted(0, (0, 1, 1), (1, 1, 1)))


@pytest.mark.parametrize("name", KINDS)
def test_no_task_is_lost(name: str) -> None:
    ledger = Ledger(Effort())
    assert prove_no_lost_task(two_queues(KINDS[name]), DOCUMENTED, ledger) is None
    assert all(o.premise.answer == "sat" for o in ledger.obligations)


@pytest.mark.parametrize("name", KINDS)
def test_nobody_is_idle_beside_work_if_all_can_be_stolen(name: str) -> None:
    gap = prove_work_conserving(two_queues(KINDS[name]), DOCUMENTED, Ledger(Effort()))
    assert (gap is None) is (name in CONSERVING)
    assert gap is None or "`a` has several instances" in gap.detail


def test_a_thief_that_hands_nothing_on_loses_tasks() -> None:
    rules = replace(DOCUMENTED, hands_on=False)
    gap = prove_no_lost_task(two_queues(KINDS["per node, steal"]), rules, Ledger(Effort()))
    assert gap is not None
    assert "leaves a woken CPU while an idle one has work" in gap.detail


def proved_ns(subject: ir.Policy, number: int) -> int:
    on = ground(subject, DOCUMENTED, Effort())
    verdict = prove_starvation_free(on, number, on.ledger())
    assert isinstance(verdict, Proved), verdict
    assert verdict.bound is not None
    return verdict.bound.value_ns


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("order", [None, vruntime(20 * MS, MS)])
def test_a_wait_is_as_long_in_each_instance(name: str, order: ir.Order | None) -> None:
    own = queue("a") if order is None else queue("a", order=order)
    alone = policy([own], leaf(0))
    divided = policy([of_kind(own, KINDS[name])], leaf(0))
    assert proved_ns(divided, 0) == proved_ns(alone, 0)


def test_a_stolen_turn_counts_only_because_it_moves_v() -> None:
    subject = two_queues(KINDS["per node, steal"])
    rules = replace(DOCUMENTED, stolen_turns_walk=False)
    on = ground(subject, rules, Effort())
    verdict = prove_starvation_free(on, 0, on.ledger())
    assert isinstance(verdict, Unknown)
    assert "a stolen turn of" in verdict.detail
    found = prove_fair_queues(arbitration_of(subject, rules, TICK_NS), (0, 1), Ledger(Effort()))
    assert isinstance(found, Unknown)


def test_where_nobody_steals_stolen_turns_are_not_asked_about() -> None:
    rules = replace(DOCUMENTED, stolen_turns_walk=False)
    for name in ("global", "per llc"):
        on = ground(two_queues(KINDS[name]), rules, Effort())
        assert isinstance(prove_starvation_free(on, 0, on.ledger()), Proved)


HOPPING = """policy hopping
use std.orders.{vruntime}
queue q { per llc  order vruntime(credit: 20ms, fork: 1ms)  slice 4ms }
route { else -> q }
serve q
"""
STAYS, GOES, FAST = (
    TaskSpec("stays", affinity=frozenset({0})),
    TaskSpec("goes", affinity=frozenset({0})),
    TaskSpec("fast", weight=1, affinity=frozenset({1})),
)


@dataclass
class Hoppers:
    """Two tasks take turns on CPU 0; who has had one goes to the other LLC for a moment, where a
    light task makes the clock run, and comes back. `waited_ns` is how long a third one waits.
    """

    machine: Simulator
    now: int = 0
    waited_ns: int = 0

    def run(self, rounds: int) -> None:
        fork = self.machine.fork
        self._take(1, fork(FAST, 0, 1))
        first, second = fork(GOES, 0, 0), fork(GOES, 0, 0)
        self._take(0, first)
        waiting = fork(STAYS, 0, 0)
        for _ in range(rounds):
            self._pass(4 * MS)
            self.machine.stop(0, self.now, blocked=True)
            chosen = self.machine.choose(0, self.now)
            assert chosen is not None
            if chosen[0] == waiting:
                return
            self.waited_ns = self.now
            self._visit(first)
            first, second = second, first

    def _take(self, cpu: int, task: int) -> None:
        chosen = self.machine.choose(cpu, self.now)
        assert chosen is not None
        assert chosen[0] == task

    def _visit(self, task: int) -> None:
        """The task has a short turn on CPU 1, between two of the light one's."""
        self.machine.describe(task, replace(GOES, affinity=frozenset({1})))
        self.machine.wake(task, self.now)
        self._pass(1)
        self.machine.stop(1, self.now, blocked=False)
        self._take(1, task)
        self._pass(1)
        self.machine.stop(1, self.now, blocked=True)
        self.machine.choose(1, self.now)
        self.machine.describe(task, GOES)
        self.machine.wake(task, self.now)

    def _pass(self, ns: int) -> None:
        self.now += ns


def wait_beside_hoppers(kind: type[Simulator]) -> int:
    hoppers = Hoppers(simulated(HOPPING, (), Topology(2, 2), kind))
    hoppers.run(400)
    return hoppers.waited_ns


def test_who_comes_from_another_instance_has_no_more_than_a_newcomer() -> None:
    verdict = prove(compiled(HOPPING)).findings[0].verdict
    assert isinstance(verdict, Proved)
    assert verdict.bound is not None
    assert wait_beside_hoppers(Simulator) <= verdict.bound.value_ns
    assert wait_beside_hoppers(RegainsCredit) >= 400 * 4 * MS


def bound_of(text: str) -> int:
    """Of the first queue."""
    verdict = prove(compiled(text)).findings[0].verdict
    assert isinstance(verdict, Proved)
    assert verdict.bound is not None
    return verdict.bound.value_ns


def wait_of_one_from_a_fast_clock(kind: type[Simulator]) -> int:
    """A task has a turn where the clock is far ahead, and comes to where two others stay."""
    machine, now = simulated(HOPPING, (), Topology(2, 2), kind), 0
    machine.fork(FAST, 0, 1)
    machine.choose(1, 0)
    stay = [machine.fork(STAYS, 0, 0) for _ in range(2)]
    machine.choose(0, 0)
    for _ in range(20):
        now += 4 * MS
        machine.stop(1, now, blocked=False)
        machine.choose(1, now)
    comes = machine.fork(replace(GOES, affinity=frozenset({1})), now, 1)
    for blocks in (False, True):
        now += 4 * MS
        machine.stop(1, now, blocked=blocks)
        machine.choose(1, now)
    assert machine.tasks[comes].place == "asleep"
    machine.describe(comes, GOES)
    machine.wake(comes, now)
    since = now
    while machine.tasks[comes].place == "waiting" and now < since + 10_000 * MS:
        now += 4 * MS
        machine.stop(0, now, blocked=False)
        machine.choose(0, now)
    assert all(machine.tasks[task].place != "asleep" for task in stay)
    return now - since


def test_who_comes_from_a_fast_clock_is_not_held_up() -> None:
    assert wait_of_one_from_a_fast_clock(Simulator) <= bound_of(HOPPING)
    assert wait_of_one_from_a_fast_clock(NeverRebases) > bound_of(HOPPING)


STOLEN = """policy stolen
queue a { per cpu  order fifo  slice 4ms  steal }
queue b { per cpu  order fifo  slice 4ms  steal }
route { comm ~ "a" -> a  else -> b }
serve weighted { a: 1  b: 1 }
"""


def wait_beside_a_thief(kind: type[Simulator]) -> int:
    """CPU 1 steals many turns of `a`; then tasks of both queues come to it, and `a`'s waits."""
    machine, now = simulated(STOLEN, (), Topology(2), kind), 0
    machine.fork(TaskSpec("b", affinity=frozenset({0})), 0, 0)
    machine.choose(0, 0)
    for _ in range(200):
        machine.fork(TaskSpec("a"), now, 0)
        assert machine.choose(1, now) is not None
        now += 4 * MS
        machine.stop(1, now, blocked=True)
        assert machine.choose(1, now) is None
    there = frozenset({1})
    machine.fork(TaskSpec("b", affinity=there), now, 1)
    machine.choose(1, now)
    waits, since = machine.fork(TaskSpec("a", affinity=there), now, 1), now
    while machine.tasks[waits].place == "waiting":
        now += 4 * MS
        machine.stop(1, now, blocked=False)
        machine.choose(1, now)
    return now - since


def test_stolen_turns_run_up_no_debt() -> None:
    assert wait_beside_a_thief(Simulator) <= bound_of(STOLEN)
    assert wait_beside_a_thief(StealsForFree) > bound_of(STOLEN)


MIXED = """policy mixed
queue first { global  order fifo  slice 4ms }
queue near { per llc  order fifo  slice 4ms }
queue far { global  order fifo  slice 4ms }
route { comm ~ "first" -> first  comm ~ "near" -> near  else -> far }
serve strict { first  near  far }
"""


def is_left_beside_an_idle_cpu(kind: type[Simulator]) -> bool:
    """CPUs 1 and 5 are woken, for `near` and for `far`, but both take others first."""
    machine = kind(Reading(MIXED), 6, {}, pick=lambda options: options[-1], llcs=2)
    for name, cpus in (("near", (0, 1)), ("far", (3, 4, 5)), ("first", (5,)), ("first", (1,))):
        machine.fork(TaskSpec(name, affinity=frozenset(cpus)), 0, cpus[-1])
    for cpu in (5, 1, 4, 3, 0):
        if machine.cpus[cpu].state == "woken":
            machine.choose(cpu, 0)
    assert not any(cpu.state == "woken" for cpu in machine.cpus)
    return any(machine.wakeable(entry) for entry in machine.waiting)


def test_each_queue_hands_its_own_wake_up_on() -> None:
    assert not is_left_beside_an_idle_cpu(Simulator)
    assert is_left_beside_an_idle_cpu(HandsOnOnce)
    assert prove_no_lost_task(compiled(MIXED), DOCUMENTED, Ledger(Effort())) is None
