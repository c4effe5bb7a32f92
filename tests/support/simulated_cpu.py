"""One CPU of the second machine: its turn, its guards, its walk down the `serve` tree.

By docs/machine.md alone. A rule is a method, so that a test can change one and see who notices.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from schedlang.syntax import ast
from tests.support.reading import Reading, children

TreePath = tuple[int, ...]
"""A node of the serve tree: the positions of the children on the way down to it."""


@dataclass
class Running:
    task: int
    queue: int
    since: int
    settled: int
    slice_ns: int
    is_ended: bool = False


class SimCpu:
    """`state`: idle, woken (to choose), claimed (by task `claim`), running, or free between two
    turns. `rested`: it has not looked at its queues since it went idle.
    """

    def __init__(
        self, policy: Reading, guarded: Callable[[int], int], tree: ast.Tree | None = None
    ) -> None:
        """`tree` is the CPU's, the policy's last unless it is given."""
        self.policy, self.guarded = policy, guarded
        self.tree = policy.tree if tree is None else tree
        self.guards = {policy.number(guard.queue): guard for guard in policy.guards}
        self.state = "idle"
        self.claim: int | None = None
        self.turn: Running | None = None
        self.rested = True
        self.due = dict.fromkeys(self.guards, 0)
        self.v: dict[TreePath, Fraction] = {}
        self.p: dict[TreePath, Fraction] = {}
        self.seen: dict[TreePath, bool] = {}

    # --- turns

    def start(self, task: int, queue: int, slice_ns: int, now: int) -> None:
        if isinstance(self.guards.get(queue), ast.GuardShare):
            self.start_share(queue, now)
        self.state, self.turn = "running", Running(task, queue, now, now, slice_ns)

    def start_share(self, queue: int, now: int) -> None:
        self.due[queue] = min(self.due[queue], now)

    def settle(self, now: int) -> None:
        assert self.turn is not None
        served_ns, queue = now - self.turn.settled, self.turn.queue
        self.turn.settled = now
        guard = self.guards.get(queue)
        if isinstance(guard, ast.GuardAfter):
            self.settle_after(queue, now)
        if isinstance(guard, ast.GuardShare):
            self.settle_share(queue, served_ns)
        self.settle_tree(self.tree, (), queue, served_ns)

    def settle_after(self, queue: int, now: int) -> None:
        self.due[queue] = now + self.guarded(queue)

    def settle_share(self, queue: int, served_ns: int) -> None:
        self.due[queue] += math.ceil(Fraction(served_ns * 100, self.guarded(queue)))

    def settle_tree(self, tree: ast.Tree, path: TreePath, queue: int, served_ns: int) -> None:
        for k, child in enumerate(children(tree)):
            if queue in self.policy.queues_of(child):
                if isinstance(tree, ast.Weighted):
                    self.charge(path, k, self.cost(tree, k, served_ns))
                self.settle_tree(child, (*path, k), queue, served_ns)

    def cost(self, tree: ast.Weighted, k: int, served_ns: int) -> Fraction:
        return served_ns * scale(tree, k)

    def charge(self, path: TreePath, k: int, cost: Fraction) -> None:
        limit = self.v.get(path, Fraction()) + 2**60
        self.p[*path, k] = min(self.p.get((*path, k), Fraction()) + cost, limit)

    # --- the choice

    def leave_idleness(self, now: int) -> None:
        for queue in self.guards:
            self.see_empty(queue, now)

    def walk_for_placed(self, queue: int) -> None:
        self.walk(self.tree, (), {queue})

    def served(self, full: set[int], now: int) -> int | None:
        """The queue to take from; `full` are those that are non-empty here."""
        for queue in self.guards:
            if queue not in full:
                self.see_empty(queue, now)
        overdue = [queue for queue in self.guards if queue in full and self.due[queue] <= now]
        if overdue:
            return min(overdue, key=self.precedence)
        return self.walk(self.tree, (), full)

    def precedence(self, queue: int) -> tuple[int, int]:
        return self.due[queue], list(self.guards).index(queue)

    def see_empty(self, queue: int, now: int) -> None:
        if isinstance(self.guards[queue], ast.GuardAfter):
            self.see_empty_after(queue, now)
        else:
            self.see_empty_share(queue, now)

    def see_empty_after(self, queue: int, now: int) -> None:
        self.due[queue] = now + self.guarded(queue)

    def see_empty_share(self, queue: int, now: int) -> None:
        self.due[queue] = max(self.due[queue], now)

    def walk(self, tree: ast.Tree, path: TreePath, full: set[int]) -> int | None:
        if isinstance(tree, ast.Leaf):
            queue = self.policy.number(tree.queue)
            return queue if queue in full else None
        below = children(tree)
        present = [k for k, child in enumerate(below) if self.policy.queues_of(child) & full]
        if isinstance(tree, ast.Weighted):
            present = self.weigh(path, present, len(below))
        else:
            present = self.in_order(present)
        if not present:
            return None
        return self.walk(below[present[0]], (*path, present[0]), full)

    def in_order(self, present: list[int]) -> list[int]:
        return present

    def weigh(self, path: TreePath, present: list[int], number: int) -> list[int]:
        """The children that are non-empty here, the one to take first."""
        for k in range(number):
            child = (*path, k)
            self.p.setdefault(child, Fraction())
            if k in present and not self.seen.get(child, False):
                self.rejoin(path, k)
            self.seen[child] = k in present
        ranked = sorted(present, key=lambda k: (self.p[*path, k], k))
        if ranked:
            self.advance(path, self.p[*path, ranked[0]])
        return ranked

    def rejoin(self, path: TreePath, k: int) -> None:
        self.p[*path, k] = max(self.p[*path, k], self.v.get(path, Fraction()))

    def advance(self, path: TreePath, p: Fraction) -> None:
        self.v[path] = max(self.v.get(path, Fraction()), p)


def scale(tree: ast.Weighted, k: int) -> Fraction:
    common = math.lcm(*(share.weight.value for share in tree.shares))
    return Fraction(common, tree.shares[k].weight.value)
