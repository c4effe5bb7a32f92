"""A policy's arbitration in numbers: longest turns and the ranges of guards.

Slices, delays and shares are expressions over params, and a param may change at any time; what is
taken for them are the type checker's intervals, which the solver confirms (`intervals`).
"""

from __future__ import annotations

from dataclasses import replace

from schedlang.ir import nodes as ir
from schedlang.machine.evaluate import constant_values
from schedlang.prover.arbiter import Arbitration, Guarded
from schedlang.prover.routing import without
from schedlang.prover.rules import Rules
from schedlang.prover.trees import tree_of_first_cpu

TICK_NS = 4_000_000
"""How late the tick may end a turn unless a claim assumes otherwise: one tick at 250 Hz."""


def quantity(guard: ir.Guard) -> ir.Expr:
    return guard.delay if isinstance(guard, ir.GuardAfter) else guard.share


def arbitration_of(
    policy: ir.Policy,
    rules: Rules,
    tick_ns: int,
    unused: frozenset[int] = frozenset(),
    serve: ir.Serve | None = None,
) -> Arbitration:
    """For all values of the params, and turns that the tick may end late; of CPUs that have this
    tree, or else the default one. Queues in `unused` are empty, and not in the tree.
    """
    guards = []
    for index, guard in enumerate(policy.guards):
        interval = quantity(guard).range
        assert interval is not None
        is_share = isinstance(guard, ir.GuardShare)
        name = policy.queues[guard.queue].name
        guards.append(Guarded(index, guard.queue, is_share, interval.lo, interval.hi, name))
    longest = tuple(slice_range(queue).hi + tick_ns for queue in policy.queues)
    if not any(queue.is_reachable for queue in policy.queues):
        rules = replace(rules, stolen_turns_walk=None)
    cut = cut_turns(policy, longest, tick_ns) if policy.preemptions else ()
    tree, cpus = policy.serve, None
    if serve is not None:
        tree = serve.tree
        cpus = None if serve.cpus is None else policy.cpusets[serve.cpus].name
    return Arbitration(rules, without(tree, unused), tuple(guards), longest, cut, cpus)


def cut_turns(
    policy: ir.Policy, longest_ns: tuple[int, ...], tick_ns: int
) -> tuple[tuple[int, ...], ...]:
    """By the rules of `preempt`: for each queue, how long the turns of each last at most on a CPU
    while a task of the first waits for it, if the CPU is chosen for that (docs/guarantees.md)."""
    return tuple(
        tuple(
            min(longest, _cut_ns(policy, by, over, longest) + tick_ns)
            for over, longest in enumerate(longest_ns)
        )
        for by in range(len(policy.queues))
    )


def _cut_ns(policy: ir.Policy, by: int, over: int, longest_ns: int) -> int:
    # A thief that is woken for a task spares those that run beside it a cut.
    if policy.queues[by].is_reachable:
        return longest_ns
    rules = (r for r in policy.preemptions if (r.by, r.over) == (by, over) and not r.earlier)
    ranges = [rule.after.range for rule in rules]
    return max((r.hi if r is not None else longest_ns for r in ranges), default=longest_ns)


def concrete_arbitration(policy: ir.Policy, rules: Rules, params: tuple[int, ...]) -> Arbitration:
    """For these values of the params, and turns that every slice of a queue allows; of the CPU on
    which runs are played."""
    values = constant_values([quantity(guard) for guard in policy.guards], params)
    guards = []
    for index, (guard, value) in enumerate(zip(policy.guards, values, strict=True)):
        name, is_share = policy.queues[guard.queue].name, isinstance(guard, ir.GuardShare)
        guards.append(Guarded(index, guard.queue, is_share, value, value, name))
    turns = tuple(slice_range(queue).lo for queue in policy.queues)
    tree = without(tree_of_first_cpu(policy), frozenset())
    return Arbitration(rules, tree, tuple(guards), turns)


def slice_range(queue: ir.Queue) -> ir.Interval:
    interval = queue.slice.range
    assert interval is not None
    return ir.Interval(
        min(max(interval.lo, 1), ir.MAX_SLICE_NS), min(max(interval.hi, 1), ir.MAX_SLICE_NS)
    )
