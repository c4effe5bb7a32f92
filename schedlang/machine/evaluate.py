"""Expressions and handlers of the typed policy, over the mathematical integers.

Both are compiled once into closures over an `Environment`. A bool is 0 or 1; a point is an integer
like any other. Which names may occur where is `ir.verify`'s concern, not checked here.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, assert_never, final

from schedlang.ir.nodes import (
    Arith,
    ArithOp,
    Assign,
    Attribute,
    AttributeRef,
    CgroupUnder,
    Compare,
    CompareOp,
    Const,
    Event,
    Expr,
    Handler,
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
    Route,
    State,
    StateRef,
)
from schedlang.machine.scenario import TaskSpec

NO_TASK = TaskSpec(comm="")


class Values(Protocol):
    """The values of a task's, or of a (task, queue) pair's, states."""

    def __getitem__(self, index: int, /) -> int: ...
    def __setitem__(self, index: int, value: int, /) -> None: ...
    def __iter__(self) -> Iterator[int]: ...


@final
@dataclass(slots=True)
class Environment:
    """What an expression reads. The machine keeps one and fills it in before each evaluation."""

    params: tuple[int, ...]
    task: TaskSpec = NO_TASK
    task_states: Values = field(default_factory=list[int])
    order_states: Values = field(default_factory=list[int])
    now: int = 0
    clock: int = 0
    used: int = 0
    granted: int = 0
    blocked: int = 0


Evaluator = Callable[[Environment], int]
Effect = Callable[[Environment], None]

_ARITH: dict[ArithOp, Callable[[int, int], int]] = {
    ArithOp.ADD: operator.add,
    ArithOp.SUB: operator.sub,
    ArithOp.MUL: operator.mul,
    ArithOp.DIV: operator.floordiv,  # truncates: the numerator is not negative
    ArithOp.MIN: min,
    ArithOp.MAX: max,
}

_COMPARE: dict[CompareOp, Callable[[int, int], bool]] = {
    CompareOp.LT: operator.lt,
    CompareOp.LE: operator.le,
    CompareOp.GT: operator.gt,
    CompareOp.GE: operator.ge,
    CompareOp.EQ: operator.eq,
    CompareOp.NE: operator.ne,
}


def evaluate(expr: Expr, environment: Environment) -> int:
    """The value of `expr`. To evaluate one expression often, `compile_expr` it once."""
    return compile_expr(expr)(environment)


def compile_expr(expr: Expr) -> Evaluator:
    match expr:
        case Const() | ParamRef() | StateRef() | AttributeRef() | InputRef():
            return _compile_reference(expr)
        case Match():
            return _compile_match(expr)
        case CgroupUnder(path=path):
            return lambda env: env.task.cgroup == path or env.task.cgroup.startswith(path + "/")
        case Arith() | Log2() | Compare() | Logic() | Not() | If():
            return _compile_operation(expr)
        case _:
            assert_never(expr)


def _compile_reference(
    expr: Const | ParamRef | StateRef | AttributeRef | InputRef,
) -> Evaluator:
    match expr:
        case Const(value=value):
            return lambda _: value
        case ParamRef(index=index):
            return lambda env: env.params[index]
        case StateRef(index=index):
            if expr.owner is Owner.TASK:
                return lambda env: env.task_states[index]
            return lambda env: env.order_states[index]
        case AttributeRef(attribute=attribute):
            return _compile_attribute(attribute)
        case InputRef(input=machine_input):
            return _compile_input(machine_input)
        case _:
            assert_never(expr)


def _compile_operation(expr: Arith | Log2 | Compare | Logic | Not | If) -> Evaluator:
    match expr:
        case Arith(op=op):
            return _compile_binary(_ARITH[op], expr.left, expr.right)
        case Compare(op=relation):
            return _compile_binary(_COMPARE[relation], expr.left, expr.right)
        case Logic(op=logic):
            left, right = compile_expr(expr.left), compile_expr(expr.right)
            if logic is LogicOp.AND:
                return lambda env: left(env) and right(env)
            return lambda env: left(env) or right(env)
        case Not(operand=inner):
            operand = compile_expr(inner)
            return lambda env: not operand(env)
        case Log2(operand=inner):
            operand = compile_expr(inner)
            return lambda env: max(operand(env).bit_length() - 1, 0)
        case If():
            condition, then = compile_expr(expr.condition), compile_expr(expr.then)
            orelse = compile_expr(expr.orelse)
            return lambda env: then(env) if condition(env) else orelse(env)
        case _:
            assert_never(expr)


def _compile_binary(function: Callable[[int, int], int], lhs: Expr, rhs: Expr) -> Evaluator:
    left, right = compile_expr(lhs), compile_expr(rhs)
    return lambda env: function(left(env), right(env))


def _compile_attribute(attribute: Attribute) -> Evaluator:
    match attribute:
        case Attribute.NICE:
            return lambda env: env.task.nice
        case Attribute.WEIGHT:
            return lambda env: env.task.weight
        case Attribute.KTHREAD:
            return lambda env: env.task.kthread
        case Attribute.PINNED:
            return lambda env: env.task.pinned
        case Attribute.RESTRICTED:
            return lambda env: env.task.restricted
        case _:
            assert_never(attribute)


def _compile_input(machine_input: Input) -> Evaluator:
    match machine_input:
        case Input.NOW:
            return lambda env: env.now
        case Input.CLOCK:
            return lambda env: env.clock
        case Input.USED:
            return lambda env: env.used
        case Input.GRANTED:
            return lambda env: env.granted
        case Input.BLOCKED:
            return lambda env: env.blocked
        case _:
            assert_never(machine_input)


_PATTERN: dict[PatternKind, Callable[[str, str], bool]] = {
    PatternKind.EXACT: operator.eq,
    PatternKind.PREFIX: str.startswith,
    PatternKind.SUFFIX: str.endswith,
    PatternKind.CONTAINS: operator.contains,
}


def _compile_match(expr: Match) -> Evaluator:
    matches, text = _PATTERN[expr.kind], expr.text
    match expr.name:
        case Name.COMM:
            return lambda env: matches(env.task.comm, text)
        case Name.PROCESS:
            return lambda env: matches(env.task.process, text)
        case _:
            assert_never(expr.name)


def compile_route(route: Route) -> Evaluator:
    rules = [(compile_expr(rule.condition), rule.queue) for rule in route.rules]
    otherwise = route.otherwise

    def run(env: Environment) -> int:
        for condition, queue in rules:
            if condition(env):
                return queue
        return otherwise

    return run


def compile_initial(states: tuple[State, ...], owner: Owner) -> Callable[[Environment], list[int]]:
    """The owner's states when they come into being. Each may read those before it."""
    initials = [(compile_expr(state.initial), state) for state in states]

    def run(env: Environment) -> list[int]:
        values: list[int] = []
        if owner is Owner.TASK:
            env.task_states = values
        else:
            env.order_states = values
        for initial, state in initials:
            values.append(_saturate(initial(env), state))
        return values

    return run


def compile_handlers(
    handlers: tuple[Handler, ...], states: tuple[State, ...], owner: Owner, event: Event
) -> Effect:
    """What the owner's handlers of `event` do to its states, in the order of the text."""
    effects = [_compile_handler(h, states, owner) for h in handlers if h.event is event]

    def run(env: Environment) -> None:
        for effect in effects:
            effect(env)

    return run


def _compile_handler(handler: Handler, states: tuple[State, ...], owner: Owner) -> Effect:
    assigns = [_compile_assign(assign, states, owner) for assign in handler.assigns]
    condition = compile_expr(handler.condition) if handler.condition is not None else None

    def run(env: Environment) -> None:
        if condition is None or condition(env):
            for assign in assigns:
                assign(env)

    return run


def _compile_assign(assign: Assign, states: tuple[State, ...], owner: Owner) -> Effect:
    value, index, state = compile_expr(assign.value), assign.index, states[assign.index]

    def to_task(env: Environment) -> None:
        env.task_states[index] = _saturate(value(env), state)

    def to_order(env: Environment) -> None:
        env.order_states[index] = _saturate(value(env), state)

    return to_task if owner is Owner.TASK else to_order


def _saturate(value: int, state: State) -> int:
    if state.range is None:
        return value
    return min(max(value, state.range.lo), state.range.hi)


def constant_values(exprs: Sequence[Expr], params: tuple[int, ...]) -> tuple[int, ...]:
    """Values of expressions that read params only."""
    environment = Environment(params)
    return tuple(evaluate(expr, environment) for expr in exprs)
