"""Going through expressions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import assert_never

from schedlang.ir import nodes as ir


def children(expr: ir.Expr) -> tuple[ir.Expr, ...]:
    match expr:
        case ir.Arith() | ir.Compare() | ir.Logic():
            return (expr.left, expr.right)
        case ir.Log2() | ir.Not():
            return (expr.operand,)
        case ir.If():
            return (expr.condition, expr.then, expr.orelse)
        case (
            ir.Const()
            | ir.ParamRef()
            | ir.StateRef()
            | ir.AttributeRef()
            | ir.InputRef()
            | ir.Match()
            | ir.CgroupUnder()
        ):
            return ()
        case _:
            assert_never(expr)


def at_first(order: ir.Order, index: int) -> ir.Expr:
    """The initial value of a state of an order, for who knows none of its states."""
    return _with_initials(order.states[index].initial, order)


def _with_initials(expr: ir.Expr, order: ir.Order) -> ir.Expr:
    match expr:
        case ir.StateRef(owner=ir.Owner.ORDER):
            return at_first(order, expr.index)
        case ir.Arith() | ir.Compare() | ir.Logic():
            left, right = (_with_initials(part, order) for part in (expr.left, expr.right))
            return replace(expr, left=left, right=right)
        case ir.Log2() | ir.Not():
            return replace(expr, operand=_with_initials(expr.operand, order))
        case ir.If():
            parts = (expr.condition, expr.then, expr.orelse)
            condition, then, orelse = (_with_initials(part, order) for part in parts)
            return replace(expr, condition=condition, then=then, orelse=orelse)
        case _:
            return expr


def walk(expr: ir.Expr) -> Iterator[ir.Expr]:
    """`expr` and everything in it, parents first."""
    stack = [expr]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(children(node)))


def measure(expr: ir.Expr, limit: int) -> tuple[int, int]:
    """The nodes and the depth of `expr` as a tree; counting stops past `limit` nodes."""
    nodes = depth = 0
    stack = [(expr, 1)]
    while stack and nodes <= limit:
        node, level = stack.pop()
        nodes += 1
        depth = max(depth, level)
        stack.extend((child, level + 1) for child in children(node))
    return nodes, depth


def expressions(policy: ir.Policy) -> Iterator[ir.Expr]:
    """Everything that a policy evaluates about a task."""
    yield from _of_members(policy.states, policy.handlers)
    for queue in policy.queues:
        yield from _of_members(queue.order.states, queue.order.handlers)
        yield queue.slice
        if queue.order.key is not None:
            yield queue.order.key
    yield from (rule.condition for rule in policy.route.rules)


def _of_members(
    states: tuple[ir.State, ...], handlers: tuple[ir.Handler, ...]
) -> Iterator[ir.Expr]:
    yield from (state.initial for state in states)
    for handler in handlers:
        if handler.condition is not None:
            yield handler.condition
        yield from (assign.value for assign in handler.assigns)


def leaves(tree: ir.Tree) -> Iterator[ir.Leaf]:
    """The leaves of a serve tree, first to last."""
    match tree:
        case ir.Leaf():
            yield tree
        case ir.Strict():
            for child in tree.children:
                yield from leaves(child)
        case ir.Weighted():
            for share in tree.shares:
                yield from leaves(share.child)
        case _:
            assert_never(tree)
