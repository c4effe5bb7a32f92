"""The tree as pieces of layout: what stands on a line of its own, and which columns it has.

Between the tree and `layout`, which decides where lines end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never, final

from schedlang.ir.nodes import RELATIONS
from schedlang.source import Span
from schedlang.syntax import ast, spell


@final
@dataclass(frozen=True, slots=True)
class Piece:
    """A line, or a block if `head` is not None.

    `cells` are the columns of its one-line form, joined by one space; neighbours of one `kind` are
    aligned. A block that is `open` never takes that form. `family` groups declarations.
    """

    span: Span
    kind: str
    cells: tuple[str, ...]
    head: str | None = None
    children: tuple[Piece, ...] = ()
    tail: str = "}"
    is_open: bool = False
    family: str = ""


def file_pieces(tree: ast.File) -> tuple[Piece, ...]:
    header = tree.header
    first = [] if header is None else [_line(header, f"{header.kind} {header.name.name}")]
    return (*first, *map(_declaration, tree.decls))


Spanned = (
    ast.Header
    | ast.Decl
    | ast.Member
    | ast.Assign
    | ast.Rule
    | ast.Cut
    | ast.Goal
    | ast.Rung
    | ast.Scene
)


def _line(node: Spanned, *cells: str, kind: str = "", family: str = "head") -> Piece:
    return Piece(node.span, kind, cells, family=family)


def _block(
    span: Span,
    head: str,
    children: tuple[Piece, ...],
    *,
    kind: str = "",
    tail: str = "}",
    is_open: bool = False,
    family: str = "",
    cells: tuple[str, ...] = (),
) -> Piece:
    flat = "  ".join(" ".join(child.cells) for child in children)
    whole = f"{head} {flat} {tail}" if flat else f"{head} {tail}"
    return Piece(span, kind, cells or (whole,), head, children, tail, is_open, family)


def _declaration(decl: ast.Decl) -> Piece:
    match decl:
        case ast.Use():
            path = ".".join(part.name for part in decl.path)
            return _line(decl, f"use {path}.{{{spell.names(decl.names)}}}")
        case ast.Param():
            return _typed(decl, f"param {decl.name.name}", decl.default, "param")
        case ast.CpuSet():
            name, cpus = f"cpuset {decl.name.name}", f"= {spell.cpu_list(decl.cpus)}"
            return _line(decl, name, cpus, kind="cpuset", family="param")
        case ast.Function():
            head = f"fn {decl.name.name}({spell.formals(decl.formals)})"
            body = f"= {spell.expression(decl.body)}"
            return _line(decl, head, body, kind="fn", family="fn")
        case ast.Task():
            return _members(decl, "task {", tuple(map(_member, decl.members)))
        case ast.Order():
            return _order(decl)
        case ast.Queue():
            return _queue(decl)
        case ast.Test():
            scenes = tuple(map(_scene, decl.scenes))
            head = f'test "{decl.name.value}" {{'
            return _block(decl.span, head, scenes, is_open=True, family="test")
        case ast.Guarantee():
            is_open = any(goal.premises or goal.bound for goal in decl.goals)
            goals = tuple(map(_goal, decl.goals))
            return _block(decl.span, "guarantee {", goals, is_open=is_open, family="guarantee")
        case _:
            return _choice(decl)


Choice = (
    ast.Route
    | ast.Serve
    | ast.TreeTemplate
    | ast.GuardAfter
    | ast.GuardShare
    | ast.Preempt
    | ast.Place
    | ast.PlaceBy
    | ast.Ladder
    | ast.Accept
)


def _choice(decl: Choice) -> Piece:
    """The declarations that say where tasks go; they may stand together without blank lines."""
    match decl:
        case ast.Route():
            return _route(decl)
        case ast.Serve():
            on = f"on {decl.cpus.name} " if decl.cpus else ""
            return _tree(decl.tree, decl.span, f"serve {on}", "")
        case ast.TreeTemplate():
            head = f"tree {decl.name.name}({spell.names(decl.formals)}) = "
            return _tree(decl.tree, decl.span, head, "")
        case ast.GuardAfter():
            when = f"after {spell.expression(decl.delay)}"
            return _line(decl, f"guard {decl.queue.name}", when, kind="guard", family="choice")
        case ast.GuardShare():
            share = f"at least {spell.expression(decl.share)}"
            return _line(decl, f"guard {decl.queue.name}", share, kind="guard", family="choice")
        case ast.Preempt():
            cuts = tuple(map(_cut, decl.cuts))
            return _block(decl.span, "preempt {", cuts, family="choice")
        case ast.Place():
            return _block(decl.span, "place {", _rungs(decl), family="choice")
        case ast.PlaceBy():
            return _line(decl, f"place {decl.ladder.name}", family="choice")
        case ast.Ladder():
            head = f"ladder {decl.name.name} {{"
            return _block(decl.span, head, _rungs(decl), family="choice")
        case ast.Accept():
            subject = f"accept starvation of {decl.queue.name}"
            reason = f'because "{decl.reason.value}"'
            return _line(decl, subject, reason, kind="accept", family="choice")
        case _:
            assert_never(decl)


def _rungs(node: ast.Place | ast.Ladder) -> tuple[Piece, ...]:
    return tuple(_line(rung, spell.rung(rung)) for rung in node.rungs)


def _typed(node: ast.Param | ast.State, name: str, value: ast.Expr, family: str) -> Piece:
    cells = (name, f": {node.type.name}", f"= {spell.expression(value)}")
    bounds = (spell.bounds(node.range),) if node.range else ()
    return _line(node, *cells, *bounds, kind="typed", family=family)


# --- state and orders


def _members(node: ast.Task | ast.Order, head: str, children: tuple[Piece, ...]) -> Piece:
    return _block(node.span, head, children, is_open=len(children) > 1, family="state")


def _order(decl: ast.Order) -> Piece:
    formals = f"({spell.formals(decl.formals)})" if decl.formals else ""
    children = tuple(map(_member, decl.members))
    if decl.key is not None:
        children += (Piece(decl.key.span, "", (f"key {spell.expression(decl.key)}",)),)
    return _members(decl, f"order {decl.name.name}{formals} {{", children)


def _member(member: ast.Member) -> Piece:
    match member:
        case ast.State():
            return _typed(member, member.name.name, member.initial, "")
        case ast.Handler():
            condition = member.condition
            given = f" if {spell.expression(condition)}" if condition else ""
            return _block(
                member.span,
                f"on {member.event.name}{given} {{",
                tuple(map(_assign, member.assigns)),
            )
        case _:
            assert_never(member)


def _assign(assign: ast.Assign) -> Piece:
    value = f"= {spell.expression(assign.value)}"
    return _line(assign, assign.target.name, value, kind="assign")


# --- queues and routing


def _queue(decl: ast.Queue) -> Piece:
    head = f"queue {decl.name.name}"
    texts = tuple(map(spell.clause, decl.clauses))
    children = tuple(
        Piece(node.span, "", (text,)) for node, text in zip(decl.clauses, texts, strict=True)
    )
    first, *rest = texts or ("",)
    cells = (head, f"{{ {first}".rstrip(), *(f" {text}" for text in rest))
    cells = (*cells[:-1], f"{cells[-1]} }}")
    columns = [type(clause).__name__ for clause in decl.clauses]
    # What comes after all others need not be there to align them.
    kind = "queue " + " ".join(
        columns[:-1] if columns[-1:] in (["Place"], ["PlaceBy"]) else columns
    )
    return _block(decl.span, f"{head} {{", children, kind=kind, cells=cells, family="queue")


def _route(decl: ast.Route) -> Piece:
    children = tuple(
        _line(rule, spell.expression(rule.condition), f"-> {rule.queue.name}", kind="rule")
        for rule in decl.rules
    )
    if decl.otherwise is not None:
        last = decl.otherwise
        children += (Piece(last.span, "rule", ("else", f"-> {last.name}")),)
    return _block(decl.span, "route {", children, is_open=len(children) > 1, family="choice")


def _tree(tree: ast.Tree, span: Span, before: str, after: str) -> Piece:
    """A node of the serving tree; `after` is the weight that a parent gives it."""
    match tree:
        case ast.Leaf():
            cells = (
                f"{before}{tree.queue.name}{':' if after else ''}",
                *([after] if after else ()),
            )
            return Piece(span, "share" if after else "", cells, family="choice")
        case ast.Apply():
            text = f"{before}{spell.tree(tree)}{':' if after else ''}"
            cells = (text, *([after] if after else ()))
            return Piece(span, "share" if after else "", cells, family="choice")
        case ast.Strict():
            head, children = "strict {", tuple(_tree(c, c.span, "", "") for c in tree.children)
        case ast.Weighted():
            shares = ((share, str(share.weight.value)) for share in tree.shares)
            head = "weighted {"
            children = tuple(_tree(share.child, share.span, "", w) for share, w in shares)
        case _:
            assert_never(tree)
    tail = f"}}: {after}" if after else "}"
    return _block(span, before + head, children, tail=tail, family="choice")


def _cut(cut: ast.Cut) -> Piece:
    earlier = " earlier" if cut.is_earlier else ""
    who = f"over {cut.over.name}{earlier}"
    return _line(cut, cut.by.name, who, f"after {spell.expression(cut.delay)}", kind="cut")


# --- claims


def _goal(goal: ast.Goal) -> Piece:
    subject = f"{goal.property}({spell.names(goal.queues)})" if goal.queues else f"{goal.property}"
    sign = RELATIONS.get(goal.property)
    bound = f" {sign} {spell.limit(goal.bound)}" if goal.bound else ""
    premises = (f" {spell.premises(goal.premises)}",) if goal.premises else ()
    return _line(goal, subject + bound, *premises, kind="goal")


# --- tests


def _scene(scene: ast.Scene) -> Piece:
    match scene:
        case ast.Machine():
            return _line(scene, spell.machine(scene))
        case ast.Ticking():
            return _line(scene, f"tick {spell.expression(scene.period)}")
        case ast.Setting():
            value = f"= {spell.expression(scene.value)}"
            return _line(scene, f"set {scene.param.name}", value, kind="setting")
        case ast.Spawn():
            return _line(scene, *spell.spawn(scene), kind="spawn")
        case ast.Lasting():
            return _line(scene, f"run {spell.expression(scene.duration)}")
        case ast.Expect():
            return _line(scene, spell.expect(scene), kind="expect")
        case _:
            assert_never(scene)
