"""The operations of docs/machine.md on one CPU's arbitration state, the only place with them.

Everything that is proved or refuted is about these; a test replaces one and sees a lemma fail.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

from schedlang.ir import nodes as ir
from schedlang.prover.terms import Term, greatest, integer, least

Binary = Callable[[Term, Term], Term]


@final
@dataclass(frozen=True, slots=True)
class Rules:
    """The operations of docs/machine.md on one CPU's state."""

    precedes: Callable[[Term, int, Term, int], Term]  # (due, position) of two overdue guards
    after_settled: Binary  # now, delay
    after_seen_empty: Binary  # now, delay
    share_settled: Binary  # due, cost
    share_started: Binary  # due, now
    share_seen_empty: Binary  # due, now
    lighter: Callable[[Term, int, Term, int], Term]  # (p, position) of two non-empty children
    rejoined: Binary  # p, V
    advanced: Binary  # V, p of the chosen child
    charged: Callable[[Term, Term, Term], Term]  # p, cost, V
    placed_turns_walk: bool  # whether a placed turn moves V
    stolen_turns_walk: bool | None  # whether a stolen turn does; None: nobody steals
    hands_on: bool  # whether a woken CPU that has chosen wakes the next one that can run something


def _oldest_first(due: Term, position: int, other_due: Term, other: int) -> Term:
    return due <= other_due if position < other else due < other_due


def _least_first(p: Term, position: int, other_p: Term, other: int) -> Term:
    return p <= other_p if position < other else p < other_p


DOCUMENTED = Rules(
    precedes=_oldest_first,
    after_settled=lambda now, delay: now + delay,
    after_seen_empty=lambda now, delay: now + delay,
    share_settled=lambda due, cost: due + cost,
    share_started=least,
    share_seen_empty=greatest,
    lighter=_least_first,
    rejoined=greatest,
    advanced=greatest,
    charged=lambda p, cost, v: least(p + cost, v + integer(ir.MAX_DEBT)),
    placed_turns_walk=True,
    stolen_turns_walk=True,
    hands_on=True,
)
