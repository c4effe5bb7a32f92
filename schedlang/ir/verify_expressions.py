"""The invariants of expressions: types, intervals, and what may be read where.

Intervals are recomputed here, apart from the lowering that made them; an expression may claim a
wider one than it needs, never a narrower one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never, final

from schedlang.ir import nodes as ir
from schedlang.ir.nodes import ArithOp, Interval, Type
from schedlang.ir.walk import walk

MAX_PATTERN = 15
WIDEST = Interval(-ir.MAX_MAGNITUDE, ir.MAX_MAGNITUDE)
_QUANTITIES = (Type.COUNT, Type.DURATION)


@final
class IrError(AssertionError):
    """The compiler built a policy that breaks an invariant: a defect of ours, never the user's."""


@final
@dataclass(frozen=True, slots=True)
class Place:
    """Where an expression stands, and so what it may read."""

    name: str
    params: tuple[ir.Param, ...]
    attributes: bool = False
    inputs: frozenset[ir.Input] = frozenset()
    task_states: tuple[ir.State, ...] = ()
    order_states: tuple[ir.State, ...] = ()

    def states(self, owner: ir.Owner) -> tuple[ir.State, ...]:
        return self.task_states if owner is ir.Owner.TASK else self.order_states

    def demand(self, holds: bool, what: str) -> None:
        if not holds:
            raise IrError(f"{self.name}: {what}")


def verify_expr(expr: ir.Expr, wanted: Type, place: Place) -> None:
    """`expr` is sound, has type `wanted`, and reads only what `place` has."""
    place.demand(expr.type is wanted, f"a {expr.type} where a {wanted} is due")
    for node in walk(expr):
        _verify_range(node, place)
        _verify_node(node, place)


def _verify_range(node: ir.Expr, place: Place) -> None:
    place.demand((node.range is None) == node.type.is_point, f"a {node.type} with {node.range}")
    if node.range is not None:
        place.demand(node.range.lo <= node.range.hi, f"the interval {node.range} is empty")
        place.demand(WIDEST.contains(node.range), f"the interval {node.range} is too wide")
        if node.type is Type.BOOL:
            place.demand(ir.BOOL_RANGE.contains(node.range), f"a bool in {node.range}")


def _verify_node(node: ir.Expr, place: Place) -> None:
    match node:
        case ir.Const() | ir.ParamRef() | ir.StateRef() | ir.AttributeRef() | ir.InputRef():
            _verify_reference(node, place)
        case ir.Arith():
            _verify_arith(node, place)
        case ir.Log2(operand=operand):
            _demand_type(node, Type.COUNT, place)
            _demand_type(operand, Type.COUNT, place)
            lo, hi = _bounds(operand)
            place.demand(lo >= 0, "log2 of a negative number")
            _demand_holds(node, _log2(lo), _log2(hi), place)
        case ir.Compare(left=left, right=right):
            _demand_type(node, Type.BOOL, place)
            place.demand(left.type is right.type, f"{left.type} {node.op} {right.type}")
        case ir.Logic(left=left, right=right):
            for part in (node, left, right):
                _demand_type(part, Type.BOOL, place)
        case ir.Not(operand=operand):
            _demand_type(node, Type.BOOL, place)
            _demand_type(operand, Type.BOOL, place)
        case ir.If():
            _verify_if(node, place)
        case ir.Match() | ir.CgroupUnder():
            _verify_text(node, place)
        case _:
            assert_never(node)


def _verify_reference(
    node: ir.Const | ir.ParamRef | ir.StateRef | ir.AttributeRef | ir.InputRef, place: Place
) -> None:
    match node:
        case ir.Const(value=value):
            place.demand(not node.type.is_point, "a constant point")
            place.demand(node.range == Interval(value, value), f"{value} with {node.range}")
        case ir.ParamRef(index=index):
            place.demand(0 <= index < len(place.params), f"there is no param {index}")
            param = place.params[index]
            _demand_declared(node, param.type, Interval(param.lo, param.hi), place)
        case ir.StateRef(owner=owner, index=index):
            states = place.states(owner)
            place.demand(0 <= index < len(states), f"there is no {owner} state {index} here")
            _demand_declared(node, states[index].type, states[index].range, place)
        case ir.AttributeRef(attribute=attribute):
            place.demand(place.attributes, f"reads `{attribute}`")
            _demand_declared(node, *ir.ATTRIBUTE_TYPES[attribute], place)
        case ir.InputRef(input=given):
            place.demand(given in place.inputs, f"reads `{given}`")
            _demand_declared(node, *ir.INPUT_TYPES[given], place)
        case _:
            assert_never(node)


def _demand_declared(node: ir.Expr, type_: Type, bounds: Interval | None, place: Place) -> None:
    place.demand(node.type is type_, f"a {type_} read as a {node.type}")
    place.demand(node.range == bounds, f"values in {bounds} read as {node.range}")


def _demand_type(node: ir.Expr, type_: Type, place: Place) -> None:
    place.demand(node.type is type_, f"a {node.type} where a {type_} is due")


def _demand_holds(node: ir.Expr, lo: int, hi: int, place: Place) -> None:
    bounds = node.range
    place.demand(bounds is not None and bounds.lo <= lo and hi <= bounds.hi, f"{bounds} is unsound")


def _bounds(node: ir.Expr) -> tuple[int, int]:
    assert node.range is not None, "only points have no interval"
    return node.range.lo, node.range.hi


def _verify_if(node: ir.If, place: Place) -> None:
    _demand_type(node.condition, Type.BOOL, place)
    for branch in (node.then, node.orelse):
        _demand_type(branch, node.type, place)
        if not node.type.is_point:
            _demand_holds(node, *_bounds(branch), place)


def _verify_text(node: ir.Match | ir.CgroupUnder, place: Place) -> None:
    place.demand(place.attributes, "reads a name")
    _demand_type(node, Type.BOOL, place)
    match node:
        case ir.Match(text=text):
            is_plain = text.isascii() and text.isprintable()
            place.demand(is_plain and 1 <= len(text) <= MAX_PATTERN, f"the pattern {text!r}")
        case ir.CgroupUnder(path=path):
            place.demand(path.startswith("/") and not path.endswith("/"), f"the path {path!r}")
        case _:
            assert_never(node)


# --- arithmetic


def _verify_arith(node: ir.Arith, place: Place) -> None:
    left, right = node.left, node.right
    is_typed = node.type in _result_types(node.op, left.type, right.type)
    place.demand(is_typed, f"{left.type} {node.op} {right.type} as a {node.type}")
    if node.type.is_point or left.type.is_point:
        return  # of two points, a duration within WIDEST
    (a, b), (c, d) = _bounds(left), _bounds(right)
    if node.op is ArithOp.DIV:
        place.demand(a >= 0, "a negative numerator")
        place.demand(c >= 1, "a divisor below 1")
    # Each operation is monotone in each operand, so that its extremes lie at the corners.
    corners = [_OPERATIONS[node.op](x, y) for x in (a, b) for y in (c, d)]
    _demand_holds(node, min(corners), max(corners), place)


_OPERATIONS: dict[ArithOp, Callable[[int, int], int]] = {
    ArithOp.ADD: lambda x, y: x + y,
    ArithOp.SUB: lambda x, y: x - y,
    ArithOp.MUL: lambda x, y: x * y,
    ArithOp.DIV: lambda x, y: x // y,
    ArithOp.MIN: min,
    ArithOp.MAX: max,
}


def _result_types(op: ArithOp, left: Type, right: Type) -> tuple[Type, ...]:
    """The one type that the operation gives; none if the operands do not go together."""
    if op in (ArithOp.MIN, ArithOp.MAX):
        fits = left is right and (left in _QUANTITIES or left.is_point)
        return (left,) if fits else ()
    if left.is_point or right.is_point:
        return _point_types(op, left, right)
    if left not in _QUANTITIES or right not in _QUANTITIES:
        return ()
    durations = (left, right).count(Type.DURATION)
    match op:
        case ArithOp.ADD | ArithOp.SUB:
            return (left,) if left is right else ()
        case ArithOp.MUL:
            return () if durations == 2 else ((Type.COUNT, Type.DURATION)[durations],)
        case ArithOp.DIV:
            quotient = Type.COUNT if left is right else Type.DURATION
            return () if (left, right) == (Type.COUNT, Type.DURATION) else (quotient,)
        case _:
            assert_never(op)


def _point_types(op: ArithOp, left: Type, right: Type) -> tuple[Type, ...]:
    match op, left.is_point, right.is_point:
        case ArithOp.SUB, True, True if left is right:
            return (Type.DURATION,)
        case ((ArithOp.ADD | ArithOp.SUB), True, False) if right is Type.DURATION:
            return (left,)
        case ArithOp.ADD, False, True if left is Type.DURATION:
            return (right,)
        case _:
            return ()


def _log2(value: int) -> int:
    return max(value.bit_length() - 1, 0)
