"""Edits of a policy after which what was refuted is proved.

An edit is offered only if the policy with it was proved, and no queue lost its proof.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from schedlang.diagnostics.model import Edit, Repair
from schedlang.ir import nodes as ir
from schedlang.prover.setting import quantity
from schedlang.prover.solver import Ledger
from schedlang.prover.starvation import Ground, ground, prove_starvation_free
from schedlang.prover.verdict import Proved
from schedlang.prover.wait import duration
from schedlang.source import Span

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
            end = max(node.span.end for node in (on.policy.serve, *on.policy.guards))
            place = Span(end, end, on.policy.serve.span.file)
            return Repair(f"add `{words}`", (Edit(place, f"\n{words}"),))
    return None


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
