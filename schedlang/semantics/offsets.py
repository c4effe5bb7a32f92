"""How far a point can lie from another: interval arithmetic relative to a base point.

Tells whether handlers keep a state near the queue's clock or near `now`, whatever it was before,
and how much a turn is charged. An offset's bound is None where there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import final

from schedlang.ir import nodes as ir
from schedlang.ir.nodes import ArithOp


@final
@dataclass(frozen=True, slots=True)
class Offset:
    """`lo <= point - base <= hi`; a bound that is None does not exist."""

    lo: int | None
    hi: int | None


FREE = Offset(None, None)
AT_BASE = Offset(0, 0)


def offset(
    expr: ir.Expr, inputs: Mapping[ir.Input, Offset], states: Mapping[int, Offset]
) -> Offset:
    """Where the point `expr` lies, given where inputs and the order's own states lie."""
    match expr:
        case ir.InputRef(input=given):
            return inputs.get(given, FREE)
        case ir.StateRef(owner=ir.Owner.ORDER, index=index):
            return states.get(index, FREE)
        case ir.Arith():
            return _arith(expr, inputs, states)
        case ir.If():
            then, orelse = (offset(e, inputs, states) for e in (expr.then, expr.orelse))
            return _join(then, orelse)
        case _:
            return FREE


def after_handlers(
    order: ir.Order,
    event: ir.Event,
    inputs: Mapping[ir.Input, Offset],
    states: Mapping[int, Offset],
) -> Mapping[int, Offset]:
    """Where the order's states lie after the handlers of `event`, given where they lay before."""
    current = dict(states)
    for handler in order.handlers:
        if handler.event is not event:
            continue
        before = dict(current)
        for assign in handler.assigns:
            current[assign.index] = offset(assign.value, inputs, current)
        if handler.condition is not None:
            current = {i: _join(after, before.get(i, FREE)) for i, after in current.items()}
    return current


def _arith(
    expr: ir.Arith, inputs: Mapping[ir.Input, Offset], states: Mapping[int, Offset]
) -> Offset:
    if not expr.left.type.is_point:
        if expr.op is ArithOp.ADD and expr.right.type.is_point:
            return _moved(offset(expr.right, inputs, states), expr.left.range, 1)
        return FREE
    left = offset(expr.left, inputs, states)
    if expr.op in (ArithOp.ADD, ArithOp.SUB):
        return _moved(left, expr.right.range, 1 if expr.op is ArithOp.ADD else -1)
    right = offset(expr.right, inputs, states)
    if expr.op is ArithOp.MAX:
        return Offset(_either(max, left.lo, right.lo), _both(max, left.hi, right.hi))
    return Offset(_both(min, left.lo, right.lo), _either(min, left.hi, right.hi))


def _join(a: Offset, b: Offset) -> Offset:
    return Offset(_both(min, a.lo, b.lo), _both(max, a.hi, b.hi))


def _both(pick: Callable[[int, int], int], a: int | None, b: int | None) -> int | None:
    """A bound that needs both operands to be bounded."""
    return None if a is None or b is None else pick(a, b)


def _either(pick: Callable[[int, int], int], a: int | None, b: int | None) -> int | None:
    """A bound that either operand gives: `max(x, y) >= x`."""
    return (b if a is None else a) if a is None or b is None else pick(a, b)


def _moved(point: Offset, by: ir.Interval | None, sign: int) -> Offset:
    if by is None:
        return FREE
    low, high = sorted((sign * by.lo, sign * by.hi))
    return Offset(
        None if point.lo is None else point.lo + low,
        None if point.hi is None else point.hi + high,
    )
