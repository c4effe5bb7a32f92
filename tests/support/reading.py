"""A policy as its text says it, by docs/language.md alone: what stands for what.

Names, libraries and orders are resolved here once more, from the syntax tree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TypeVar

from schedlang.source import Source
from schedlang.syntax import ast
from schedlang.syntax.parse import parse
from tests.support.meaning import Functions

LIBRARIES = Path(__file__).parents[2] / "stdlib"
Found = TypeVar("Found")
Named = TypeVar("Named", ast.Function, ast.Param, ast.Order, ast.TreeTemplate, ast.Ladder)


def parsed(text: str) -> ast.File:
    tree, findings = parse(Source("read.sched", text))
    assert tree is not None, findings
    return tree


def only(kind: type[Found], options: Sequence[object]) -> Found:
    (found,) = [option for option in options if isinstance(option, kind)]
    return found


@dataclass(frozen=True)
class Kind:
    """How a queue is ordered. `is_own`: its order may name what the policy declares."""

    members: tuple[ast.Member, ...]
    key: ast.Expr | None
    arguments: dict[str, ast.Expr]
    functions: Functions
    is_own: bool

    @property
    def states(self) -> list[ast.State]:
        return [m for m in self.members if isinstance(m, ast.State)]

    @property
    def clock_state(self) -> str | None:
        return next((s.name.name for s in self.states if s.type.name == "vtime"), None)


class Reading:
    """Queues are numbered in the order of the text, and so are guards."""

    def __init__(self, text: str) -> None:
        self.file = file = parsed(text)
        self.functions = functions_of(file)
        self._orders = declared(file, ast.Order)
        self.params = [d for d in file.decls if isinstance(d, ast.Param)]
        self.members = [m for d in file.decls if isinstance(d, ast.Task) for m in d.members]
        self.states = [m for m in self.members if isinstance(m, ast.State)]
        self.queues = [d for d in file.decls if isinstance(d, ast.Queue)]
        self.numbers = {queue.name.name: i for i, queue in enumerate(self.queues)}
        self.kinds = [self._kind(queue) for queue in self.queues]
        self.slices = [only(ast.Slice, queue.clauses).value for queue in self.queues]
        self.scopes = [only(ast.Scope, queue.clauses).scope.value for queue in self.queues]
        self.steals = [self._steal(queue) for queue in self.queues]
        self.route = only(ast.Route, file.decls)
        self.sets = {d.name.name: d for d in file.decls if isinstance(d, ast.CpuSet)}
        confined = [[c for c in q.clauses if isinstance(c, ast.Confine)] for q in self.queues]
        self.confined = [one[0].cpus.name if one else None for one in confined]
        serves = [d for d in file.decls if isinstance(d, ast.Serve)]
        self.trees = [
            (serve.cpus.name if serve.cpus else None, expanded(serve.tree, file, {}))
            for serve in serves
        ]
        self.tree = self.trees[-1][1]
        self.guards = [d for d in file.decls if isinstance(d, ast.GuardAfter | ast.GuardShare)]
        preempts = [d for d in file.decls if isinstance(d, ast.Preempt)]
        self.cuts = [cut for preempt in preempts for cut in preempt.cuts]
        places = [d for d in file.decls if isinstance(d, ast.Place | ast.PlaceBy)]
        self.rungs = [rung for place in places for rung in rungs_of(place, file)]
        own = [
            [c for c in queue.clauses if isinstance(c, ast.Place | ast.PlaceBy)]
            for queue in self.queues
        ]
        self.ladders = [[*rungs_of(one[0], file)] if one else self.rungs for one in own]

    def _steal(self, queue: ast.Queue) -> str | None:
        stealing = [clause for clause in queue.clauses if isinstance(clause, ast.Stealing)]
        return stealing[0].steal.value if stealing else None

    def _kind(self, queue: ast.Queue) -> Kind:
        ordering = only(ast.Ordering, queue.clauses)
        arguments = {a.name.name: a.value for a in ordering.arguments}
        if ordering.order.name == "fifo":
            return Kind((), None, arguments, {}, True)
        order, file = self._orders[ordering.order.name]
        return Kind(order.members, order.key, arguments, functions_of(file), file is self.file)

    def holds(self, name: str, cpu: int, cpus: int, little: int) -> bool:
        """Whether the set has the CPU; the last `little` of the machine's `cpus` are small."""
        if name in self.sets:
            ranges = self.sets[name].cpus
            return any(part.first.value <= cpu <= part.last.value for part in ranges)
        is_little = cpu >= cpus - little
        return {"all": True, "big": not is_little, "little": is_little}[name]

    def number(self, queue: ast.Ident) -> int:
        return self.numbers[queue.name]

    def in_tree(self, tree: ast.Tree) -> list[int]:
        """The queues at or below a node, first to last."""
        if isinstance(tree, ast.Leaf):
            return [self.number(tree.queue)]
        return [queue for child in children(tree) for queue in self.in_tree(child)]

    def queues_of(self, tree: ast.Tree) -> set[int]:
        """The queues at or below a node."""
        if isinstance(tree, ast.Leaf):
            return {self.number(tree.queue)}
        return set().union(*(self.queues_of(child) for child in children(tree)))


def children(tree: ast.Tree) -> list[ast.Tree]:
    if isinstance(tree, ast.Leaf):
        return []
    if isinstance(tree, ast.Strict):
        return list(tree.children)
    assert isinstance(tree, ast.Weighted)
    return [share.child for share in tree.shares]


# --- what a file can name


@cache
def library(name: str) -> ast.File:
    """A file of `std`."""
    return parsed((LIBRARIES / f"{name}.sched").read_text())


def declared(file: ast.File, kind: type[Named]) -> dict[str, tuple[Named, ast.File]]:
    """What the file declares or uses, each with the file in which it stands."""
    found: dict[str, tuple[Named, ast.File]] = {}
    for decl in file.decls:
        if isinstance(decl, ast.Use):
            offered = declared(library(decl.path[1].name), kind)
            found |= {n.name: offered[n.name] for n in decl.names if n.name in offered}
        elif isinstance(decl, kind):
            found[decl.name.name] = (decl, file)
    return found


def functions_of(file: ast.File) -> Functions:
    own: Functions = {}
    for name, (function, home) in declared(file, ast.Function).items():
        own[name] = (function, own if home is file else functions_of(home))
    for name, (param, home) in declared(file, ast.Param).items():
        if home is not file or file.header is None or file.header.kind is ast.FileKind.LIBRARY:
            own[name] = (ast.Function(param.name, (), param.default, param.span), {})
    return own


def rungs_of(place: ast.Place | ast.PlaceBy, file: ast.File) -> tuple[ast.Rung, ...]:
    if isinstance(place, ast.Place):
        return place.rungs
    return declared(file, ast.Ladder)[place.ladder.name][0].rungs


def expanded(tree: ast.Tree, file: ast.File, given: dict[str, ast.Tree]) -> ast.Tree:
    """The tree without templates; `given` are the arguments of the one whose body it is."""
    if isinstance(tree, ast.Leaf):
        return given.get(tree.queue.name, tree)
    if isinstance(tree, ast.Apply):
        template, home = declared(file, ast.TreeTemplate)[tree.template.name]
        names = [formal.name for formal in template.formals]
        arguments = [expanded(argument, file, given) for argument in tree.arguments]
        return expanded(template.tree, home, dict(zip(names, arguments, strict=True)))
    below = [expanded(child, file, given) for child in children(tree)]
    if isinstance(tree, ast.Strict):
        return replace(tree, children=tuple(below))
    assert isinstance(tree, ast.Weighted)
    pairs = zip(tree.shares, below, strict=True)
    return replace(tree, shares=tuple(replace(share, child=child) for share, child in pairs))
