"""How CPUs choose: the tree of `serve` and the guards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import count
from math import lcm
from typing import assert_never, final

from schedlang.diagnostics.model import Label
from schedlang.diagnostics.suggest import did_you_mean
from schedlang.ir import nodes as ir
from schedlang.ir.nodes import Type
from schedlang.ir.walk import leaves
from schedlang.semantics.expressions import lower_as
from schedlang.semantics.scope import Findings, Scope, spelling
from schedlang.source import Span
from schedlang.syntax import ast

WEIGHT_LIMIT = 10_000


@final
@dataclass(frozen=True, slots=True)
class QueueNames:
    """The queues by name, and where to report one that is not there."""

    indices: Mapping[str, int]
    findings: Findings

    def index(self, name: ast.Ident) -> int | None:
        found = self.indices.get(name.name)
        if found is None:
            repairs = spelling(did_you_mean(name.name, self.indices), name.span)
            self.findings.add(
                "E0201", f"there is no queue `{name.name}`", name.span, repairs=repairs
            )
        return found


# --- the tree


def lower_tree(
    tree: ast.Tree, names: QueueNames, whole: Span, numbers: count[int]
) -> ir.Tree | None:
    """The tree with every queue in it exactly once. It has no templates; `whole` is its place, and
    `numbers` are those of its weighted nodes.
    """
    lowered = _tree(tree, names, numbers)
    if lowered is None:
        return None
    seen: dict[int, ir.Leaf] = {}
    for leaf in leaves(lowered):
        if leaf.queue in seen:
            first = Label(seen[leaf.queue].span, "first named here")
            message = "a queue stands in the tree once"
            names.findings.add("E0211", message, leaf.span, secondary=(first,))
        seen[leaf.queue] = leaf
    for name, index in names.indices.items():
        if index not in seen:
            note = "a queue that no CPU serves would lose its tasks"
            names.findings.add("E0211", f"queue `{name}` is missing", whole, notes=(note,))
    return lowered


def _tree(tree: ast.Tree, names: QueueNames, numbers: count[int]) -> ir.Tree | None:
    match tree:
        case ast.Leaf():
            index = names.index(tree.queue)
            return None if index is None else ir.Leaf(index, tree.span)
        case ast.Strict():
            children = tuple(_tree(child, names, numbers) for child in tree.children)
            present = tuple(child for child in children if child is not None)
            return ir.Strict(present, tree.span) if len(present) == len(children) else None
        case ast.Weighted():
            return _weighted(tree, names, numbers)
        case ast.Apply():
            raise AssertionError("templates are put in before")
        case _:
            assert_never(tree)


def _weighted(tree: ast.Weighted, names: QueueNames, numbers: count[int]) -> ir.Tree | None:
    number = next(numbers)
    weights = [share.weight.value for share in tree.shares]
    for share in tree.shares:
        if not 1 <= share.weight.value <= WEIGHT_LIMIT:
            message = f"a weight is between 1 and {WEIGHT_LIMIT}"
            names.findings.add("E0223", message, share.weight.span)
            return None
    common = lcm(*weights)
    if common > ir.MAX_LCM:
        message = "the weights have too large a common multiple"
        note = "choose rounder weights, such as multiples of 10"
        names.findings.add("E0223", message, tree.span, notes=(note,))
        return None
    shares = []
    for share in tree.shares:
        child = _tree(share.child, names, numbers)
        if child is None:
            return None
        shares.append(ir.Share(child, share.weight.value, common // share.weight.value))
    return ir.Weighted(number, tuple(shares), tree.span)


# --- guards


def lower_guards(
    trees: tuple[ast.GuardAfter | ast.GuardShare, ...], names: QueueNames, scope: Scope
) -> tuple[ir.Guard, ...]:
    place = replace(scope, place="a guard")
    guards: dict[int, ir.Guard] = {}
    for tree in trees:
        queue = names.index(tree.queue)
        guard = None if queue is None else _guard(tree, queue, place)
        if guard is None:
            continue
        if guard.queue in guards:
            first = Label(guards[guard.queue].span, "the first guard is here")
            message = f"queue `{tree.queue.name}` has two guards"
            scope.findings.add("E0212", message, tree.span, secondary=(first,))
        guards[guard.queue] = guard
    found = tuple(guards.values())
    _check_shares(found, scope.findings)
    return found


def _guard(tree: ast.GuardAfter | ast.GuardShare, queue: int, scope: Scope) -> ir.Guard | None:
    if isinstance(tree, ast.GuardAfter):
        delay = lower_as(tree.delay, Type.DURATION, scope)
        if delay is None or delay.range is None:
            return None
        if delay.range.lo < ir.MIN_GUARD_DELAY_NS:
            label = f"at least {delay.range.lo} ns"
            scope.findings.add("E0212", "a guard's delay is at least 1us", tree.delay.span, label)
        return ir.GuardAfter(queue, delay, tree.span)
    share = lower_as(tree.share, Type.SHARE, scope)
    if share is None or share.range is None:
        return None
    if share.range.lo < 1:
        scope.findings.add("E0212", "a guard's share is at least 1%", tree.share.span)
    return ir.GuardShare(queue, share, tree.span)


def _check_shares(guards: tuple[ir.Guard, ...], findings: Findings) -> None:
    shares = [guard for guard in guards if isinstance(guard, ir.GuardShare)]
    total = sum(guard.share.range.hi for guard in shares if guard.share.range)
    if total >= 100:
        labels = tuple(Label(guard.span) for guard in shares[:-1])
        message = f"the guards' shares can add up to {total}%, they must stay below 100%"
        findings.add("E0212", message, shares[-1].span, secondary=labels)
