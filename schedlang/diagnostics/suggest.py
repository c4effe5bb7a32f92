"""Did you mean: the candidate that a misspelt name most likely stands for."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

_LIKENESS = 0.6
_LONGEST = 64


def did_you_mean(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate nearest to `name`, or None if none is near. Ties go to the lesser name."""
    wanted = name[:_LONGEST].casefold()
    nearest: str | None = None
    best = _LIKENESS
    for candidate in sorted(set(candidates)):
        likeness = _likeness(wanted, candidate.casefold())
        if likeness > best:
            nearest, best = candidate, likeness
    return nearest


def _likeness(wanted: str, candidate: str) -> float:
    if sorted(wanted) == sorted(candidate) and wanted:
        return 0.95 if wanted != candidate else 1.0  # transposed letters
    return SequenceMatcher(None, wanted, candidate, autojunk=False).ratio()
