"""Expressions and handlers of the typed policy, over the mathematical integers.

Each is made into a Python function of an `Environment` once: a Python syntax tree is built from it,
node for node, and compiled. A bool is 0 or 1; a point is an integer like any other. Which names may
occur where is `ir.verify`'s concern, not checked here.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, assert_never, final

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
    InputRef,
    Interval,
    Log2,
    Logic,
    LogicOp,
    Match,
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
    """What an expression reads. The machine keeps one and fills it in before each evaluation.

    INVARIANT: compiled functions know these names, and those of `TaskSpec`.
    """

    params: tuple[int, ...]
    task: TaskSpec = NO_TASK
    task_states: Values = field(default_factory=list[int])
    order_states: Values = field(default_factory=list[int])
    now: int = 0
    clock: int = 0
    used: int = 0
    granted: int = 0
    blocked: int = 0
    woken: int = 0
    length: int = 0
    cpus: int = 1
    group_weight: int = 1


_PAST_NAMES: Final = 1_000_000
Evaluator = Callable[[Environment], int]
Effect = Callable[[Environment], object]

_READS: Final = {name: ast.parse(f"{name} = env.{name}").body[0] for name in Environment.__slots__}
_STATES: Final = {Owner.TASK: "task_states", Owner.ORDER: "order_states"}
_LOAD: Final = ast.Load()
_ARITH: Final[dict[ArithOp, ast.operator]] = {
    ArithOp.ADD: ast.Add(),
    ArithOp.SUB: ast.Sub(),
    ArithOp.MUL: ast.Mult(),
    ArithOp.DIV: ast.FloorDiv(),  # truncates: the numerator is not negative
}
_COMPARE: Final[dict[CompareOp, ast.cmpop]] = {
    CompareOp.LT: ast.Lt(),
    CompareOp.LE: ast.LtE(),
    CompareOp.GT: ast.Gt(),
    CompareOp.GE: ast.GtE(),
    CompareOp.EQ: ast.Eq(),
    CompareOp.NE: ast.NotEq(),
}


def evaluate(expr: Expr, environment: Environment) -> int:
    """The value of `expr`. To evaluate one expression often, `compile_expr` it once."""
    return compile_expr(expr)(environment)


def compile_expr(expr: Expr) -> Evaluator:
    function = _Function()
    return function.compiled([ast.Return(function.term(expr))])


def compile_within(expr: Expr, interval: Interval | None) -> Evaluator:
    """The value of `expr`, saturated at the interval's ends if there is one."""
    function = _Function()
    return function.compiled([ast.Return(function.saturated(expr, interval))])


def compile_route(route: Route) -> Evaluator:
    function = _Function()
    body: list[ast.stmt] = [
        ast.If(function.term(rule.condition), [ast.Return(ast.Constant(rule.queue))], [])
        for rule in route.rules
    ]
    return function.compiled([*body, ast.Return(ast.Constant(route.otherwise))])


def compile_initial(states: tuple[State, ...], owner: Owner) -> Callable[[Environment], list[int]]:
    """The owner's states when they come into being. Each may read those before it."""
    initials = [compile_within(state.initial, state.range) for state in states]

    def run(env: Environment) -> list[int]:
        values: list[int] = []
        if owner is Owner.TASK:
            env.task_states = values
        else:
            env.order_states = values
        for initial in initials:
            values.append(initial(env))  # noqa: PERF401 - the next one reads this one
        return values

    return run


def compile_handlers(
    handlers: tuple[Handler, ...], states: tuple[State, ...], owner: Owner, event: Event
) -> Effect:
    """What the owner's handlers of `event` do to its states, in the order of the text."""
    function = _Function()
    body = [function.handler(h, states, owner) for h in handlers if h.event is event]
    return function.compiled([statement for statements in body for statement in statements])


def constant_values(exprs: Sequence[Expr], params: tuple[int, ...]) -> tuple[int, ...]:
    """Values of expressions that read params only."""
    return tuple(_constant_value(expr, params) for expr in exprs)


def _constant_value(expr: Expr, params: tuple[int, ...]) -> int:
    match expr:
        case Const():
            return expr.value
        case ParamRef():
            return params[expr.index]
        case _:
            return evaluate(expr, Environment(params))


@final
class _Function:
    """A Python function of an environment `env` in the making.

    What it reads of the environment it reads once, into local variables, before anything else:
    handlers change the values in a list of states, never which list it is.
    """

    def __init__(self) -> None:
        self._read: set[str] = set()
        self._temporaries = 0

    def compiled(self, body: list[ast.stmt]) -> Evaluator:
        reads = [_READS[name] for name in sorted(self._read)]
        module = ast.parse("def compiled(env): pass")
        (function,) = module.body
        assert isinstance(function, ast.FunctionDef)
        function.body = [*reads, *body, ast.Return(ast.Constant(0))]
        scope: dict[str, Evaluator] = {}
        exec(compile(ast.fix_missing_locations(module), "<policy>", "exec"), scope)
        return scope["compiled"]

    def handler(self, handler: Handler, states: tuple[State, ...], owner: Owner) -> list[ast.stmt]:
        assigns = [self._assign(assign, states, owner) for assign in handler.assigns]
        if handler.condition is None:
            return assigns
        return [ast.If(self.term(handler.condition), assigns or [ast.Pass()], [])]

    def _assign(self, assign: Assign, states: tuple[State, ...], owner: Owner) -> ast.stmt:
        target = self._element(_STATES[owner], assign.index, ast.Store())
        return ast.Assign([target], self.saturated(assign.value, states[assign.index].range))

    def saturated(self, value: Expr, interval: Interval | None) -> ast.expr:
        term = self.term(value)
        if interval is None:
            return term
        term = self._pick(ast.Lt(), term, ast.Constant(interval.hi))
        return self._pick(ast.Gt(), term, ast.Constant(interval.lo))

    def term(self, expr: Expr) -> ast.expr:
        """The Python expression of the same value."""
        match expr:
            case Const():
                return ast.Constant(expr.value)
            case ParamRef():
                return self._element("params", expr.index)
            case StateRef():
                return self._element(_STATES[expr.owner], expr.index)
            case AttributeRef(attribute=Attribute.GROUP_WEIGHT):
                return self._name("group_weight")
            case AttributeRef():
                return self._attribute(expr.attribute.value)
            case InputRef():
                return self._name(expr.input.value)
            case Match():
                return self._match(expr)
            case CgroupUnder():
                cgroup = self._attribute("cgroup")
                below = _call(cgroup, "startswith", ast.Constant(expr.path + "/"))
                is_it = ast.Compare(cgroup, [ast.Eq()], [ast.Constant(expr.path)])
                return ast.BoolOp(ast.Or(), [is_it, below])
            case Arith() | Log2() | Compare() | Logic() | Not() | If():
                return self._operation(expr)
            case _:
                assert_never(expr)

    def _operation(self, expr: Arith | Log2 | Compare | Logic | Not | If) -> ast.expr:
        match expr:
            case Arith(op=ArithOp.MIN):
                return self._pick(ast.Lt(), self.term(expr.left), self.term(expr.right))
            case Arith(op=ArithOp.MAX):
                return self._pick(ast.Gt(), self.term(expr.left), self.term(expr.right))
            case Arith():
                return ast.BinOp(self.term(expr.left), _ARITH[expr.op], self.term(expr.right))
            case Compare():
                left, right = self.term(expr.left), self.term(expr.right)
                return ast.Compare(left, [_COMPARE[expr.op]], [right])
            case Logic():
                op = ast.And() if expr.op is LogicOp.AND else ast.Or()
                return ast.BoolOp(op, [self.term(expr.left), self.term(expr.right)])
            case Not():
                return ast.UnaryOp(ast.Not(), self.term(expr.operand))
            case Log2():
                operand = ast.BoolOp(ast.Or(), [self.term(expr.operand), ast.Constant(1)])
                return ast.BinOp(_call(operand, "bit_length"), ast.Sub(), ast.Constant(1))
            case If():
                then, orelse = self.term(expr.then), self.term(expr.orelse)
                return ast.IfExp(self.term(expr.condition), then, orelse)
            case _:
                assert_never(expr)

    def _match(self, expr: Match) -> ast.expr:
        name, text = self._attribute(expr.name.value), ast.Constant(expr.text)
        match expr.kind:
            case PatternKind.EXACT:
                return ast.Compare(name, [ast.Eq()], [text])
            case PatternKind.PREFIX:
                return _call(name, "startswith", text)
            case PatternKind.SUFFIX:
                return _call(name, "endswith", text)
            case PatternKind.CONTAINS:
                return ast.Compare(text, [ast.In()], [name])
            case PatternKind.GLOB:
                return self._glob(name, expr.text.split("*"))
            case _:
                assert_never(expr.kind)

    def _glob(self, name: ast.expr, pieces: list[str]) -> ast.expr:
        """Each piece is looked for as early as it can be, behind the one before it."""
        first, *middle, last = pieces
        begins = _call(name, "startswith", ast.Constant(first))
        end: ast.expr = ast.Constant(len(first))
        for piece in middle:
            at = self._temporary()
            found = _let(at, _call(name, "find", ast.Constant(piece), end))
            past = ast.BinOp(_load(at), ast.Add(), ast.Constant(len(piece)))
            is_found = ast.Compare(found, [ast.GtE()], [ast.Constant(0)])
            end = ast.IfExp(is_found, past, ast.Constant(_PAST_NAMES))
        ends = _call(name, "endswith", ast.Constant(last), end)
        return ast.BoolOp(ast.And(), [begins, ends])

    def _pick(self, op: ast.cmpop, left: ast.expr, right: ast.expr) -> ast.expr:
        """The left if it compares so with the right, else the right: `min` and `max`."""
        first, second = self._temporary(), self._temporary()
        test = ast.Compare(_let(first, left), [op], [_let(second, right)])
        return ast.IfExp(test, _load(first), _load(second))

    def _temporary(self) -> str:
        self._temporaries += 1
        return f"t{self._temporaries}"

    def _name(self, name: str) -> ast.expr:
        self._read.add(name)
        return _load(name)

    def _attribute(self, name: str) -> ast.expr:
        return ast.Attribute(self._name("task"), name, ast.Load())

    def _element(self, name: str, index: int, context: ast.expr_context = _LOAD) -> ast.Subscript:
        return ast.Subscript(self._name(name), ast.Constant(index), context)


def _call(value: ast.expr, method: str, *arguments: ast.expr) -> ast.expr:
    return ast.Call(ast.Attribute(value, method, ast.Load()), list(arguments), [])


def _load(name: str) -> ast.expr:
    return ast.Name(name, ast.Load())


def _let(name: str, value: ast.expr) -> ast.expr:
    return ast.NamedExpr(ast.Name(name, ast.Store()), value)
