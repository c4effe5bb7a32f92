"""Grammar rules to tree nodes: one method per rule of `grammar/schedlang.lark`, of the rule's name.

Called while the parser reduces, so nothing recurses over the text's nesting; `TooDeep` is raised
where an expression or a tree nests deeper than later passes, which do recurse, should meet.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import TypeVar, final

from lark import Token, Transformer

from schedlang.ir.nodes import MAX_MAGNITUDE, Frequency, Property, RungKind, Scope, Steal
from schedlang.ir.testing import Measure, Relation, Statistic
from schedlang.source import Span
from schedlang.syntax import ast

MAX_DEPTH = 100


@final
class TooDeep(Exception):
    def __init__(self, span: Span) -> None:
        self.span = span


@final
class TooLarge(Exception):
    def __init__(self, span: Span) -> None:
        self.span = span


Nested = ast.Expr | ast.Tree
Node = (
    Nested
    | ast.Decl
    | ast.Member
    | ast.Clause
    | ast.Ident
    | ast.Text
    | ast.Range
    | ast.Formal
    | ast.Argument
    | ast.Assign
    | ast.Rule
    | ast.Share
    | ast.Cut
    | ast.Rung
    | ast.Premise
    | ast.Goal
    | ast.Scene
    | ast.Trait
    | ast.Cpus
    | ast.Header
)
Group = tuple[ast.Formal, ...] | tuple[ast.Argument, ...] | tuple[ast.Premise, ...]
Item = Token | Node | Group
Items = list[Item]

N = TypeVar("N", bound=Nested)
T = TypeVar("T")


@final
class TreeBuilder(Transformer[Token, ast.File]):
    """Builds the nodes of one text at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.begin(0)

    def begin(self, file: int) -> None:
        """Forget the last text. The next one is that of source `file`."""
        self._file = file
        # INVARIANT: a key is the id of a node that the parser still holds.
        self._depths: dict[int, int] = {}

    def __reduce__(self) -> tuple[type[TreeBuilder], tuple[()]]:
        """Parser tables are kept with their builder: what comes back is a new one."""
        return TreeBuilder, ()

    # --- helpers

    def _of(self, item: Item) -> Span:
        if isinstance(item, Token):
            start = item.start_pos or 0
            return Span(start, start + len(item), self._file)
        if isinstance(item, tuple):
            return item[0].span.to(item[-1].span)
        return item.span

    def _span(self, items: Items) -> Span:
        return self._of(items[0]).to(self._of(items[-1]))

    def _ident(self, item: Item) -> ast.Ident:
        assert isinstance(item, Token)
        return ast.Ident(str(item), self._of(item))

    def _idents(self, items: Items) -> tuple[ast.Ident, ...]:
        return tuple(self._ident(i) for i in items if _is(i, "NAME"))

    def _text(self, item: Item) -> ast.Text:
        assert isinstance(item, Token)
        return ast.Text(str(item)[1:-1], self._of(item))

    def _int(self, item: Item) -> ast.Integer:
        assert isinstance(item, Token)
        return ast.Integer(self._number(str(item), self._of(item)), self._of(item))

    def _number(self, digits: str, span: Span, unit: int = 1) -> int:
        if len(digits) > 20 or int(digits) * unit > MAX_MAGNITUDE:
            raise TooLarge(span)
        return int(digits)

    def _nest(self, node: N, children: Iterable[Nested]) -> N:
        """Record the node's depth. Leaves of the tree are never recorded and have depth 1."""
        depth = 1 + max((self._depths.pop(id(child), 1) for child in children), default=0)
        if depth > MAX_DEPTH:
            raise TooDeep(node.span)
        self._depths[id(node)] = depth
        return node

    # --- file

    def start(self, items: Items) -> ast.File:
        header = items[0] if items and isinstance(items[0], ast.Header) else None
        return ast.File(header, tuple(i for i in items if isinstance(i, ast.Decl)))

    def header(self, items: Items) -> ast.Header:
        return ast.Header(ast.FileKind(str(items[0])), self._ident(items[1]), self._span(items))

    def use(self, items: Items) -> ast.Use:
        brace = next(n for n, item in enumerate(items) if _is(item, "LBRACE"))
        return ast.Use(self._idents(items[:brace]), self._idents(items[brace:]), self._span(items))

    def param(self, items: Items) -> ast.Param:
        default = _expr(items)
        bounds = _maybe(items, ast.Range)
        name, type_ = self._ident(items[1]), _one(items[2:], ast.Ident)
        return ast.Param(name, type_, default, bounds, self._span(items))

    def range(self, items: Items) -> ast.Range:
        lo, hi = _exprs(items)
        return ast.Range(lo, hi, self._span(items))

    def cpuset(self, items: Items) -> ast.CpuSet:
        return ast.CpuSet(self._ident(items[1]), _all(items, ast.Cpus), self._span(items))

    def confine(self, items: Items) -> ast.Confine:
        return ast.Confine(self._ident(items[1]), self._span(items))

    def fn(self, items: Items) -> ast.Function:
        formals = _group(items, ast.Formal)
        return ast.Function(self._ident(items[1]), formals, _expr(items), self._span(items))

    def formals(self, items: Items) -> tuple[ast.Formal, ...]:
        return _all(items, ast.Formal)

    def formal(self, items: Items) -> ast.Formal:
        return ast.Formal(self._ident(items[0]), _one(items, ast.Ident), self._span(items))

    def type(self, items: Items) -> ast.Ident:
        return self._ident(items[0])

    # --- state and orders

    def task(self, items: Items) -> ast.Task:
        return ast.Task(_members(items), self._span(items))

    def order(self, items: Items) -> ast.Order:
        return ast.Order(
            self._ident(items[1]),
            _group(items, ast.Formal),
            _members(items),
            _maybe_expr(items),
            self._span(items),
        )

    def state(self, items: Items) -> ast.State:
        return ast.State(
            self._ident(items[0]),
            _one(items, ast.Ident),
            _expr(items),
            _maybe(items, ast.Range),
            self._span(items),
        )

    def handler(self, items: Items) -> ast.Handler:
        return ast.Handler(
            self._ident(items[1]),
            _maybe_expr(items),
            _all(items, ast.Assign),
            self._span(items),
        )

    def condition(self, items: Items) -> ast.Expr:
        return _expr(items)

    def assign(self, items: Items) -> ast.Assign:
        return ast.Assign(self._ident(items[0]), _expr(items), self._span(items))

    def key(self, items: Items) -> ast.Expr:
        return _expr(items)

    # --- queues and routing

    def queue(self, items: Items) -> ast.Queue:
        return ast.Queue(self._ident(items[1]), _clauses(items), self._span(items))

    def scope(self, items: Items) -> ast.Scope:
        return ast.Scope(Scope(" ".join(map(str, items))), self._span(items))

    def ordering(self, items: Items) -> ast.Ordering:
        return ast.Ordering(self._ident(items[1]), _group(items, ast.Argument), self._span(items))

    def args(self, items: Items) -> tuple[ast.Argument, ...]:
        return _all(items, ast.Argument)

    def arg(self, items: Items) -> ast.Argument:
        return ast.Argument(self._ident(items[0]), _expr(items), self._span(items))

    def slice(self, items: Items) -> ast.Slice:
        return ast.Slice(_expr(items), self._span(items))

    def hint(self, items: Items) -> ast.Hint:
        return ast.Hint(Frequency(str(items[1])), self._span(items))

    def steal(self, items: Items) -> ast.Stealing:
        reach = Steal.NODE if _is(items[-1], "NODE") else Steal.ANY
        return ast.Stealing(reach, self._span(items))

    def route(self, items: Items) -> ast.Route:
        return ast.Route(_all(items, ast.Rule), _maybe(items, ast.Ident), self._span(items))

    def rule(self, items: Items) -> ast.Rule:
        return ast.Rule(_expr(items), self._ident(items[2]), self._span(items))

    def otherwise(self, items: Items) -> ast.Ident:
        return self._ident(items[2])

    # --- choice and placement

    def serve(self, items: Items) -> ast.Serve:
        cpus = self._ident(items[2]) if _is(items[1], "ON") else None
        return ast.Serve(cpus, _trees(items)[0], self._span(items))

    def leaf(self, items: Items) -> ast.Leaf:
        return ast.Leaf(self._ident(items[0]), self._span(items))

    def strict(self, items: Items) -> ast.Strict:
        children = _trees(items)
        return self._nest(ast.Strict(children, self._span(items)), children)

    def weighted(self, items: Items) -> ast.Weighted:
        shares = _all(items, ast.Share)
        node = ast.Weighted(shares, self._span(items))
        return self._nest(node, (share.child for share in shares))

    def share(self, items: Items) -> ast.Share:
        return ast.Share(_trees(items)[0], self._int(items[2]), self._span(items))

    def apply(self, items: Items) -> ast.Apply:
        arguments = _trees(items)
        node = ast.Apply(self._ident(items[0]), arguments, self._span(items))
        return self._nest(node, arguments)

    def tree(self, items: Items) -> ast.TreeTemplate:
        name, *formals = self._idents(items)
        return ast.TreeTemplate(name, tuple(formals), _trees(items)[0], self._span(items))

    def guard_after(self, items: Items) -> ast.GuardAfter:
        return ast.GuardAfter(self._ident(items[1]), _expr(items), self._span(items))

    def guard_share(self, items: Items) -> ast.GuardShare:
        return ast.GuardShare(self._ident(items[1]), _expr(items), self._span(items))

    def preempt(self, items: Items) -> ast.Preempt:
        return ast.Preempt(_all(items, ast.Cut), self._span(items))

    def cut(self, items: Items) -> ast.Cut:
        by, over = self._ident(items[0]), self._ident(items[2])
        is_earlier = _is(items[3], "EARLIER")
        return ast.Cut(by, over, is_earlier, _expr(items), self._span(items))

    def place(self, items: Items) -> ast.Place:
        return ast.Place(_all(items, ast.Rung), self._span(items))

    def place_by(self, items: Items) -> ast.PlaceBy:
        return ast.PlaceBy(self._ident(items[1]), self._span(items))

    def ladder(self, items: Items) -> ast.Ladder:
        rungs = _all(items, ast.Rung)
        return ast.Ladder(self._ident(items[1]), rungs, self._span(items))

    def rung(self, items: Items) -> ast.Rung:
        if _is(items[0], "WAKER"):
            return ast.Rung(RungKind.WAKER, None, self._span(items))
        within = self._ident(items[2]) if len(items) > 1 else None
        return ast.Rung(RungKind(str(items[0])), within, self._span(items))

    # --- claims

    def guarantee(self, items: Items) -> ast.Guarantee:
        return ast.Guarantee(_all(items, ast.Goal), self._span(items))

    def _make_goal(self, items: Items) -> ast.Goal:
        return ast.Goal(
            Property(str(items[0])),
            self._idents(items),
            _maybe_expr(items),
            _group(items, ast.Premise),
            self._span(items),
        )

    goal_plain = goal_wait = goal_share = goal_fair = _make_goal

    def when(self, items: Items) -> tuple[ast.Premise, ...]:
        return _all(items, ast.Premise)

    def _make_premise(self, items: Items) -> ast.Premise:
        kind = ast.PremiseKind(str(items[0]))
        queue = self._idents(items)
        return ast.Premise(kind, queue[0] if queue else None, None, self._span(items))

    premise_backlogged = premise_unrestricted = _make_premise

    def premise_tasks(self, items: Items) -> ast.Premise:
        limit = self._int(items[-1])
        queue = self._ident(items[2])
        return ast.Premise(ast.PremiseKind.TASKS, queue, limit, self._span(items))

    def premise_tick(self, items: Items) -> ast.Premise:
        limit = self.duration(items[-1:])
        return ast.Premise(ast.PremiseKind.TICK, None, limit, self._span(items))

    def premise_cpus(self, items: Items) -> ast.Premise:
        limit = self._int(items[-1])
        return ast.Premise(ast.PremiseKind.CPUS, None, limit, self._span(items))

    def accept(self, items: Items) -> ast.Accept:
        return ast.Accept(self._ident(items[3]), self._text(items[5]), self._span(items))

    # --- tests

    def test(self, items: Items) -> ast.Test:
        scenes = tuple(item for item in items if isinstance(item, ast.Scene))
        return ast.Test(self._text(items[1]), scenes, self._span(items))

    def machine(self, items: Items) -> ast.Machine:
        counts = {"CPUS": self._int(items[1])}
        for one, two in pairwise(items[2:]):
            if _is(one, "INT") and not _is(two, "INT"):
                counts[_kind(two)] = self._int(one)
            elif _is(one, "SMT"):
                counts["SMT"] = self._int(two)
        llcs, nodes, smt = (counts.get(word) for word in ("LLCS", "NODES", "SMT"))
        return ast.Machine(counts["CPUS"], llcs, nodes, smt, self._span(items))

    def ticking(self, items: Items) -> ast.Ticking:
        return ast.Ticking(self.duration(items[-1:]), self._span(items))

    def setting(self, items: Items) -> ast.Setting:
        value: ast.Integer | ast.Duration | ast.Percent | ast.Boolean
        match _kind(items[-1]):
            case "DURATION":
                value = self.duration(items[-1:])
            case "PERCENT":
                value = self.percent(items[-1:])
            case "INT":
                value = self._signed(items[3:])
            case _:
                value = self.boolean(items[-1:])
        return ast.Setting(self._ident(items[1]), value, self._span(items))

    def _signed(self, items: Items) -> ast.Integer:
        return self.negative(items) if len(items) == 2 else self._int(items[0])

    def _make_spawn(self, items: Items) -> ast.Spawn:
        runs, every = (self._after(items, word) for word in ("RUNS", "EVERY"))
        return ast.Spawn(
            self._int(items[1]),
            ast.Shape(str(items[2])),
            self._text(items[4]),
            tuple(item for item in items if isinstance(item, ast.Trait)),
            runs,
            every,
            self._span(items),
        )

    spawn_hog = spawn_sleeper = spawn_job = _make_spawn

    def _after(self, items: Items, word: str) -> ast.Duration | None:
        """The duration that follows the word, if that is there."""
        at = next((n for n, item in enumerate(items) if _is(item, word)), None)
        return None if at is None else self.duration(items[at + 1 : at + 2])

    def process(self, items: Items) -> ast.Process:
        return ast.Process(self._text(items[1]), self._span(items))

    def under_cgroup(self, items: Items) -> ast.InCgroup:
        return ast.InCgroup(self._text(items[1]), self._span(items))

    def niceness(self, items: Items) -> ast.Niceness:
        return ast.Niceness(self._signed(items[1:]), self._span(items))

    def affinity(self, items: Items) -> ast.OnCpus:
        return ast.OnCpus(_all(items, ast.Cpus), self._span(items))

    def cpus(self, items: Items) -> ast.Cpus:
        return ast.Cpus(self._int(items[0]), self._int(items[-1]), self._span(items))

    def later(self, items: Items) -> ast.Later:
        return ast.Later(self.duration(items[-1:]), self._span(items))

    def lasting(self, items: Items) -> ast.Lasting:
        return ast.Lasting(self.duration(items[-1:]), self._span(items))

    def _make_expect(self, items: Items) -> ast.Expect:
        measure = next(item for item in items[1:] if str(item) in set(Measure))
        statistic = next((item for item in items if _is(item, "STATISTIC")), None)
        subject = next((item for item in items[1:-1] if _is(item, "STRING")), None)
        relation = next((item for item in items if str(item) in set(Relation)), None)
        return ast.Expect(
            Measure(str(measure)),
            None if statistic is None else Statistic(str(statistic)),
            None if subject is None else self._text(subject),
            None if relation is None else Relation(str(relation)),
            self._limit(items[-1]),
            self._span(items),
        )

    expect_latency = expect_share = expect_passes = expect_makespan = _make_expect
    expect_before = _make_expect

    def _limit(self, item: Item) -> ast.Duration | ast.Percent | ast.Integer | ast.Text:
        match _kind(item):
            case "DURATION":
                return self.duration([item])
            case "PERCENT":
                return self.percent([item])
            case "INT":
                return self._int(item)
            case _:
                return self._text(item)

    # --- expressions

    def if_then_else(self, items: Items) -> ast.IfThenElse:
        condition, then, orelse = parts = _exprs(items)
        node = ast.IfThenElse(condition, then, orelse, self._span(items))
        return self._nest(node, parts)

    def binary(self, items: Items) -> ast.Binary:
        left, right = _exprs(items)
        node = ast.Binary(str(items[1]), left, right, self._span(items))
        return self._nest(node, (left, right))

    def negated(self, items: Items) -> ast.Negated:
        operand = _expr(items)
        return self._nest(ast.Negated(operand, self._span(items)), (operand,))

    def waker(self, items: Items) -> ast.WakerOf:
        return ast.WakerOf(self._ident(items[2]), self._span(items))

    def match(self, items: Items) -> ast.Match:
        return ast.Match(self._ident(items[0]), self._text(items[2]), self._span(items))

    def under(self, items: Items) -> ast.Under:
        return ast.Under(self._text(items[2]), self._span(items))

    def integer(self, items: Items) -> ast.Integer:
        return self._int(items[0])

    def negative(self, items: Items) -> ast.Integer:
        return ast.Integer(-self._int(items[1]).value, self._span(items))

    def duration(self, items: Items) -> ast.Duration:
        text, span = str(items[0]), self._span(items)
        digits = text.rstrip("nums")
        unit = text[len(digits) :]
        return ast.Duration(self._number(digits, span, ast.UNITS_NS[unit]), unit, span)

    def percent(self, items: Items) -> ast.Percent:
        span = self._span(items)
        return ast.Percent(self._number(str(items[0])[:-1], span), span)

    def boolean(self, items: Items) -> ast.Boolean:
        return ast.Boolean(str(items[0]) == "true", self._span(items))

    def name(self, items: Items) -> ast.NameUse:
        return ast.NameUse(str(items[0]), self._span(items))

    def call(self, items: Items) -> ast.Call:
        arguments = _exprs(items)
        node = ast.Call(self._ident(items[0]), arguments, self._span(items))
        return self._nest(node, arguments)

    def group(self, items: Items) -> ast.Expr:
        inner = _expr(items)
        depth = self._depths.get(id(inner), 1) + 1
        if depth > MAX_DEPTH:
            raise TooDeep(inner.span)
        self._depths[id(inner)] = depth
        return inner


def _kind(item: Item) -> str:
    return item.type if isinstance(item, Token) else ""


def _is(item: Item, terminal: str) -> bool:
    return _kind(item) == terminal


def _all(items: Items, kind: type[T]) -> tuple[T, ...]:
    return tuple(item for item in items if isinstance(item, kind))


def _maybe(items: Items, kind: type[T]) -> T | None:
    return next((item for item in items if isinstance(item, kind)), None)


def _one(items: Items, kind: type[T]) -> T:
    return _all(items, kind)[0]


def _group(items: Items, kind: type[T]) -> tuple[T, ...]:
    """The nodes of the one rule among `items` that gives a sequence, if it is there."""
    groups = (item for item in items if isinstance(item, tuple))
    return tuple(node for group in groups for node in group if isinstance(node, kind))


def _exprs(items: Items) -> tuple[ast.Expr, ...]:
    return tuple(item for item in items if isinstance(item, ast.Expr))


def _expr(items: Items) -> ast.Expr:
    return _exprs(items)[0]


def _maybe_expr(items: Items) -> ast.Expr | None:
    return next(iter(_exprs(items)), None)


def _trees(items: Items) -> tuple[ast.Tree, ...]:
    return tuple(item for item in items if isinstance(item, ast.Tree))


def _members(items: Items) -> tuple[ast.Member, ...]:
    return tuple(item for item in items if isinstance(item, ast.Member))


def _clauses(items: Items) -> tuple[ast.Clause, ...]:
    return tuple(item for item in items if isinstance(item, ast.Clause))
