"""Which queue one CPU serves: its guards and its `serve` tree, with the state they keep.

The queues' contents are the machine's; here a queue is only empty or not, as this CPU sees it.
Sets of queues are bits of a number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, assert_never, final

from schedlang.ir.nodes import (
    MAX_DEBT,
    Expr,
    Guard,
    GuardAfter,
    GuardShare,
    Leaf,
    Policy,
    Serve,
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
@dataclass(frozen=True, slots=True)
class Watch:
    """A guard by number; `bit` is its queue's."""

    number: int
    queue: int
    bit: int
    is_share: bool


@final
@dataclass(frozen=True, slots=True)
class Branch:
    """A node of the tree: a leaf has a `queue`, a weighted node its index, a strict one neither.

    `queues` are all that are below it.
    """

    queues: int
    children: tuple[Branch, ...]
    queue: int | None
    weighted: int | None


@final
@dataclass(frozen=True, slots=True)
class ServedTree:
    """A tree as it is walked, and what serving each queue by it costs. Its CPUs are in `cpus`, the
    number of a set; None: in no other tree's.
    """

    cpus: int | None
    root: Branch
    charges_of: tuple[list[Charge], ...]


@final
class Arbitration:
    """A policy's guards and trees under given params: what all CPUs share."""

    def __init__(self, policy: Policy, params: tuple[int, ...]) -> None:
        self.watches = tuple(
            Watch(i, guard.queue, 1 << guard.queue, isinstance(guard, GuardShare))
            for i, guard in enumerate(policy.guards)
        )
        self.watches_of: tuple[tuple[Watch, ...], ...] = tuple(
            tuple(watch for watch in self.watches if watch.queue == queue)
            for queue in range(len(policy.queues))
        )
        self.widths: list[int] = []
        self.trees = tuple(self._served(serve, len(policy.queues)) for serve in policy.serves)
        self._quantities = [_quantity(guard) for guard in policy.guards]
        self.set_params(params)

    def set_params(self, params: tuple[int, ...]) -> None:
        """From now on the guards' delays and shares are those under `params`."""
        self.quantities = constant_values(self._quantities, params)

    def _served(self, serve: Serve, queues: int) -> ServedTree:
        charges_of: tuple[list[Charge], ...] = tuple([] for _ in range(queues))
        return ServedTree(serve.cpus, self._branch(serve.tree, charges_of), charges_of)

    def _branch(self, tree: Tree, charges_of: tuple[list[Charge], ...]) -> Branch:
        """The tree's branch; the charges and widths below it are filled in."""
        match tree:
            case Leaf():
                return Branch(1 << tree.queue, (), tree.queue, None)
            case Strict():
                children = tuple(self._branch(child, charges_of) for child in tree.children)
                return Branch(_union(children), children, None, None)
            case Weighted():
                self.widths.append(len(tree.shares))
                children = tuple(self._branch(s.child, charges_of) for s in tree.shares)
                for position, (share, child) in enumerate(zip(tree.shares, children, strict=True)):
                    charge = Charge(tree.index, position, share.scale)
                    for queue, charges in enumerate(charges_of):
                        if child.queues >> queue & 1:
                            charges.append(charge)
                return Branch(_union(children), children, None, tree.index)
            case _:
                assert_never(tree)


class RelativeArbitration(NamedTuple):
    """A CPU's arbitration state, relative to now and to the V of each weighted node."""

    rested: bool
    dues: tuple[int, ...]
    debts: tuple[tuple[tuple[int, bool], ...], ...]


@final
class Arbiter:
    """The arbitration state of one CPU. `asked` are the weighted nodes that a choice has asked."""

    def __init__(self, shared: Arbitration, tree: ServedTree | None = None) -> None:
        """`tree` is the CPU's, the policy's last unless it is given."""
        self._shared = shared
        self._tree = shared.trees[-1] if tree is None else tree
        self.asked: set[int] = set()
        self._rested = True
        self._due = [0] * len(shared.watches)
        self._v = [0] * len(shared.widths)
        self._p = [[0] * width for width in shared.widths]
        self._seen = [[False] * width for width in shared.widths]

    def choose(self, occupied: int, now: int) -> int | None:
        """The queue to serve, None if `occupied`, the queues that are non-empty here, is empty."""
        if self._rested:
            self._leave_idleness(now)
        oldest, overdue, dues = now + 1, None, self._due
        for watch in self._shared.watches:
            if not occupied & watch.bit:
                self._see_empty(watch, now)
            elif dues[watch.number] < oldest:
                oldest, overdue = dues[watch.number], watch.queue
        if overdue is not None:
            return overdue
        queue = self._walk(occupied)
        self._rested = queue is None
        return queue

    def place(self, queue: int, now: int) -> None:
        """A claimed task's turn is about to start: the tree is walked for its queue alone."""
        self._leave_idleness(now)
        self._walk(1 << queue)

    def start(self, queue: int, now: int) -> None:
        """A turn from `queue` starts, chosen or claimed."""
        for watch in self._shared.watches_of[queue]:
            if watch.is_share and self._due[watch.number] > now:
                self._due[watch.number] = now

    def settle(self, queue: int, served_ns: int, now: int) -> None:
        """`queue` has been served for `served_ns` more, up to `now`."""
        for watch in self._shared.watches_of[queue]:
            quantity = self._shared.quantities[watch.number]
            if watch.is_share:
                self._due[watch.number] += -(-served_ns * 100 // quantity)
            else:
                self._due[watch.number] = now + quantity
        for charge in self._tree.charges_of[queue]:
            p, most = self._p[charge.node], self._v[charge.node] + MAX_DEBT
            p[charge.child] = min(p[charge.child] + served_ns * charge.scale, most)

    def dues(self) -> tuple[int, ...]:
        """By guard, the time from which it is overdue."""
        return tuple(self._due)

    def relative(self, now: int) -> RelativeArbitration:
        """All of the state that can matter later, the same for runs shifted in time: whether the
        CPU is idle, what is due, and the debts by weighted node.
        """
        dues = tuple(self._relative_due(watch, now) for watch in self._shared.watches)
        debts = tuple(
            # A child that was last seen empty re-enters at V at least.
            tuple(
                (p - v if seen else max(p - v, 0), seen) for p, seen in zip(ps, seens, strict=True)
            )
            for v, ps, seens in zip(self._v, self._p, self._seen, strict=True)
        )
        return RelativeArbitration(self._rested, dues, debts)

    def _relative_due(self, watch: Watch, now: int) -> int:
        due = self._due[watch.number] - now
        if not self._rested:
            return due
        # As `_leave_idleness` will find it, whenever that is: no delay runs, and no debt is left.
        return max(due, 0) if watch.is_share else 0

    def _leave_idleness(self, now: int) -> None:
        """The CPU has work, or looks for it; if it was idle, its queues were empty until now."""
        if self._rested:
            self._rested = False
            for watch in self._shared.watches:
                self._see_empty(watch, now)

    def _see_empty(self, watch: Watch, now: int) -> None:
        if not watch.is_share:
            self._due[watch.number] = now + self._shared.quantities[watch.number]
        elif self._due[watch.number] < now:
            self._due[watch.number] = now

    def _walk(self, occupied: int) -> int | None:
        """The queue that the tree serves, None if all are empty."""
        branch = self._tree.root
        while branch.queue is None:
            if branch.weighted is None:
                for child in branch.children:
                    if child.queues & occupied:
                        break
                else:
                    return None
                branch = child
            elif (taken := self._weigh(branch, branch.weighted, occupied)) is not None:
                branch = taken
            else:
                return None
        return branch.queue if branch.queues & occupied else None

    def _weigh(self, branch: Branch, node: int, occupied: int) -> Branch | None:
        self.asked.add(node)
        v, p, seen = self._v[node], self._p[node], self._seen[node]
        taken: int | None = None
        for k, child in enumerate(branch.children):
            is_occupied = child.queues & occupied != 0
            if is_occupied:
                if not seen[k] and p[k] < v:
                    p[k] = v
                if taken is None or p[k] < p[taken]:
                    taken = k
            seen[k] = is_occupied
        if taken is None:
            return None
        if p[taken] > v:
            self._v[node] = p[taken]
        return branch.children[taken]


def _union(branches: tuple[Branch, ...]) -> int:
    return sum(branch.queues for branch in branches)  # no queue is below two


def _quantity(guard: Guard) -> Expr:
    return guard.delay if isinstance(guard, GuardAfter) else guard.share
