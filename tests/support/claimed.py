"""The claims of a policy as what can be watched in a run."""

from __future__ import annotations

from fractions import Fraction

from schedlang.ir import nodes as ir
from tests.support.watches import QueuesWatch, ShareWatch, TasksWatch, Watch


def watches(policy: ir.Policy) -> dict[int, Watch]:
    """By the number of the goal; not all goals have one."""
    found = {i: _watch(policy, goal) for i, goal in enumerate(policy.goals)}
    return {i: watch for i, watch in found.items() if watch is not None}


def _watch(policy: ir.Policy, goal: ir.Goal) -> Watch | None:
    match goal.property:
        case ir.Property.SHARE:
            assert goal.bound is not None
            assert goal.bound.range is not None
            return ShareWatch(goal.queues[0], goal.bound.range.hi)
        case ir.Property.FAIR if len(goal.queues) == 1:
            return TasksWatch(goal.queues[0])
        case ir.Property.FAIR:
            weights = _weights(policy.serve, set(goal.queues))
            least = min(weights.values(), default=1)
            # Queues that no node tells apart are never proved fair.
            return QueuesWatch({q: Fraction(w, least) for q, w in weights.items()})
        case _:
            return None


def _weights(tree: ir.Tree, queues: set[int]) -> dict[int, int]:
    """The weights by which one `weighted` tells these queues apart; none if there is none."""
    below = [node for node in _children(tree) if queues & _queues(node)]
    if len(below) == 1:
        return _weights(below[0], queues)
    if not isinstance(tree, ir.Weighted) or len(below) != len(queues):
        return {}
    found: dict[int, int] = {}
    for share in tree.shares:
        for queue in queues & _queues(share.child):
            found[queue] = share.weight
    return found


def _children(tree: ir.Tree) -> list[ir.Tree]:
    match tree:
        case ir.Leaf():
            return []
        case ir.Strict():
            return list(tree.children)
        case ir.Weighted():
            return [share.child for share in tree.shares]


def _queues(tree: ir.Tree) -> set[int]:
    if isinstance(tree, ir.Leaf):
        return {tree.queue}
    return set().union(*(_queues(child) for child in _children(tree)))
