"""Trees and ladders under a name, put in where they are used: what follows does not know them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, assert_never, final

from schedlang.diagnostics.model import Label
from schedlang.diagnostics.suggest import did_you_mean
from schedlang.semantics.module import Definition, Module
from schedlang.semantics.scope import Findings, spelling
from schedlang.syntax import ast

_MOST_LEVELS: Final = 100


def expand_ladder(
    place: ast.Place | ast.PlaceBy, module: Module, findings: Findings
) -> tuple[ast.Rung, ...]:
    if isinstance(place, ast.Place):
        return place.rungs
    name = place.ladder
    found = module.find(name.name, ast.Ladder)
    if found is None:
        _tell_unknown(name, "ladder", module.names(ast.Ladder), findings)
        return ()
    return found.tree.rungs


def expand_tree(tree: ast.Tree, module: Module, findings: Findings) -> ast.Tree | None:
    """The tree without templates. A queue's place is where the policy names it."""
    for template in module.own.values():
        if isinstance(template, ast.TreeTemplate):
            check_template(template, findings)
    return _expand(tree, _Site(module, None, (), findings))


def check_template(template: ast.TreeTemplate, findings: Findings) -> bool:
    """Each argument stands in the tree once, as each queue must, and nothing else does."""
    is_fine = True
    formals = {formal.name for formal in template.formals}
    seen: dict[str, ast.Leaf] = {}
    for leaf in _leaves(template.tree):
        name = leaf.queue
        is_fine = is_fine and name.name in formals and name.name not in seen
        if name.name not in formals:
            repairs = spelling(did_you_mean(name.name, formals), name.span)
            message = f"`{name.name}` is not an argument of `{template.name.name}`"
            findings.add("E0201", message, name.span, repairs=repairs)
        elif name.name in seen:
            first = Label(seen[name.name].span, "first named here")
            message = "an argument stands in the tree once"
            findings.add("E0211", message, name.span, secondary=(first,))
        seen[name.name] = leaf
    for formal in template.formals:
        if formal.name not in seen:
            note = "a queue that no CPU serves would lose its tasks"
            message = f"`{formal.name}` is missing in the tree"
            findings.add("E0211", message, formal.span, notes=(note,))
            is_fine = False
    return is_fine


def _leaves(tree: ast.Tree) -> Iterator[ast.Leaf]:
    match tree:
        case ast.Leaf():
            yield tree
        case ast.Strict(children=children) | ast.Apply(arguments=children):
            yield from (leaf for child in children for leaf in _leaves(child))
        case ast.Weighted(shares=shares):
            yield from (leaf for share in shares for leaf in _leaves(share.child))
        case _:
            assert_never(tree)


@final
@dataclass(frozen=True, slots=True)
class _Site:
    """What names mean in the tree that is read: `given` are a template's arguments, expanded."""

    module: Module
    given: Mapping[str, ast.Tree] | None
    inside: tuple[ast.TreeTemplate, ...]
    findings: Findings


def _expand(tree: ast.Tree, site: _Site) -> ast.Tree | None:
    with site.findings.deeper() as fits:
        if not fits or site.findings.depth > _MOST_LEVELS:
            message = "the tree grows too large when its templates are put in"
            site.findings.add("E0224", message, tree.span)
            return None
        match tree:
            case ast.Leaf():
                return tree if site.given is None else site.given.get(tree.queue.name)
            case ast.Strict():
                children = _all(tree.children, site)
                return None if children is None else replace(tree, children=children)
            case ast.Weighted():
                children = _all(tuple(share.child for share in tree.shares), site)
                if children is None:
                    return None
                pairs = zip(tree.shares, children, strict=True)
                shares = tuple(replace(share, child=child) for share, child in pairs)
                return replace(tree, shares=shares)
            case ast.Apply():
                return _apply(tree, site)
            case _:
                assert_never(tree)


def _all(trees: tuple[ast.Tree, ...], site: _Site) -> tuple[ast.Tree, ...] | None:
    expanded = [_expand(tree, site) for tree in trees]
    known = tuple(tree for tree in expanded if tree is not None)
    return known if len(known) == len(trees) else None


def _apply(tree: ast.Apply, site: _Site) -> ast.Tree | None:
    name, findings = tree.template, site.findings
    found = site.module.find(name.name, ast.TreeTemplate)
    arguments = _all(tree.arguments, site)
    if found is None:
        _tell_unknown(name, "tree", site.module.names(ast.TreeTemplate), findings)
        return None
    same = [number for number, template in enumerate(site.inside) if template is found.tree]
    if same:
        chain = (*(t.name.name for t in site.inside[same[0] :]), name.name)
        message = f"`{name.name}` calls itself: {' -> '.join(chain)}"
        findings.add("E0219", message, name.span)
        return None
    wanted, given = len(found.tree.formals), len(tree.arguments)
    if wanted != given:
        message = (
            f"`{name.name}` takes {wanted} argument{'' if wanted == 1 else 's'}, found {given}"
        )
        findings.add("E0209", message, tree.span)
        return None
    if arguments is None:
        return None
    return _put_in(found, arguments, tree, site)


def _put_in(
    found: Definition[ast.TreeTemplate],
    arguments: tuple[ast.Tree, ...],
    use: ast.Apply,
    site: _Site,
) -> ast.Tree | None:
    formals = (formal.name for formal in found.tree.formals)
    given = dict(zip(formals, arguments, strict=True))
    inside = (*site.inside, found.tree)
    with site.findings.used_at(use.span):
        if not check_template(found.tree, site.findings):
            return None
        body = _expand(found.tree.tree, _Site(found.module, given, inside, site.findings))
    if body is None or isinstance(body, ast.Leaf):
        return body
    # INVARIANT: the root of a policy's tree is in the policy's own file: repairs go after it.
    return replace(body, span=use.span)


def _tell_unknown(name: ast.Ident, kind: str, known: frozenset[str], findings: Findings) -> None:
    if name.name in findings.broken:
        return
    notes = (f"such as `use std.{kind}s.{{{name.name}}}` for one of a library",)
    repairs = spelling(did_you_mean(name.name, known), name.span)
    message = f"there is no {kind} `{name.name}`"
    findings.add("E0201", message, name.span, notes=notes, repairs=repairs)
