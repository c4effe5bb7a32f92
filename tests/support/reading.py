"""A policy as its text says it, by docs/language.md alone: what stands for what.

Names, libraries and orders are resolved here once more, from the syntax tree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from schedlang.source import Source
from schedlang.syntax import ast
from schedlang.syntax.parse import parse

LIBRARIES = Path(__file__).parents[2] / "stdlib"
Found = TypeVar("Found")


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
    functions: dict[str, ast.Function]
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
        self._orders = orders_of(file)
        for use in [d for d in file.decls if isinstance(d, ast.Use)]:
            library = parsed((LIBRARIES / f"{use.path[1].name}.sched").read_text())
            self._orders |= orders_of(library)
        self.params = [d for d in file.decls if isinstance(d, ast.Param)]
        self.members = [m for d in file.decls if isinstance(d, ast.Task) for m in d.members]
        self.states = [m for m in self.members if isinstance(m, ast.State)]
        self.queues = [d for d in file.decls if isinstance(d, ast.Queue)]
        self.numbers = {queue.name.name: i for i, queue in enumerate(self.queues)}
        self.kinds = [self._kind(queue) for queue in self.queues]
        self.slices = [only(ast.Slice, queue.clauses).value for queue in self.queues]
        self.route = only(ast.Route, file.decls)
        self.tree = only(ast.Serve, file.decls).tree
        self.guards = [d for d in file.decls if isinstance(d, ast.GuardAfter | ast.GuardShare)]
        places = [d for d in file.decls if isinstance(d, ast.Place)]
        self.rungs = [rung.rung.value for place in places for rung in place.rungs]

    def _kind(self, queue: ast.Queue) -> Kind:
        ordering = only(ast.Ordering, queue.clauses)
        arguments = {a.name.name: a.value for a in ordering.arguments}
        if ordering.order.name == "fifo":
            return Kind((), None, arguments, {}, True)
        order, file = self._orders[ordering.order.name]
        return Kind(order.members, order.key, arguments, functions_of(file), file is self.file)

    def number(self, queue: ast.Ident) -> int:
        return self.numbers[queue.name]

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
    return [share.child for share in tree.shares]


def functions_of(file: ast.File) -> dict[str, ast.Function]:
    return {d.name.name: d for d in file.decls if isinstance(d, ast.Function)}


def orders_of(file: ast.File) -> dict[str, tuple[ast.Order, ast.File]]:
    return {d.name.name: (d, file) for d in file.decls if isinstance(d, ast.Order)}
