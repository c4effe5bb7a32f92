"""The longest wait in one queue in virtual time, found by Z3 in the unrolled machine.

v is `clock + fork` at first, `max(v, clock - credit)` at each join, `v + used` at each stop, and
the key is v. One CPU; who sleeps, wakes, exits and is forked is free. Task 0 is the one that waits.
"""

from __future__ import annotations

from dataclasses import dataclass

import z3  # type: ignore[import-untyped, unused-ignore] # it ships no types

LEAST_TURN_NS = 1_000  # what a shorter one is charged


@dataclass(frozen=True)
class VtimeInstance:
    turn_ns: int
    credit_ns: int
    fork_ns: int
    tasks: int
    depth: int


class Unrolled:
    def __init__(self, instance: VtimeInstance) -> None:
        self.of = instance
        self.tasks, self.steps = range(instance.tasks), range(instance.depth)
        self.solver = z3.Optimize()
        self.queued = [[z3.Bool(f"queued{t}_{e}") for t in self.tasks] for e in self.steps]
        self.taken = [[z3.Bool(f"taken{t}_{e}") for t in self.tasks] for e in self.steps]
        self.v = [[z3.Int(f"v{t}_{e}") for t in self.tasks] for e in self.steps]
        self.ran = [z3.Int(f"ran_{e}") for e in self.steps]
        self.at = [z3.Int(f"at_{e}") for e in range(instance.depth + 1)]
        self.clock = [z3.Int(f"clock_{e}") for e in range(instance.depth + 1)]
        self.solver.add(self.at[0] == 0, self.clock[0] == 0)
        self.solver.add(*(v == instance.fork_ns for v in self.v[0]))
        for e in self.steps:
            self._turn(e)
            if e > 0:
                self._between(e)

    def _turn(self, e: int) -> None:
        queued, taken, v = self.queued[e], self.taken[e], self.v[e]
        self.solver.add(z3.PbEq([(t, 1) for t in taken], 1), self.ran[e] >= LEAST_TURN_NS)
        self.solver.add(self.ran[e] <= self.of.turn_ns, self.at[e + 1] == self.at[e] + self.ran[e])
        for t in self.tasks:
            others = [z3.Implies(queued[o], v[t] <= v[o]) for o in self.tasks if o != t]
            moved = z3.If(self.clock[e] > v[t], self.clock[e], v[t])
            first = z3.And(queued[t], *others, self.clock[e + 1] == moved)
            self.solver.add(z3.Implies(taken[t], first))

    def _between(self, e: int) -> None:
        """From choice `e - 1` to choice `e`: the turn stops, and tasks join."""
        for t in self.tasks:
            before, ran = self.v[e - 1][t], self.taken[e - 1][t]
            stays = z3.And(self.queued[e - 1][t], z3.Not(ran))
            spent = before + z3.If(ran, self.ran[e - 1], 0)
            floor = self.clock[e] - self.of.credit_ns
            is_new = z3.Bool(f"new{t}_{e}")
            joined = z3.If(
                is_new, self.clock[e] + self.of.fork_ns, z3.If(spent > floor, spent, floor)
            )
            found = z3.If(self.queued[e][t], joined, spent)
            self.solver.add(
                z3.Implies(stays, self.queued[e][t]),
                self.v[e][t] == z3.If(stays, before, found),
            )

    def longest_wait_ns(self) -> int:
        since, until = z3.Int("since"), z3.Int("until")
        waits = [z3.Bool(f"waits_{e}") for e in self.steps]
        arrivals, starts = [], []
        self.solver.add(z3.Not(waits[0]))
        for e in self.steps[1:]:
            arrives = z3.Bool(f"arrives_{e}")
            ran, was_queued = self.taken[e - 1][0], self.queued[e - 1][0]
            # Its turn ends, or it wakes right after the last choice.
            since_here = z3.If(ran, self.at[e], self.at[e - 1])
            comes = z3.And(self.queued[e][0], z3.Or(ran, z3.Not(was_queued)), since == since_here)
            start = z3.And(waits[e], self.taken[e][0])
            self.solver.add(
                z3.Implies(arrives, comes),
                waits[e] == z3.Or(arrives, z3.And(waits[e - 1], z3.Not(self.taken[e - 1][0]))),
                z3.Implies(start, until == self.at[e]),
            )
            arrivals.append(arrives)
            starts.append(start)
        self.solver.add(z3.PbEq([(a, 1) for a in arrivals], 1), z3.Or(*starts))
        longest = self.solver.maximize(until - since)
        assert self.solver.check() == z3.sat
        return int(self.solver.upper(longest).as_long())


def longest_wait_in_vtime_ns(instance: VtimeInstance) -> int:
    return Unrolled(instance).longest_wait_ns()
