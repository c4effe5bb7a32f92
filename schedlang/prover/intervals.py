"""The side obligations of every policy: no operation leaves the interval that it was given.

The type checker computes an interval for every quantity. Here the solver confirms each of them from
those of the operands, so that all hold by induction over the expressions: slices, delays and shares
are in range, no divisor is 0, no numerator negative, and nothing leaves +-2^62, so that the C does
not overflow.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

from schedlang.ir import nodes as ir
from schedlang.ir.walk import walk
from schedlang.prover.encode import arith_term, log2_term
from schedlang.prover.solver import Ledger
from schedlang.prover.terms import Term, all_of, between, integer, variable
from schedlang.prover.verdict import Unknown

WIDEST = ir.Interval(-ir.MAX_MAGNITUDE, ir.MAX_MAGNITUDE)


@final
@dataclass(frozen=True, slots=True)
class _Operation:
    """What is done to any values of these intervals, and where the result is said to lie.

    `done` is None for a choice between the operands, and `ir.Log2` for the logarithm.
    """

    done: ir.ArithOp | type[ir.Log2] | None
    operands: tuple[ir.Interval, ...]
    result: ir.Interval


def prove_intervals(policy: ir.Policy, ledger: Ledger) -> Unknown | None:
    known: list[Term] = []
    goals: list[Term] = []
    for number, operation in enumerate(dict.fromkeys(_operations(policy))):
        facts, goal = _claim(operation, number)
        known += facts
        goals.append(goal)
    return ledger.prove("no operation leaves its interval", known, goals) if goals else None


def _operations(policy: ir.Policy) -> Iterator[_Operation]:
    """Of quantities. A difference of points is assumed to be within the run's 2^62 ns."""
    for expr in _expressions(policy):
        for node in walk(expr):
            if node.range is None or node.type is ir.Type.BOOL:
                continue
            match node:
                case ir.Arith(left=left, right=right) if left.range and right.range:
                    yield _Operation(node.op, (left.range, right.range), node.range)
                case ir.If(then=then, orelse=orelse) if then.range and orelse.range:
                    yield _Operation(None, (then.range, orelse.range), node.range)
                case ir.Log2(operand=operand) if operand.range:
                    yield _Operation(ir.Log2, (operand.range,), node.range)
                case _:
                    pass


def _expressions(policy: ir.Policy) -> Iterator[ir.Expr]:
    """Everything that a policy evaluates, but the keys and params of its claims."""
    yield from _of_members(policy.states, policy.handlers)
    for queue in policy.queues:
        yield from _of_members(queue.order.states, queue.order.handlers)
        yield queue.slice
        if queue.order.key is not None:
            yield queue.order.key
    yield from (rule.condition for rule in policy.route.rules)
    for guard in policy.guards:
        yield guard.delay if isinstance(guard, ir.GuardAfter) else guard.share
    yield from (rule.after for rule in policy.preemptions)


def _of_members(
    states: tuple[ir.State, ...], handlers: tuple[ir.Handler, ...]
) -> Iterator[ir.Expr]:
    yield from (state.initial for state in states)
    for handler in handlers:
        if handler.condition is not None:
            yield handler.condition
        yield from (assign.value for assign in handler.assigns)


def _claim(operation: _Operation, number: int) -> tuple[list[Term], Term]:
    """What is known of the operands, and what has to follow."""
    terms = [variable(f"{side}{number}") for side, _ in zip("ab", operation.operands, strict=False)]
    pairs = list(zip(terms, operation.operands, strict=True))
    known = [between(interval.lo, term, interval.hi) for term, interval in pairs]
    goals = [integer(WIDEST.lo) <= integer(operation.result.lo)]
    goals.append(integer(operation.result.hi) <= integer(WIDEST.hi))
    lo, hi = operation.result.lo, operation.result.hi
    match operation.done:
        case None:
            goals += [between(lo, term, hi) for term in terms]
        case ir.ArithOp():
            goals.append(between(lo, arith_term(operation.done, *terms), hi))
            if operation.done is ir.ArithOp.DIV:
                goals += [terms[0] >= integer(0), terms[1] >= integer(1)]
        case _:
            goals += [between(lo, log2_term(terms[0], operation.operands[0]), hi)]
            goals.append(terms[0] >= integer(0))
    return known, all_of(goals)
