"""Typed expressions as C. Integers of policies are 64 bits wide and signed, points unsigned.

The policy's types have excluded overflow and division by zero; what remains to be done here is
to keep C from computing in a narrower type, and points from being compared as plain numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, assert_never, final

from schedlang.ir.nodes import (
    Arith,
    ArithOp,
    Attribute,
    AttributeRef,
    CgroupUnder,
    Compare,
    CompareOp,
    Const,
    Expr,
    If,
    Input,
    InputRef,
    Log2,
    Logic,
    LogicOp,
    Match,
    Name,
    Not,
    Owner,
    ParamRef,
    PatternKind,
    StateRef,
)
from schedlang_bpf.text import c_string

_INT_MAX: Final = 2**31 - 1
_NAME_LENGTHS: Final = range(1, 16)


@final
@dataclass(frozen=True, slots=True)
class Scope:
    """What the names in an expression are called in C. `order` is where order states lie."""

    params: tuple[str, ...]
    task_states: tuple[str, ...]
    cgroups: tuple[str, ...]
    order: str = ""
    order_states: tuple[str, ...] = ()


class _Level(IntEnum):
    """How tightly C binds, loosest first."""

    CHOICE = 1
    OR = 2
    AND = 3
    EQUALITY = 4
    ORDER = 5
    SUM = 6
    PRODUCT = 7
    UNARY = 8
    PRIMARY = 9


@final
@dataclass(frozen=True, slots=True)
class _C:
    """Text with its binding; `wide` if C already computes it in 64 bits."""

    text: str
    level: _Level = _Level.PRIMARY
    wide: bool = True

    def within(self, level: _Level) -> str:
        return self.text if self.level >= level else f"({self.text})"

    def widened(self) -> _C:
        return self if self.wide else _C(f"(s64){self.within(_Level.UNARY)}", _Level.UNARY)


def c_expression(expr: Expr, scope: Scope) -> str:
    """`expr` in C, fit to stand alone, as an argument or right of an assignment."""
    return _emit(expr, scope).text


def c_operand(expr: Expr, scope: Scope) -> str:
    """`expr` in C, fit to stand beside any operator."""
    return _emit(expr, scope).within(_Level.UNARY)


def _emit(expr: Expr, scope: Scope) -> _C:
    fixed = _fixed_value(expr)
    if fixed is not None:
        return _constant(fixed)
    match expr:
        case Const():
            return _constant(expr.value)
        case ParamRef():
            return _C(f"{scope.params[expr.index]}()")
        case StateRef():
            return _state(expr, scope)
        case AttributeRef():
            return _C(_ATTRIBUTES[expr.attribute])
        case InputRef():
            return _C(_INPUTS[expr.input])
        case Arith():
            return _arith(expr, scope)
        case Log2():
            return _C(f"log2_of({_emit(expr.operand, scope).text})")
        case Compare():
            return _compare(expr, scope)
        case Logic():
            return _logic(expr, scope)
        case Not():
            return _C(f"!{_emit(expr.operand, scope).within(_Level.UNARY)}", _Level.UNARY)
        case If():
            return _if(expr, scope)
        case Match():
            return _match(expr)
        case CgroupUnder():
            return _under(expr, scope)
        case _:
            assert_never(expr)


def _fixed_value(expr: Expr) -> int | None:
    """The one value that `expr` can have, if it is a quantity with but one."""
    if expr.type.is_point or expr.range is None or expr.range.lo != expr.range.hi:
        return None
    return expr.range.lo


def _constant(value: int) -> _C:
    suffix = "" if abs(value) <= _INT_MAX else "LL"
    level = _Level.UNARY if value < 0 else _Level.PRIMARY
    return _C(f"{value}{suffix}", level, wide=bool(suffix))


def _state(expr: StateRef, scope: Scope) -> _C:
    if expr.owner is Owner.TASK:
        return _C(f"t->task.{scope.task_states[expr.index]}")
    return _C(f"t->{scope.order}.{scope.order_states[expr.index]}")


_ATTRIBUTES: Final = {
    Attribute.NICE: "nice_of(p)",
    Attribute.WEIGHT: "weight_of(p)",
    Attribute.PID: "p->pid",
    Attribute.TGID: "p->tgid",
    Attribute.PPID: "p->real_parent->tgid",
    Attribute.UID: "uid_of(p)",
    Attribute.GID: "gid_of(p)",
    Attribute.GROUP_LEADER: "is_group_leader(p)",
    Attribute.GROUP_WEIGHT: "share_of_group(t->member.group, p->scx.weight)",
    Attribute.KTHREAD: "is_kthread(p)",
    Attribute.PINNED: "is_pinned(p)",
    Attribute.RESTRICTED: "is_restricted(p)",
}
_INPUTS: Final = {
    Input.NOW: "now",
    Input.CLOCK: "clock",
    Input.USED: "used",
    Input.GRANTED: "granted",
    Input.BLOCKED: "blocked",
    Input.WOKEN: "woke",
    Input.LENGTH: "length",
    Input.CPUS: "nr_online_cpus",
}


def _arith(expr: Arith, scope: Scope) -> _C:
    left, right = _emit(expr.left, scope), _emit(expr.right, scope)
    points = expr.left.type.is_point
    match expr.op:
        case ArithOp.ADD | ArithOp.SUB | ArithOp.MUL:
            return _infix(expr, left, right)
        case ArithOp.DIV:
            return _C(f"quotient({left.text}, {right.text})")
        case ArithOp.MIN | ArithOp.MAX:
            what = expr.op.value
            name = f"point_{what}" if points else f"{what}_of"
            return _C(f"{name}({left.text}, {right.text})")
        case _:
            assert_never(expr.op)


def _infix(expr: Arith, left: _C, right: _C) -> _C:
    level = _Level.PRODUCT if expr.op is ArithOp.MUL else _Level.SUM
    if not (left.wide or right.wide):
        left = left.widened()
    # The right operand of - may not lose its parentheses, and a sign must not meet an operator.
    text = f"{left.within(level)} {expr.op.value} {right.within(_Level(level + 1))}"
    if expr.left.type.is_point and expr.right.type.is_point:
        return _C(f"(s64)({text})", _Level.UNARY)
    return _C(text, level)


def _compare(expr: Compare, scope: Scope) -> _C:
    left, right = _emit(expr.left, scope), _emit(expr.right, scope)
    ordered = expr.op not in (CompareOp.EQ, CompareOp.NE)
    if expr.left.type.is_point and ordered:
        return _compare_points(expr.op, left.text, right.text)
    level = _Level.ORDER if ordered else _Level.EQUALITY
    inner = _Level(level + 1)
    return _C(f"{left.within(inner)} {expr.op.value} {right.within(inner)}", level, wide=False)


def _compare_points(op: CompareOp, left: str, right: str) -> _C:
    if op in (CompareOp.LT, CompareOp.GE):
        call = f"point_before({left}, {right})"
    else:
        call = f"point_before({right}, {left})"
    if op in (CompareOp.LE, CompareOp.GE):
        return _C(f"!{call}", _Level.UNARY, wide=False)
    return _C(call, wide=False)


def _logic(expr: Logic, scope: Scope) -> _C:
    """Both operands above && in binding, so that a mixture shows its parentheses."""
    level = _Level.AND if expr.op is LogicOp.AND else _Level.OR
    sign = "&&" if expr.op is LogicOp.AND else "||"
    sides = [_emit(side, scope) for side in (expr.left, expr.right)]
    texts = [s.text if s.level == level else s.within(_Level.EQUALITY) for s in sides]
    return _C(f"{texts[0]} {sign} {texts[1]}", level, wide=False)


def _if(expr: If, scope: Scope) -> _C:
    condition = _emit(expr.condition, scope).within(_Level.OR)
    then, orelse = _emit(expr.then, scope), _emit(expr.orelse, scope)
    text = f"{condition} ? {then.within(_Level.OR)} : {orelse.within(_Level.CHOICE)}"
    return _C(text, _Level.CHOICE, wide=then.wide or orelse.wide)


_NAMES: Final = {Name.COMM: "&comm", Name.PROCESS: "&process"}
_PATTERNS: Final = {  # of one piece
    PatternKind.EXACT: "name_is",
    PatternKind.PREFIX: "name_starts",
    PatternKind.SUFFIX: "name_ends",
    PatternKind.CONTAINS: "name_contains",
}


def _match(expr: Match) -> _C:
    length = len(expr.text.replace("*", "").encode("utf-8", "backslashreplace"))
    if length not in _NAME_LENGTHS:
        raise ValueError(f"a pattern of {length} bytes reached the emitter")
    if expr.kind is PatternKind.GLOB:
        return _glob(_NAMES[expr.name], expr.text.split("*"))
    return _C(f"{_PATTERNS[expr.kind]}({_NAMES[expr.name]}, {c_string(expr.text)}, {length})")


def _glob(name: str, pieces: list[str]) -> _C:
    """Each piece is looked for as early as it can be, behind the one before it."""
    first, *middle, last = pieces
    begins = f"name_starts({name}, {c_string(first)}, {len(first)}) && " if first else ""
    end = f"{len(first)}"
    for piece in middle:
        end = f"name_after({name}, {end}, {c_string(piece)}, {len(piece)})"
    if last:
        end = f"name_after({name}, {end}, {c_string(last)}, {len(last)} + 1)"
    return _C(f"{begins}{end} != NOT_THERE", _Level.AND, wide=False)


def _under(expr: CgroupUnder, scope: Scope) -> _C:
    return _C(f"t->under[{scope.cgroups.index(expr.path)}]")
