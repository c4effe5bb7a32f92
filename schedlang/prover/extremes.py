"""The greatest value that a term can have, by asking the solver again and again.

It is only looked for here: whoever uses it has the solver prove it on record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from schedlang.prover.solver import Decision, Effort, Model, decide
from schedlang.prover.terms import Term, integer, script, variable

FAR = 2**45
"""Beyond this nothing is looked for: 9.8 hours, where the term is a time."""

PRECISION = 2**14
MOST_QUERIES = 64
FIRST_STRIDE = 1024
_FOUND = variable("found")


@final
@dataclass(frozen=True, slots=True)
class Beyond:
    """The term can be greater than `FAR`, as here."""

    model: Model


def supremum(
    constraints: Sequence[Term], term: Term, guess: int, effort: Effort
) -> int | Beyond | None:
    """At least the greatest value of the term, and hardly greater if the solver always answers;
    -FAR if there is none as great. None if the solver does not even confirm that it is at most FAR.
    """
    query = _Query((*constraints, _FOUND.equals(term)), effort)
    guess = min(max(guess, -FAR), FAR)
    low, high = -FAR, guess
    answer = query.above(guess)
    if answer.answer != "unsat":
        low, high = answer.model.get(_FOUND.text, guess + 1), FAR
        far = query.above(FAR)
        if far.answer != "unsat":
            return Beyond(far.model) if far.answer == "sat" else None
    elif query.above(guess - 1).answer == "sat":
        return guess
    return _between(query, low, high)


def _between(query: _Query, low: int, high: int) -> int:
    """Nothing is above `high`; below `low` nothing is tried. Models tend to be extremes, so that
    what lies just above the last one is tried first."""
    stride = 0
    for _ in range(MOST_QUERIES):
        if high - low <= max(abs(high), abs(low)) // PRECISION:
            break
        middle = min(low + stride, (low + high) // 2)
        answer = query.above(middle)
        if answer.answer == "unsat":
            high = middle
        else:
            low = answer.model.get(_FOUND.text, middle + 1)
            stride = max(FIRST_STRIDE, stride * 8)
    return high


@final
@dataclass(frozen=True, slots=True)
class _Query:
    known: tuple[Term, ...]
    effort: Effort

    def above(self, value: int) -> Decision:
        return decide(script((*self.known, integer(value) < _FOUND)), self.effort.rlimit // 10)
