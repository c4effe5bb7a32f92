"""The longest wait there can be in a small instance, found by Z3 in the unrolled machine.

One CPU; queues of fifo order under one `strict` or `weighted`, with guards. The machine is that of
docs/machine.md, one choice at a time; which queues are non-empty and how long turns last is free,
but a queued task stays. It is the longest wait of all runs of `depth` choices.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import z3  # type: ignore[import-untyped, unused-ignore] # it ships no types


@dataclass(frozen=True)
class Instance:
    """The queue waited in is number `victim` and has `tasks` tasks; `turns_ns` are the longest.

    Without `weights` the tree is a `strict`. A guard is (queue, "after", ns) or (queue, "share",
    percent).
    """

    turns_ns: tuple[int, ...]
    victim: int
    tasks: int
    depth: int
    weights: tuple[int, ...] = ()
    guards: tuple[tuple[int, str, int], ...] = ()


@dataclass(frozen=True)
class Node:
    """The state of the `weighted`, before a choice."""

    p: list[z3.ArithRef]
    v: z3.ArithRef
    seen: list[z3.BoolRef]


def longest_wait_ns(instance: Instance) -> int:
    return Unrolled(instance).longest_wait_ns()


class Unrolled:
    def __init__(self, instance: Instance) -> None:
        self.of = instance
        self.queues = range(len(instance.turns_ns))
        self.steps = range(instance.depth)
        self.solver = z3.Optimize()
        self.full = [[z3.Bool(f"full{q}_{e}") for q in self.queues] for e in self.steps]
        self.taken = [[z3.Bool(f"taken{q}_{e}") for q in self.queues] for e in self.steps]
        self.ran = [z3.Int(f"ran_{e}") for e in self.steps]
        self.at = [z3.Int(f"at_{e}") for e in range(instance.depth + 1)]
        self.solver.add(self.at[0] == 0)
        node = Node(
            [z3.IntVal(0) for _ in self.queues],
            z3.IntVal(0),
            [z3.BoolVal(False) for _ in self.queues],
        )
        # The CPU was idle: it has just seen all its queues empty.
        due = {q: z3.IntVal(value if kind == "after" else 0) for q, kind, value in instance.guards}
        for e in self.steps:
            self._turn(e)
            overdue = {q: z3.And(self.full[e][q], due[q] <= self.at[e]) for q in due}
            self._oldest_first(e, overdue, due)
            by_tree = z3.Not(z3.Or(False, *overdue.values()))
            if instance.weights:
                node = self._weighted(e, by_tree, node)
            else:
                self._strict(e, by_tree)
            due = {q: self._due(e, q, kind, value, due[q]) for q, kind, value in instance.guards}

    def _turn(self, e: int) -> None:
        self.solver.add(z3.Or(*self.full[e]), z3.PbEq([(t, 1) for t in self.taken[e]], 1))
        self.solver.add(self.ran[e] >= 1, self.at[e + 1] == self.at[e] + self.ran[e])
        for q in self.queues:
            fits = z3.And(self.full[e][q], self.ran[e] <= self.of.turns_ns[q])
            self.solver.add(z3.Implies(self.taken[e][q], fits))
            if e > 0:
                stays = z3.And(self.full[e - 1][q], z3.Not(self.taken[e - 1][q]))
                self.solver.add(z3.Implies(stays, self.full[e][q]))

    def _oldest_first(
        self, e: int, overdue: dict[int, z3.BoolRef], due: dict[int, z3.ArithRef]
    ) -> None:
        order = list(due)
        for i, q in enumerate(order):
            others = [
                z3.Implies(overdue[o], due[q] <= due[o] if i < j else due[q] < due[o])
                for j, o in enumerate(order)
                if o != q
            ]
            self.solver.add(z3.Implies(z3.And(overdue[q], *others), self.taken[e][q]))

    def _due(self, e: int, q: int, kind: str, value: int, due: z3.ArithRef) -> z3.ArithRef:
        """The deadline as the choice after turn `e` finds it."""
        taken, now = self.taken[e][q], self.at[e + 1]
        if kind == "after":
            settled = z3.If(taken, now + value, due)
            seen_empty = now + value
        else:
            cost = z3.Int(f"cost{q}_{e}")
            spent = self.ran[e] * 100
            self.solver.add(cost * value >= spent, (cost - 1) * value < spent)
            started = z3.If(due < self.at[e], due, self.at[e])
            settled = z3.If(taken, started + cost, due)
            seen_empty = z3.If(settled > now, settled, now)
        following = z3.Int(f"due{q}_{e + 1}")
        full = self.full[e + 1][q] if e + 1 < self.of.depth else z3.BoolVal(True)
        self.solver.add(following == z3.If(full, settled, seen_empty))
        return following

    def _strict(self, e: int, by_tree: z3.BoolRef) -> None:
        for q in self.queues:
            above = [z3.Not(self.full[e][o]) for o in range(q)]
            first = z3.And(by_tree, self.full[e][q], *above)
            self.solver.add(z3.Implies(first, self.taken[e][q]))

    def _weighted(self, e: int, by_tree: z3.BoolRef, node: Node) -> Node:
        full, taken, common = self.full[e], self.taken[e], math.lcm(*self.of.weights)
        p = []
        for q in self.queues:
            comes_back = z3.And(by_tree, full[q], z3.Not(node.seen[q]), node.p[q] < node.v)
            p.append(z3.If(comes_back, node.v, node.p[q]))
        after = Node(
            [z3.Int(f"p{q}_{e + 1}") for q in self.queues],
            z3.Int(f"v_{e + 1}"),
            [z3.If(by_tree, full[q], node.seen[q]) for q in self.queues],
        )
        for q in self.queues:
            others = [
                z3.Implies(full[o], p[q] <= p[o] if q < o else p[q] < p[o])
                for o in self.queues
                if o != q
            ]
            cost = self.ran[e] * (common // self.of.weights[q])
            advanced = z3.If(p[q] > node.v, p[q], node.v)
            self.solver.add(
                z3.Implies(z3.And(by_tree, full[q], *others), taken[q]),
                after.p[q] == p[q] + z3.If(taken[q], cost, 0),
                z3.Implies(z3.And(by_tree, taken[q]), after.v == advanced),
            )
        self.solver.add(z3.Implies(z3.Not(by_tree), after.v == node.v))
        return after

    def longest_wait_ns(self) -> int:
        arrivals = [z3.Bool(f"arrives_{e}") for e in self.steps]
        waits = [z3.Bool(f"waits_{e}") for e in range(self.of.depth + 1)]
        ahead = [z3.Int(f"ahead_{e}") for e in range(self.of.depth + 1)]
        since, until = z3.Int("since"), z3.Int("until")
        self.solver.add(z3.Not(waits[0]), z3.PbEq([(a, 1) for a in arrivals], 1))
        starts = []
        for e in self.steps:
            served = self.taken[e][self.of.victim]
            starts.append(z3.And(waits[e], served, ahead[e] == 0))
            goes_on = z3.And(waits[e], z3.Not(starts[e]))
            # It arrives right after the choice; who then runs from its queue is one of its tasks.
            company = self.of.tasks - 1 - z3.If(served, 1, 0)
            self.solver.add(
                z3.Implies(
                    arrivals[e],
                    z3.And(since == self.at[e], ahead[e + 1] >= 0, ahead[e + 1] <= company),
                ),
                waits[e + 1] == z3.Or(arrivals[e], goes_on),
                z3.Implies(goes_on, ahead[e + 1] == ahead[e] - z3.If(served, 1, 0)),
                z3.Implies(waits[e], self.full[e][self.of.victim]),
                z3.Implies(starts[e], until == self.at[e]),
            )
        self.solver.add(z3.Or(*starts))
        longest = self.solver.maximize(until - since)
        assert self.solver.check() == z3.sat
        return int(self.solver.upper(longest).as_long())
