"""Interval arithmetic: from the ranges of the operands to the range of the result."""

from __future__ import annotations

from typing import assert_never

from schedlang.ir.nodes import MAX_MAGNITUDE, ArithOp, Interval

WIDEST = Interval(-MAX_MAGNITUDE, MAX_MAGNITUDE)


def hull(a: Interval, b: Interval) -> Interval:
    return Interval(min(a.lo, b.lo), max(a.hi, b.hi))


def arith(op: ArithOp, a: Interval, b: Interval) -> Interval:
    """The least interval with `x op y` for all x of `a`, y of `b`; for `/`, a >= 0 and b >= 1."""
    match op:
        case ArithOp.ADD:
            return Interval(a.lo + b.lo, a.hi + b.hi)
        case ArithOp.SUB:
            return Interval(a.lo - b.hi, a.hi - b.lo)
        case ArithOp.MUL:
            corners = (a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi)
            return Interval(min(corners), max(corners))
        case ArithOp.DIV:
            return Interval(a.lo // b.hi, a.hi // b.lo)
        case ArithOp.MIN:
            return Interval(min(a.lo, b.lo), min(a.hi, b.hi))
        case ArithOp.MAX:
            return Interval(max(a.lo, b.lo), max(a.hi, b.hi))
        case _:
            assert_never(op)


def log2(a: Interval) -> Interval:
    """For a >= 0."""
    return Interval(max(a.lo.bit_length() - 1, 0), max(a.hi.bit_length() - 1, 0))
