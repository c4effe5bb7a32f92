"""What a policy declares, sorted by kind, with every name declared once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar, final

from schedlang.diagnostics.model import Label
from schedlang.semantics.module import Shared
from schedlang.semantics.scope import BUILTINS, Findings
from schedlang.source import Span
from schedlang.syntax import ast

D = TypeVar("D")


@final
@dataclass(frozen=True, slots=True)
class Declarations:
    """A policy's declarations. `route` and `serve` are None only after an error was reported."""

    uses: tuple[ast.Use, ...]
    params: tuple[ast.Param, ...]
    tasks: tuple[ast.Task, ...]
    queues: tuple[ast.Queue, ...]
    route: ast.Route | None
    cpusets: tuple[ast.CpuSet, ...]
    serves_on: tuple[ast.Serve, ...]
    serve: ast.Serve | None
    guards: tuple[ast.GuardAfter | ast.GuardShare, ...]
    preempt: ast.Preempt | None
    place: ast.Place | ast.PlaceBy | None
    goals: tuple[ast.Goal, ...]
    accepts: tuple[ast.Accept, ...]
    tests: tuple[ast.Test, ...]


def sort_declarations(tree: ast.File, end: Span, findings: Findings) -> Declarations:
    """`end` is where a declaration that is missing altogether is said to be missing."""
    sorted_ = Declarations(
        _kind(tree, ast.Use),
        _kind(tree, ast.Param),
        _kind(tree, ast.Task),
        _kind(tree, ast.Queue),
        _single(_kind(tree, ast.Route), "route", end, findings, "route { else -> QUEUE }"),
        _kind(tree, ast.CpuSet),
        *_serves(_kind(tree, ast.Serve), end, findings),
        tuple(d for d in tree.decls if isinstance(d, ast.GuardAfter | ast.GuardShare)),
        _single(_kind(tree, ast.Preempt), "preempt", end, findings),
        _single(_places(tree), "place", end, findings),
        tuple(goal for d in _kind(tree, ast.Guarantee) for goal in d.goals),
        _kind(tree, ast.Accept),
        _kind(tree, ast.Test),
    )
    if not sorted_.queues:
        note = "write `queue NAME { global  order fifo  slice 4ms }`"
        findings.add("E0210", "the policy has no queue", end, notes=(note,))
    check_names(tree, findings)
    return sorted_


def _kind(tree: ast.File, kind: type[D]) -> tuple[D, ...]:
    return tuple(d for d in tree.decls if isinstance(d, kind))


def _places(tree: ast.File) -> tuple[ast.Place | ast.PlaceBy, ...]:
    return tuple(d for d in tree.decls if isinstance(d, ast.Place | ast.PlaceBy))


def _serves(
    found: tuple[ast.Serve, ...], end: Span, findings: Findings
) -> tuple[tuple[ast.Serve, ...], ast.Serve | None]:
    """The trees of sets, and the one of all other CPUs."""
    last = _single(tuple(s for s in found if not s.cpus), "serve", end, findings, "serve QUEUE")
    for late in found[found.index(last) + 1 :] if last else ():
        if late.cpus:
            label = (
                Label(last.span, "this is the tree of all CPUs that have no other")
                if last
                else None
            )
            message = "a tree of some CPUs stands before the one of all others"
            findings.add("E0210", message, late.span, secondary=(label,) if label else ())
    return tuple(s for s in found if s.cpus), last


S = TypeVar("S", ast.Route, ast.Serve, ast.Preempt, ast.Place | ast.PlaceBy)


def _single(
    found: tuple[S, ...], word: str, end: Span, findings: Findings, form: str | None = None
) -> S | None:
    if not found:
        if form:
            findings.add("E0210", f"the policy has no `{word}`", end, notes=(f"write `{form}`",))
        return None
    for extra in found[1:]:
        first = Label(found[0].span, "the first is here")
        findings.add("E0210", f"a policy has one `{word}`", extra.span, secondary=(first,))
    return found[0]


def check_names(tree: ast.File, findings: Findings) -> None:
    """One name space for all that a file declares and brings in; nothing is shadowed."""
    seen: dict[str, ast.Ident] = {}
    for name in sorted(_names(tree), key=lambda name: name.span):
        declare(name, seen, findings)
    for decl in tree.decls:
        if isinstance(decl, ast.TreeTemplate):
            formals: dict[str, ast.Ident] = {}
            for name in decl.formals:
                declare(name, formals, findings)


def _names(tree: ast.File) -> Iterator[ast.Ident]:
    for decl in tree.decls:
        if isinstance(decl, ast.Use):
            # That a word of the language needs no `use` is said where it is looked up.
            yield from (name for name in decl.names if name.name not in BUILTINS)
        elif isinstance(decl, ast.Task):
            yield from (m.name for m in decl.members if isinstance(m, ast.State))
        elif isinstance(decl, ast.Param | ast.CpuSet | ast.Queue | Shared):
            yield decl.name


def declare(name: ast.Ident, seen: dict[str, ast.Ident], findings: Findings) -> None:
    """Add `name` to `seen`, or say why it cannot be declared."""
    if name.name in BUILTINS:
        message = f"`{name.name}` has a meaning of its own and cannot be declared"
        findings.add("E0202", message, name.span)
    elif name.name in seen:
        first = Label(seen[name.name].span, "first declared here")
        findings.add("E0202", f"`{name.name}` is declared twice", name.span, secondary=(first,))
    else:
        seen[name.name] = name
