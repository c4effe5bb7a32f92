"""A policy's arbitration in numbers: longest turns and the ranges of guards, each of them proved.

Slices, delays and shares are expressions over params, and a param may change at any time; the
type checker's intervals are taken as proposals that the solver confirms.
"""

from __future__ import annotations

from schedlang.ir import nodes as ir
from schedlang.machine.evaluate import constant_values
from schedlang.prover.arbiter import Arbitration, Guarded
from schedlang.prover.encode import Moment, encode, free_state
from schedlang.prover.rules import Rules
from schedlang.prover.solver import Ledger
from schedlang.prover.terms import Term, between, greatest, integer, least, variable
from schedlang.prover.verdict import Unknown

TICK_NS = 4_000_000
"""How late the tick may end a turn unless a claim assumes otherwise: one tick at 250 Hz."""


def quantity(guard: ir.Guard) -> ir.Expr:
    return guard.delay if isinstance(guard, ir.GuardAfter) else guard.share


def arbitration_of(policy: ir.Policy, rules: Rules, tick_ns: int) -> Arbitration:
    """For all values of the params, and turns that the tick may end late."""
    guards = []
    for index, guard in enumerate(policy.guards):
        interval = quantity(guard).range
        assert interval is not None
        is_share = isinstance(guard, ir.GuardShare)
        name = policy.queues[guard.queue].name
        guards.append(Guarded(index, guard.queue, is_share, interval.lo, interval.hi, name))
    longest = tuple(slice_range(queue).hi + tick_ns for queue in policy.queues)
    return Arbitration(rules, policy.serve, tuple(guards), longest)


def concrete_arbitration(policy: ir.Policy, rules: Rules, params: tuple[int, ...]) -> Arbitration:
    """For these values of the params, and turns that every slice of a queue allows."""
    values = constant_values([quantity(guard) for guard in policy.guards], params)
    guards = []
    for index, (guard, value) in enumerate(zip(policy.guards, values, strict=True)):
        name, is_share = policy.queues[guard.queue].name, isinstance(guard, ir.GuardShare)
        guards.append(Guarded(index, guard.queue, is_share, value, value, name))
    turns = tuple(slice_range(queue).lo for queue in policy.queues)
    return Arbitration(rules, policy.serve, tuple(guards), turns)


def slice_range(queue: ir.Queue) -> ir.Interval:
    interval = queue.slice.range
    assert interval is not None
    return ir.Interval(
        min(max(interval.lo, 1), ir.MAX_SLICE_NS), min(max(interval.hi, 1), ir.MAX_SLICE_NS)
    )


def prove_ranges(policy: ir.Policy, ledger: Ledger) -> Unknown | None:
    """Slices, delays and shares stay in the ranges that the rest of the proof takes for them."""
    at, known = _moment(policy, (), "")
    goals: list[Term] = []
    for guard in policy.guards:
        interval = quantity(guard).range
        assert interval is not None
        goals.append(between(interval.lo, encode(quantity(guard), at), interval.hi))
    for number, queue in enumerate(policy.queues):
        own, facts = _moment(policy, queue.order.states, f"q{number}_")
        clamped = least(greatest(encode(queue.slice, own), integer(1)), integer(ir.MAX_SLICE_NS))
        interval = slice_range(queue)
        goals.append(between(interval.lo, clamped, interval.hi))
        known += [*facts, *own.constraints]
    return ledger.prove("slices, delays and shares are in range", (*known, *at.constraints), goals)


def _moment(
    policy: ir.Policy, own: tuple[ir.State, ...], prefix: str
) -> tuple[Moment, list[Term]]:
    task_states = [free_state(state, f"{prefix}task{i}") for i, state in enumerate(policy.states)]
    own_states = [free_state(state, f"{prefix}own{i}") for i, state in enumerate(own)]
    known = [fact for _, fact in (*task_states, *own_states)]
    inputs = {
        ir.Input.NOW: variable(f"{prefix}now"),
        ir.Input.CLOCK: variable(f"{prefix}clock"),
    }
    terms = [[term for term, _ in states] for states in (task_states, own_states)]
    return Moment(prefix, policy.params, terms[0], terms[1], inputs), known
