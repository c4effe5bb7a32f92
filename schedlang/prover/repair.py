"""Edits of a policy after which what was refuted is proved.

An edit is offered only if the policy with it was proved, and no queue lost its proof.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from schedlang.diagnostics.model import Edit, Repair
from schedlang.ir import nodes as ir
from schedlang.prover.claims import prove_claim
from schedlang.prover.setting import quantity
from schedlang.prover.solver import Ledger
from schedlang.prover.starvation import Ground, ground, prove_starvation_free
from schedlang.prover.verdict import Proved
from schedlang.source import Span
from schedlang.units import duration

GUARD_SHARE = 5
GUARD_DELAYS_NS = (100_000_000, 1_000_000_000)


def guard_repair(on: Ground, queue: int) -> Repair | None:
    """A guard that keeps the queue from starving."""
    if any(guard.queue == queue for guard in on.policy.guards):
        return None
    proved = [q for q in on.arbitration.queues if _is_proved(on, q)]
    for guard, words in _guards(on.policy, queue):
        mended = replace(on.policy, guards=(*on.policy.guards, guard))
        after = ground(mended, on.rules, on.effort, on.tick_ns)
        if all(_is_proved(after, q) for q in (*proved, queue)):
            return Repair(f"add `{words}`", (_added(on.policy, words),))
    return None


def bound_repair(on: Ground, goal: ir.Goal) -> Repair | None:
    """The tightest bound that is proved, rounded up to be written."""
    assert goal.bound is not None
    longest = _constant(ir.Type.DURATION, ir.MAX_MAGNITUDE, goal.bound.span)
    verdict, _ = prove_claim(on, replace(goal, bound=longest))
    if not isinstance(verdict, Proved) or verdict.bound is None:
        return None
    value_ns, text = _written(verdict.bound.value_ns)
    return _with_bound(on, goal, _constant(ir.Type.DURATION, value_ns, goal.bound.span), text)


def share_repair(on: Ground, goal: ir.Goal) -> Repair | None:
    """A guard that gives the share, or the greatest share that is proved as it is."""
    assert goal.bound is not None
    assert goal.bound.range is not None
    percent = goal.bound.range.hi
    proved = [q for q in on.arbitration.queues if _is_proved(on, q)]
    for share in (percent, percent + 1, percent + 5):
        found = _with_share(on, goal.queues[0], share)
        if found is not None:
            mended, repair = found
            after = ground(mended, on.rules, on.effort, on.tick_ns)
            verdict, _ = prove_claim(after, goal)
            if isinstance(verdict, Proved) and all(_is_proved(after, q) for q in proved):
                return repair
    for share in reversed(range(1, percent)):
        bound = _constant(ir.Type.SHARE, share, goal.bound.span)
        lower = _with_bound(on, goal, bound, f"{share}%")
        if lower is not None:
            return lower
    return None


def _with_bound(on: Ground, goal: ir.Goal, bound: ir.Const, text: str) -> Repair | None:
    assert goal.bound is not None
    verdict, _ = prove_claim(on, replace(goal, bound=bound))
    if not isinstance(verdict, Proved):
        return None
    span = goal.bound.span
    old = on.policy.sources[span.file].excerpt(span)
    return Repair(f"replace `{old}` by `{text}`", (Edit(span, text),))


def _with_share(on: Ground, queue: int, percent: int) -> tuple[ir.Policy, Repair] | None:
    """The policy with a guard of that share on the queue; None if there is no room for it."""
    policy, own = on.policy, next((g for g in on.policy.guards if g.queue == queue), None)
    others = [g for g in policy.guards if isinstance(g, ir.GuardShare) and g is not own]
    if sum(map(_most, others)) + percent >= 100:
        return None
    words = f"guard {policy.queues[queue].name} at least {percent}%"
    guard = ir.GuardShare(
        queue, _constant(ir.Type.SHARE, percent, policy.serve.span), policy.serve.span
    )
    if own is None:
        mended = replace(policy, guards=(*policy.guards, guard))
        return mended, Repair(f"add `{words}`", (_added(policy, words),))
    mended = replace(policy, guards=tuple(guard if g is own else g for g in policy.guards))
    old = " ".join(policy.sources[own.span.file].excerpt(own.span).split())
    return mended, Repair(f"replace `{old}` by `{words}`", (Edit(own.span, words),))


def _added(policy: ir.Policy, words: str) -> Edit:
    """A line of its own after the tree and its guards."""
    end = max(node.span.end for node in (policy.serve, *policy.guards))
    return Edit(Span(end, end, policy.serve.span.file), f"\n{words}")


def _written(ns: int) -> tuple[int, str]:
    """A duration as the language writes it, rounded up by a hundredth at most."""
    for unit, size in (("s", 10**9), ("ms", 10**6), ("us", 10**3)):
        count = -(-ns // size)
        if (count * size - ns) * 100 <= ns:
            return count * size, f"{count}{unit}"
    return ns, f"{ns}ns"


def _is_proved(on: Ground, queue: int) -> bool:
    return isinstance(prove_starvation_free(on, queue, Ledger(on.effort)), Proved)


def _guards(policy: ir.Policy, queue: int) -> Iterator[tuple[ir.Guard, str]]:
    name, span = policy.queues[queue].name, policy.serve.span
    taken = sum(_most(guard) for guard in policy.guards if isinstance(guard, ir.GuardShare))
    if taken + GUARD_SHARE < 100:
        share = _constant(ir.Type.SHARE, GUARD_SHARE, span)
        yield ir.GuardShare(queue, share, span), f"guard {name} at least {GUARD_SHARE}%"
    for delay_ns in GUARD_DELAYS_NS:
        delay = _constant(ir.Type.DURATION, delay_ns, span)
        yield ir.GuardAfter(queue, delay, span), f"guard {name} after {duration(delay_ns)}"


def _most(guard: ir.Guard) -> int:
    interval = quantity(guard).range
    assert interval is not None
    return interval.hi


def _constant(kind: ir.Type, value: int, span: Span) -> ir.Const:
    return ir.Const(kind, ir.Interval(value, value), span, value)
