"""Three queues that stand for any number: what the lemmas about one turn are asked of.

A lemma about a guard names that guard and at most one more; one about a weighted node names at most
two of its children; and a turn serves one queue. Whatever a policy has besides, a turn is seen from
there as a turn of three queues whose tree can choose any of them. `docs/guarantees.md` ("Any number
of queues") has the argument; tests ask the same lemmas of whole policies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from schedlang.ir import nodes as ir
from schedlang.prover.arbiter import Arbitration, Guarded
from schedlang.prover.rules import Rules
from schedlang.prover.terms import Term, any_of
from schedlang.source import Span

FIRST, SECOND, THIRD = range(3)
_ANYWHERE = Span(0, 0)
LEAVES = tuple(ir.Leaf(queue, _ANYWHERE) for queue in (FIRST, SECOND, THIRD))
CHOICE = ir.Weighted(0, tuple(ir.Share(leaf, 1, 1) for leaf in LEAVES), _ANYWHERE)
"""A tree that can serve any of the three, from one state or another; it counts service in ns."""

Precedence = Callable[[Term, int, Term, int], Term]


def guard_roles(arbitration: Arbitration, guard: Guarded) -> tuple[Arbitration, Guarded]:
    """The guard in the first role, any other guard in the second, and a queue without one."""
    own = replace(guard, index=0, queue=FIRST)
    longest = max(arbitration.max_turn_ns)
    turn_ns = (arbitration.max_turn_ns[guard.queue], longest, longest)
    guards = (own, _any_guard(1, SECOND))
    return Arbitration(_in_any_order(arbitration.rules), CHOICE, guards, turn_ns), own


def child_roles(rules: Rules, guarded: tuple[int, ...]) -> Arbitration:
    """Three children of a weighted node as queues. One turn of theirs costs what the lemma says;
    any guard may serve those that are `guarded`.
    """
    guards = tuple(_any_guard(index, queue) for index, queue in enumerate(guarded))
    return Arbitration(_in_any_order(rules), CHOICE, guards, (ir.MAX_MAGNITUDE,) * len(LEAVES))


def strict_roles(rules: Rules) -> Arbitration:
    """Three children of a strict node as queues."""
    return Arbitration(rules, ir.Strict(LEAVES, _ANYWHERE), (), (1,) * len(LEAVES))


def choosing_roles(rules: Rules) -> dict[str, Arbitration]:
    """Three children of either kind of node, under the rules as they are: if among any three one
    goes first, then no three go in a circle, and among any number one goes first.
    """
    guards = tuple(_any_guard(queue, queue) for queue in (FIRST, SECOND, THIRD))
    beside = Arbitration(rules, CHOICE, guards, (1,) * len(LEAVES))
    return {"guards and a weighted node": beside, "a strict node": strict_roles(rules)}


def _any_guard(index: int, queue: int) -> Guarded:
    """A guard whose deadline before the turn is anything; after it nobody asks."""
    return Guarded(index, queue, is_share=False, low=1, high=1, name="another queue")


def _in_any_order(rules: Rules) -> Rules:
    """Which of two goes first if they are level depends on their positions, which are not known."""
    return replace(rules, precedes=_either(rules.precedes), lighter=_either(rules.lighter))


def _either(precedes: Precedence) -> Precedence:
    return lambda a, _i, b, _j: any_of((precedes(a, 0, b, 1), precedes(a, 1, b, 0)))
