"""Expressions: names resolved, functions inlined, types and intervals checked.

Every function gives the typed expression, or None after it has said what is wrong.
"""

from __future__ import annotations

from typing import assert_never

from schedlang.diagnostics.suggest import did_you_mean
from schedlang.ir import nodes as ir
from schedlang.ir.nodes import ArithOp, CompareOp, Interval, LogicOp, Type
from schedlang.ir.walk import measure
from schedlang.semantics import intervals
from schedlang.semantics.module import Definition
from schedlang.semantics.patterns import lower_path, lower_pattern
from schedlang.semantics.remembered import STATISTICS, Entry
from schedlang.semantics.scope import FUNCTIONS, MAX_NODES, RESERVED, Scope, spelling
from schedlang.source import Span
from schedlang.syntax import ast

ARITHMETIC = {"+": ArithOp.ADD, "-": ArithOp.SUB, "*": ArithOp.MUL, "/": ArithOp.DIV}
QUANTITIES = (Type.COUNT, Type.DURATION)


def lower_expr(expr: ast.Expr, scope: Scope) -> ir.Expr | None:
    with scope.findings.deeper() as fits:
        if not fits:
            _too_large(expr.span, scope)
            return None
        return _lower(expr, scope)


def _too_large(span: Span, scope: Scope) -> None:
    message = "the expression grows too large when its functions are inlined"
    scope.findings.add("E0224", message, span)


def _lower(expr: ast.Expr, scope: Scope) -> ir.Expr | None:
    match expr:
        case ast.Integer(value=value):
            return constant(Type.COUNT, value, expr.span)
        case ast.Duration():
            return constant(Type.DURATION, expr.value_ns, expr.span)
        case ast.Percent(value=value):
            return constant(Type.SHARE, value, expr.span)
        case ast.Boolean(value=value):
            return constant(Type.BOOL, int(value), expr.span)
        case ast.NameUse():
            return _name(expr, scope)
        case ast.WakerOf():
            return _of_waker(expr, scope)
        case ast.Call():
            return _call(expr, scope)
        case ast.Binary():
            return _binary(expr, scope)
        case ast.Negated():
            operand = lower_as(expr.operand, Type.BOOL, scope)
            return operand and ir.Not(Type.BOOL, ir.BOOL_RANGE, expr.span, operand)
        case ast.IfThenElse():
            return _if(expr, scope)
        case ast.Match():
            return lower_pattern(expr, scope) if _has_names(expr.span, "patterns", scope) else None
        case ast.Under():
            return lower_path(expr, scope) if _has_names(expr.span, "cgroups", scope) else None
        case _:
            assert_never(expr)


def lower_as(expr: ast.Expr, wanted: Type, scope: Scope) -> ir.Expr | None:
    """Lower an expression that must have type `wanted`."""
    lowered = lower_expr(expr, scope)
    if lowered is None or lowered.type is wanted:
        return lowered
    message = f"expected {describe(wanted)}, found {describe(lowered.type)}"
    notes: tuple[str, ...] = ()
    if wanted is Type.DURATION and isinstance(expr, ast.Integer):
        notes = (f"write the unit: `{expr.value}us` or `{expr.value}ms`",)
    scope.findings.add("E0203", message, expr.span, notes=notes)
    return None


def lower_constant(expr: ast.Expr, wanted: Type, scope: Scope) -> int | None:
    """Lower an expression whose value must be known when the policy is compiled."""
    lowered = lower_as(expr, wanted, scope)
    if lowered is None:
        return None
    assert lowered.range is not None
    if not lowered.range.is_single:
        message = "the value must be known when the policy is compiled"
        scope.findings.add("E0208", message, expr.span)
        return None
    return lowered.range.lo


def describe(type_: Type) -> str:
    return "a yes-or-no value (bool)" if type_ is Type.BOOL else f"a {type_}"


def constant(type_: Type, value: int, span: Span) -> ir.Const:
    return ir.Const(type_, Interval(value, value), span, value)


# --- names


def _name(expr: ast.NameUse, scope: Scope) -> ir.Expr | None:
    name, span = expr.name, expr.span
    if name in scope.local:
        return _local(scope.local[name], span, scope)
    if name in scope.order_states:
        index, state = scope.order_states[name]
        return ir.StateRef(state.type, state.range, span, ir.Owner.ORDER, index)
    if name in scope.task_states:
        return _task_state(scope.task_states[name], span)
    if name in scope.module.params:
        index = scope.module.params[name]
        param = scope.params[index]
        return ir.ParamRef(param.type, Interval(param.lo, param.hi), span, index)
    if name in scope.module.constants:
        known = scope.module.constants[name]
        return constant(known.type, known.value, span)
    function = scope.module.find(name, ast.Function)
    if function is not None:
        return _inline(function, (), span, scope)
    return _given(name, span, scope)


def _task_state(entry: Entry, span: Span) -> ir.StateRef:
    index, state = entry
    return ir.StateRef(state.type, state.range, span, ir.Owner.TASK, index)


def _of_waker(expr: ast.WakerOf, scope: Scope) -> ir.Expr | None:
    name, span = expr.name.name, expr.name.span
    if scope.habits is None:
        scope.findings.add("E0208", f"`waker.{name}` has no meaning in {scope.place}", expr.span)
    elif name in scope.findings.broken:
        return None
    elif name not in (*scope.task_states, *STATISTICS):
        near = did_you_mean(name, (*scope.task_states, *STATISTICS))
        notes = ("a waker has the states of `task { … }`, and statistics",)
        message = f"there is no task state `{name}`"
        scope.findings.add("E0201", message, span, notes=notes, repairs=spelling(near, span))
    else:
        entry = scope.task_states.get(name) or scope.habits.statistic(name)
        if not entry[1].type.is_point:
            return _task_state(scope.habits.of_waker(name, entry, expr.span), expr.span)
        message = f"`{name}` is a point, which is not kept of a waker"
        scope.findings.add("E0203", message, expr.span)
    return None


def _local(argument: ir.Expr, span: Span, scope: Scope) -> ir.Expr | None:
    """An argument in the place of its name; it counts each time, as later passes walk it then."""
    if scope.findings.takes(*measure(argument, MAX_NODES)):
        return argument
    _too_large(span, scope)
    return None


def _given(name: str, span: Span, scope: Scope) -> ir.Expr | None:
    """An attribute or an input: what the machine knows by itself."""
    if name in tuple(ir.Attribute) and scope.attributes:
        attribute = ir.Attribute(name)
        type_, bounds = ir.ATTRIBUTE_TYPES[attribute]
        return ir.AttributeRef(type_, bounds, span, attribute)
    if name in scope.inputs:
        given = ir.Input(name)
        return ir.InputRef(*ir.INPUT_TYPES[given], span, given)
    if name in STATISTICS and scope.habits is not None:
        return _task_state(scope.habits.statistic(name), span)
    if name in (*ir.Attribute, *ir.Input, *STATISTICS):
        scope.findings.add("E0208", f"`{name}` has no meaning in {scope.place}", span)
    elif name in RESERVED:
        message = f"`{name}` is kept for a later version of the language"
        scope.findings.add("E0102", message, span)
    elif name in tuple(ir.Name):
        note = f'write a pattern: `{name} ~ "nginx*"`'
        scope.findings.add("E0203", f"`{name}` is a text", span, notes=(note,))
    else:
        scope.unknown(name, span)
    return None


def _has_names(span: Span, what: str, scope: Scope) -> bool:
    if not scope.attributes:
        scope.findings.add("E0208", f"{what} have no meaning in {scope.place}", span)
    return scope.attributes


# --- calls


def _call(expr: ast.Call, scope: Scope) -> ir.Expr | None:
    name = expr.function.name
    function = scope.module.find(name, ast.Function)
    if name not in FUNCTIONS and function is None:
        scope.unknown(name, expr.function.span)
        return None
    arguments = [lower_expr(argument, scope) for argument in expr.arguments]
    lowered = tuple(a for a in arguments if a is not None)
    if len(lowered) < len(arguments):
        return None
    if function is not None:
        return _inline(function, lowered, expr.span, scope)
    return _builtin(expr, lowered, scope)


def _inline(
    definition: Definition[ast.Function], arguments: tuple[ir.Expr, ...], span: Span, scope: Scope
) -> ir.Expr | None:
    function = definition.tree
    name = function.name.name
    # INVARIANT: by identity. Libraries may have functions of one name and one form.
    same = [number for number, call in enumerate(scope.calls) if call is function]
    if same:
        chain = " -> ".join((*(f.name.name for f in scope.calls[same[0] :]), name))
        scope.findings.add("E0219", f"`{name}` calls itself: {chain}", span)
        return None
    if len(arguments) != len(function.formals):
        _wrong_count(name, f"{len(function.formals)}", len(arguments), span, scope)
        return None
    bound: dict[str, ir.Expr] = {}
    for formal, argument in zip(function.formals, arguments, strict=True):
        if formal.type.name != argument.type:
            message = f"`{formal.name.name}` of `{name}` is a {formal.type.name}"
            scope.findings.add(
                "E0203", f"{message}, found {describe(argument.type)}", argument.span
            )
            return None
        bound[formal.name.name] = argument
    with scope.findings.used_at(span):
        return lower_expr(function.body, scope.inside(definition, bound))


def _wrong_count(name: str, wanted: str, found: int, span: Span, scope: Scope) -> None:
    message = f"`{name}` takes {wanted} argument{'' if wanted == '1' else 's'}, found {found}"
    scope.findings.add("E0209", message, span)


def _builtin(expr: ast.Call, arguments: tuple[ir.Expr, ...], scope: Scope) -> ir.Expr | None:
    name, span = expr.function.name, expr.span
    wanted = FUNCTIONS[name]
    at_least = name in ("min", "max")
    if len(arguments) < wanted or (len(arguments) > wanted and not at_least):
        _wrong_count(
            name, f"at least {wanted}" if at_least else str(wanted), len(arguments), span, scope
        )
        return None
    match name:
        case "min" | "max":
            return _fold(ArithOp(name), arguments, span, scope)
        case "clamp":
            value, lo, hi = arguments
            raised = _fold(ArithOp.MAX, (value, lo), span, scope)
            return raised and _fold(ArithOp.MIN, (raised, hi), span, scope)
        case "log2":
            return _log2(arguments[0], span, scope)
        case _:
            old, sample, n = arguments
            return _ewma(old, sample, n, span, scope)


def _fold(op: ArithOp, arguments: tuple[ir.Expr, ...], span: Span, scope: Scope) -> ir.Expr | None:
    result: ir.Expr | None = arguments[0]
    for argument in arguments[1:]:
        if result is not None:
            result = arith(op, result, argument, span, scope)
    return result


def _log2(operand: ir.Expr, span: Span, scope: Scope) -> ir.Expr | None:
    if operand.type is not Type.COUNT or operand.range is None:
        scope.findings.add(
            "E0203", f"`log2` is of a count, found {describe(operand.type)}", operand.span
        )
        return None
    if operand.range.lo < 0:
        scope.findings.add(
            "E0206", "`log2` of a value that can be negative", operand.span, notes=_clamp_note()
        )
        return None
    return ir.Log2(Type.COUNT, intervals.log2(operand.range), span, operand)


def _ewma(old: ir.Expr, sample: ir.Expr, n: ir.Expr, span: Span, scope: Scope) -> ir.Expr | None:
    """old + (sample - old)/n, as (old·(n-1) + sample)/n: the same floor, no negative numerator."""
    one = constant(Type.COUNT, 1, n.span)
    rest = arith(ArithOp.SUB, n, one, n.span, scope)
    kept = rest and arith(ArithOp.MUL, old, rest, span, scope)
    total = kept and arith(ArithOp.ADD, kept, sample, span, scope)
    return total and arith(ArithOp.DIV, total, n, span, scope)


# --- operators


def _binary(expr: ast.Binary, scope: Scope) -> ir.Expr | None:
    op = expr.operator
    if op in tuple(LogicOp):
        left = lower_as(expr.left, Type.BOOL, scope)
        right = lower_as(expr.right, Type.BOOL, scope)
        if left is None or right is None:
            return None
        return ir.Logic(Type.BOOL, ir.BOOL_RANGE, expr.span, LogicOp(op), left, right)
    left, right = lower_expr(expr.left, scope), lower_expr(expr.right, scope)
    if left is None or right is None:
        return None
    if op in ARITHMETIC:
        return arith(ARITHMETIC[op], left, right, expr.span, scope)
    return _compare(CompareOp(op), left, right, expr.span, scope)


def _compare(
    op: CompareOp, left: ir.Expr, right: ir.Expr, span: Span, scope: Scope
) -> ir.Expr | None:
    if left.type is not right.type:
        message = f"cannot compare {describe(left.type)} with {describe(right.type)}"
        scope.findings.add("E0203", message, span)
        return None
    return ir.Compare(Type.BOOL, ir.BOOL_RANGE, span, op, left, right)


def _if(expr: ast.IfThenElse, scope: Scope) -> ir.Expr | None:
    condition = lower_as(expr.condition, Type.BOOL, scope)
    then, orelse = lower_expr(expr.then, scope), lower_expr(expr.orelse, scope)
    if condition is None or then is None or orelse is None:
        return None
    if then.type is not orelse.type:
        message = f"`then` is {describe(then.type)}, `else` is {describe(orelse.type)}"
        scope.findings.add("E0203", message, expr.span)
        return None
    bounds = None
    if then.range is not None and orelse.range is not None:
        bounds = intervals.hull(then.range, orelse.range)
    return ir.If(then.type, bounds, expr.span, condition, then, orelse)


def arith(op: ArithOp, left: ir.Expr, right: ir.Expr, span: Span, scope: Scope) -> ir.Expr | None:
    """The typed operation, after the checks that keep it total: see docs/language.md, Values."""
    type_ = _result_type(op, left.type, right.type)
    if type_ is None:
        _wrong_operands(op, left, right, span, scope)
        return None
    if type_.is_point:
        return ir.Arith(type_, None, span, op, left, right)
    if left.range is None or right.range is None:
        return ir.Arith(type_, intervals.WIDEST, span, op, left, right)
    if op is ArithOp.DIV and not _divides(left, right, scope):
        return None
    bounds = intervals.arith(op, left.range, right.range)
    if not intervals.WIDEST.contains(bounds):
        message = "the value can leave the range of ±2^62"
        label = f"between {bounds.lo} and {bounds.hi}"
        scope.findings.add("E0204", message, span, label, notes=_clamp_note())
        return None
    return ir.Arith(type_, bounds, span, op, left, right)


def _result_type(op: ArithOp, left: Type, right: Type) -> Type | None:
    match op:
        case ArithOp.ADD | ArithOp.SUB if left.is_point and right is Type.DURATION:
            return left
        case ArithOp.SUB if left.is_point and left is right:
            return Type.DURATION
        case ArithOp.ADD if left is Type.DURATION and right.is_point:
            return right
        case ArithOp.ADD | ArithOp.SUB:
            return left if left is right and left in QUANTITIES else None
        case ArithOp.MIN | ArithOp.MAX:
            return left if left is right and (left in QUANTITIES or left.is_point) else None
        case ArithOp.MUL:
            pair = {left, right}
            if not pair <= set(QUANTITIES) or (left is right is Type.DURATION):
                return None
            return Type.DURATION if Type.DURATION in pair else Type.COUNT
        case ArithOp.DIV:
            if left not in QUANTITIES or right not in QUANTITIES:
                return None
            return Type.COUNT if left is right else (left if right is Type.COUNT else None)
        case _:
            assert_never(op)


def _wrong_operands(op: ArithOp, left: ir.Expr, right: ir.Expr, span: Span, scope: Scope) -> None:
    pair = f"{describe(left.type)} and {describe(right.type)}"
    if left.type.is_point or right.type.is_point:
        note = (
            "point - point is a duration, point ± duration is a point; `min`, `max`, `clamp` and "
            "comparisons take points of one type"
        )
        scope.findings.add("E0207", f"`{op}` cannot take {pair}", span, notes=(note,))
        return
    scope.findings.add("E0203", f"`{op}` cannot take {pair}", span)


def _divides(left: ir.Expr, right: ir.Expr, scope: Scope) -> bool:
    assert left.range is not None
    assert right.range is not None
    if right.range.lo < 1:
        message = "the divisor can be 0 or negative"
        label = f"at least {right.range.lo}"
        notes = ("write `max(…, 1)` (or a duration) around it",)
        scope.findings.add("E0205", message, right.span, label, notes=notes)
    if left.range.lo < 0:
        message = "the numerator can be negative"
        scope.findings.add(
            "E0206", message, left.span, f"at least {left.range.lo}", notes=_clamp_note()
        )
    return right.range.lo >= 1 and left.range.lo >= 0


def _clamp_note() -> tuple[str, ...]:
    return ("write `clamp(…, lowest, highest)` around the operand that is too wide",)
