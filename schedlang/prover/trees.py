"""A policy's trees, and the shape of one: its weighted nodes, and what stands above a leaf."""

from __future__ import annotations

from typing import assert_never

from schedlang.ir import nodes as ir
from schedlang.ir.walk import leaves
from schedlang.source import Span


def tree_spans(policy: ir.Policy) -> tuple[Span, ...]:
    return tuple(serve.tree.span for serve in policy.serves)


def tree_of_first_cpu(policy: ir.Policy) -> ir.Tree:
    """Of the CPU on which runs are played, that of a machine without any other."""
    return next(serve.tree for serve in policy.serves if _has_first_cpu(policy, serve.cpus))


def _has_first_cpu(policy: ir.Policy, number: int | None) -> bool:
    if number is None:
        return True
    cpus = policy.cpusets[number]
    if cpus.builtin is not None:
        return cpus.builtin is not ir.Builtin.LITTLE
    return any(first == 0 for first, _ in cpus.ranges)


def widths(tree: ir.Tree) -> tuple[int, ...]:
    """The number of children of every weighted node, in the order of their indices."""
    return tuple(len(node.shares) for node in weighted_nodes(tree))


def weighted_nodes(tree: ir.Tree) -> tuple[ir.Weighted, ...]:
    match tree:
        case ir.Leaf():
            return ()
        case ir.Strict(children=children):
            return tuple(node for child in children for node in weighted_nodes(child))
        case ir.Weighted(shares=shares):
            return (tree, *(node for share in shares for node in weighted_nodes(share.child)))
        case _:
            assert_never(tree)


def charges(tree: ir.Tree, queue: int) -> tuple[tuple[int, int, int], ...]:
    """(node, child, scale) of the weighted nodes above the queue's leaf."""
    return tuple(
        (node.index, child, share.scale)
        for node in weighted_nodes(tree)
        for child, share in enumerate(node.shares)
        if any(leaf.queue == queue for leaf in leaves(share.child))
    )


def ancestors(tree: ir.Tree, queue: int) -> tuple[tuple[ir.Strict | ir.Weighted, int], ...]:
    """The nodes above the queue's leaf, outermost first, each with the child that holds it."""
    match tree:
        case ir.Leaf():
            return ()
        case ir.Strict() | ir.Weighted():
            below = children(tree)
            held = next(
                k for k, child in enumerate(below) if any(x.queue == queue for x in leaves(child))
            )
            return ((tree, held), *ancestors(below[held], queue))
        case _:
            assert_never(tree)


def children(node: ir.Strict | ir.Weighted) -> tuple[ir.Tree, ...]:
    if isinstance(node, ir.Strict):
        return node.children
    return tuple(share.child for share in node.shares)
