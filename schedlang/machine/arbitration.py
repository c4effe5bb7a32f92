"""Which queue one CPU serves: its guards and its `serve` tree, with the state they keep.

The queues' contents are the machine's; here a queue is only empty or not, as this CPU sees it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never, final

from schedlang.ir.nodes import (
    MAX_DEBT,
    Expr,
    Guard,
    GuardAfter,
    GuardShare,
    Leaf,
    Policy,
    Strict,
    Tree,
    Weighted,
)
from schedlang.machine.evaluate import constant_values


@final
@dataclass(frozen=True, slots=True)
class Charge:
    """Serving a queue for d ns adds d * `scale` to child `child` of weighted node `node`."""

    node: int
    child: int
    scale: int


@final
class Arbitration:
    """A policy's guards and tree under given params: what all CPUs share."""

    def __init__(self, policy: Policy, params: tuple[int, ...]) -> None:
        self.guards = policy.guards
        self.tree = policy.serve
        self.quantities = constant_values([_quantity(g) for g in policy.guards], params)
        self.guards_of: tuple[tuple[int, ...], ...] = tuple(
            tuple(i for i, guard in enumerate(policy.guards) if guard.queue == queue)
            for queue in range(len(policy.queues))
        )
        self.charges_of: tuple[list[Charge], ...] = tuple([] for _ in policy.queues)
        self.widths: list[int] = []
        self._number(policy.serve)

    def _number(self, tree: Tree) -> list[int]:
        """Fill in the charges and widths below `tree`; the queues below it."""
        match tree:
            case Leaf():
                return [tree.queue]
            case Strict():
                return [queue for child in tree.children for queue in self._number(child)]
            case Weighted():
                self.widths.append(len(tree.shares))
                below: list[int] = []
                for position, share in enumerate(tree.shares):
                    queues = self._number(share.child)
                    for queue in queues:
                        self.charges_of[queue].append(Charge(tree.index, position, share.scale))
                    below += queues
                return below
            case _:
                assert_never(tree)


@final
class Arbiter:
    """The arbitration state of one CPU."""

    def __init__(self, shared: Arbitration) -> None:
        self._shared = shared
        self._rested = True
        self._due = [0] * len(shared.guards)
        self._v = [0] * len(shared.widths)
        self._p = [[0] * width for width in shared.widths]
        self._seen = [[False] * width for width in shared.widths]

    def choose(self, occupied: Sequence[bool], now: int) -> int | None:
        """The queue to serve. `occupied` tells which queues are non-empty here."""
        self._leave_idleness(now)
        for i, guard in enumerate(self._shared.guards):
            if not occupied[guard.queue]:
                self._see_empty(i, now)
        overdue = [
            (self._due[i], i)
            for i, guard in enumerate(self._shared.guards)
            if occupied[guard.queue] and self._due[i] <= now
        ]
        if overdue:
            return self._shared.guards[min(overdue)[1]].queue
        queue = self._walk(self._shared.tree, occupied)
        self._rested = queue is None
        return queue

    def place(self, queue: int, now: int) -> None:
        """A claimed task's turn is about to start: the tree is walked for its queue alone."""
        self._leave_idleness(now)
        self._walk(self._shared.tree, [q == queue for q in range(len(self._shared.guards_of))])

    def start(self, queue: int, now: int) -> None:
        """A turn from `queue` starts, chosen or claimed."""
        for i in self._shared.guards_of[queue]:
            if isinstance(self._shared.guards[i], GuardShare):
                self._due[i] = min(self._due[i], now)

    def settle(self, queue: int, served_ns: int, now: int) -> None:
        """`queue` has been served for `served_ns` more, up to `now`."""
        for i in self._shared.guards_of[queue]:
            guard, quantity = self._shared.guards[i], self._shared.quantities[i]
            match guard:
                case GuardAfter():
                    self._due[i] = now + quantity
                case GuardShare():
                    self._due[i] += -(-served_ns * 100 // quantity)
                case _:
                    assert_never(guard)
        for charge in self._shared.charges_of[queue]:
            p, most = self._p[charge.node], self._v[charge.node] + MAX_DEBT
            p[charge.child] = min(p[charge.child] + served_ns * charge.scale, most)

    def relative(self, now: int) -> tuple[object, ...]:
        """All of the state that can matter later, the same for runs shifted in time."""
        dues = tuple(self._relative_due(i, now) for i in range(len(self._due)))
        debts = tuple(
            # A child that was last seen empty re-enters at V at least.
            tuple(
                (p - v if seen else max(p - v, 0), seen) for p, seen in zip(ps, seens, strict=True)
            )
            for v, ps, seens in zip(self._v, self._p, self._seen, strict=True)
        )
        return (self._rested, dues, debts)

    def _relative_due(self, i: int, now: int) -> int:
        if not self._rested:
            return self._due[i] - now
        # As `_leave_idleness` will find it, whenever that is: no delay runs, and no debt is left.
        is_share = isinstance(self._shared.guards[i], GuardShare)
        return max(self._due[i] - now, 0) if is_share else 0

    def _leave_idleness(self, now: int) -> None:
        """The CPU has work, or looks for it; if it was idle, its queues were empty until now."""
        if self._rested:
            self._rested = False
            for i in range(len(self._due)):
                self._see_empty(i, now)

    def _see_empty(self, i: int, now: int) -> None:
        guard = self._shared.guards[i]
        match guard:
            case GuardAfter():
                self._due[i] = now + self._shared.quantities[i]
            case GuardShare():
                self._due[i] = max(self._due[i], now)
            case _:
                assert_never(guard)

    def _walk(self, tree: Tree, occupied: Sequence[bool]) -> int | None:
        """The queue below `tree` that is served, None if all below it are empty."""
        match tree:
            case Leaf():
                return tree.queue if occupied[tree.queue] else None
            case Strict():
                first = next((c for c in tree.children if _is_occupied(c, occupied)), None)
                return None if first is None else self._walk(first, occupied)
            case Weighted():
                return self._weigh(tree, occupied)
            case _:
                assert_never(tree)

    def _weigh(self, node: Weighted, occupied: Sequence[bool]) -> int | None:
        v, p, seen = self._v[node.index], self._p[node.index], self._seen[node.index]
        candidates: list[tuple[int, int]] = []
        for k, share in enumerate(node.shares):
            is_occupied = _is_occupied(share.child, occupied)
            if is_occupied and not seen[k]:
                p[k] = max(p[k], v)
            seen[k] = is_occupied
            if is_occupied:
                candidates.append((p[k], k))
        if not candidates:
            return None
        least, taken = min(candidates)
        self._v[node.index] = max(v, least)
        return self._walk(node.shares[taken].child, occupied)


def _is_occupied(tree: Tree, occupied: Sequence[bool]) -> bool:
    match tree:
        case Leaf():
            return occupied[tree.queue]
        case Strict():
            return any(_is_occupied(child, occupied) for child in tree.children)
        case Weighted():
            return any(_is_occupied(share.child, occupied) for share in tree.shares)
        case _:
            assert_never(tree)


def _quantity(guard: Guard) -> Expr:
    return guard.delay if isinstance(guard, GuardAfter) else guard.share
