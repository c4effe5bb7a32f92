"""Fairness between two tasks of a queue: what is proved, what is not, and what runs come to."""

from __future__ import annotations

from random import Random

import pytest

from schedlang.ir import nodes as ir
from schedlang.machine.machine import Machine, Phase
from schedlang.machine.scenario import TaskSpec
from schedlang.prover.fair_tasks import FairTasks, prove_fair_tasks
from schedlang.prover.solver import Effort, Ledger
from schedlang.prover.subject import ANY_WEIGHT, Subject
from schedlang.prover.verdict import Reason, Unknown
from schedlang.prover.wait import REFERENCE_WEIGHTS
from schedlang.topology import Topology
from tests.prover.build import MS
from tests.support.policies import compiled

TURN = 8 * MS
TICK = 4 * MS
JOIN, CHARGE = "v = max(v, clock - 20ms)", "used * 100 / weight"


def own_order(join: str = JOIN, charge: str = CHARGE, key: str = "v") -> str:
    return (
        f"order own {{ v : vtime = clock + 1ms  on join {{ {join} }}"
        f"  on stop {{ v = v + {charge} }}  key {key} }}"
    )


def written(order: str = "", use: str = "own", rest: str = "") -> ir.Policy:
    return compiled(
        f"policy sample\nuse std.orders.{{vruntime}}\n{order}\n{rest}\n"
        f"queue a {{ global  order {use}  slice 4ms }}\nroute {{ else -> a }}\nserve a\n"
    )


def proved(own: ir.Policy, weights: ir.Interval = REFERENCE_WEIGHTS) -> FairTasks | Unknown:
    subject = Subject(own, own.queues[0], weights, TURN)
    return prove_fair_tasks(subject, TICK, Ledger(Effort()))


def bound(own: ir.Policy, weights: ir.Interval = REFERENCE_WEIGHTS) -> int:
    found = proved(own, weights)
    assert isinstance(found, FairTasks), found
    return found.bound_ns


VRUNTIME = written(use="vruntime(credit: 20ms, fork: 1ms)")


def test_tasks_part_by_the_credit_and_a_turn_of_each() -> None:
    assert bound(VRUNTIME) == 20 * MS + TURN + TURN
    # A turn of a task of weight 1 counts as 800 ms.
    assert bound(VRUNTIME, ANY_WEIGHT) == 20 * MS + 800 * MS + 800 * MS


def test_the_formula_is_for_any_weights() -> None:
    found = proved(VRUNTIME, ANY_WEIGHT)
    assert isinstance(found, FairTasks)
    assert found.formula == "20ms + 8ms * 100 / w_i + max(8ms * 100 / w_j, 1ms)"


def test_a_placed_task_can_jump_the_clock() -> None:
    placed = written(use="vruntime(credit: 20ms, fork: 1ms)", rest="place { cpu in any }")
    assert bound(placed) == bound(VRUNTIME) + TURN


def test_a_credit_that_changes_is_taken_at_its_greatest() -> None:
    rest = "param credit : duration = 5ms in 1ms..30ms"
    assert bound(written(own_order("v = max(v, clock - credit)"), rest=rest)) == 46 * MS


def test_a_preference_within_the_credit_parts_tasks_by_its_horizon() -> None:
    order = own_order("v = max(v, clock - 50ms)", key="v + nice * 1ms")
    assert bound(written(order)) == (50 + 39 + 8 + 8) * MS


UNFAIR = {
    "a charge by time alone": (own_order(charge="used"), ANY_WEIGHT, "does not charge"),
    "a charge that is halved": (own_order(charge="used * 50 / weight"), None, "does not charge"),
    "a debt that is forgiven": (
        own_order("v = clamp(v, clock - 20ms, clock + 5ms)"),
        None,
        "a clamp of order `own` moves a task",
    ),
    "a join that pushes": (
        own_order("v = max(v, clock + 2ms)"),
        None,
        "a clamp of order `own` moves a task",
    ),
    "a preference beyond the credit": (
        own_order(key="v + nice * 1ms"),
        None,
        "a clamp of order `own` moves a task",
    ),
}


@pytest.mark.parametrize("name", UNFAIR)
def test_fairness_needs_better_than(name: str) -> None:
    order, weights, complaint = UNFAIR[name]
    found = proved(written(order), weights or REFERENCE_WEIGHTS)
    assert isinstance(found, Unknown)
    assert complaint in found.detail


@pytest.mark.parametrize("use", ["fifo", "own"])
def test_what_does_not_look_at_service_has_no_bound(use: str) -> None:
    found = proved(written("order own { key now + nice * 1ms }", use))
    assert isinstance(found, Unknown)
    assert found.reason is Reason.NO_BOUND


def apart(own: ir.Policy, random: Random, weights: tuple[int, int], steps: int = 400) -> int:
    """How far two tasks that never sleep part in any window, beside others that do as they like."""
    machine, now = Machine(own, Topology(cpus=1), ()), 0
    others = [
        machine.fork(TaskSpec("other", weight=random.choice((1, 100, 10**4))), 0) for _ in "ab"
    ]

    def turn(numbers: list[int]) -> int:
        """The charge of a turn of the first of the numbers, less that of the second's."""
        nonlocal now
        started = machine.choose(0, now)
        if started is None:
            now += MS
            return 0
        ran = random.choice((1, 1000, 4 * MS, TURN, random.randint(1, TURN)))
        now += ran
        is_pair = started.task in numbers
        machine.stop(0, now, blocked=not is_pair and random.random() < 0.5)
        charge = max(ran, 1000) * 100 // machine.tasks[started.task].spec.weight
        return (charge if started.task == numbers[0] else -charge) if is_pair else 0

    def stir() -> None:
        for number in others:
            if machine.tasks[number].phase is Phase.BLOCKED and random.random() < 0.3:
                machine.wake(number, now)

    for _ in range(random.randint(0, 60)):
        turn([])
        stir()
    pair = [machine.fork(TaskSpec("pair", weight=weight), now) for weight in weights]
    for number in pair:
        # One of them may have slept for long before both are there.
        while random.random() < 0.9:
            turn([number] if random.random() < 0.7 else [])
            stir()
    difference = least = most = 0
    runnable = [machine.tasks[n].phase is not Phase.BLOCKED for n in pair]
    for number, is_runnable in zip(pair, runnable, strict=True):
        if not is_runnable:
            machine.wake(number, now)
    for _ in range(steps):
        difference += turn(pair)
        stir()
        least, most = min(least, difference), max(most, difference)
    return most - least


@pytest.mark.parametrize("seed", range(12))
def test_no_window_parts_two_tasks_further(seed: int) -> None:
    random = Random(seed)
    for order in (VRUNTIME, written(own_order("v = max(v, clock - 50ms)", key="v + nice * 1ms"))):
        weights = random.choice(((100, 100), (1, 10_000), (50, 300)))
        turn = TURN * 100 // min(weights)
        fixed = bound(order) - 2 * TURN
        assert apart(order, random, weights) <= fixed + 2 * turn


def test_a_run_comes_to_the_bound() -> None:
    """One comes back with all its credit when the other has just had its longest turn."""
    machine, now = Machine(VRUNTIME, Topology(cpus=1), ()), 0

    def turn(ran: int, *, blocked: bool = False) -> int:
        nonlocal now
        started = machine.choose(0, now)
        assert started is not None
        now += ran
        machine.stop(0, now, blocked=blocked)
        return started.task

    sleeper = machine.fork(TaskSpec("sleeper"), now)
    turn(1000, blocked=True)
    runner = machine.fork(TaskSpec("runner"), now)
    for _ in range(20):
        assert turn(TURN) == runner
    machine.wake(sleeper, now)
    turns = [7 * MS] * 4 + [TURN]
    turns[0] -= 1
    assert [turn(ran) for ran in turns] == [sleeper] * 5
    assert sum(turns) == bound(VRUNTIME) - 1
    assert turn(TURN) == runner
