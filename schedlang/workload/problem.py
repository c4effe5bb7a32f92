"""What is wrong with a workload, and where, by numbers: who has its text makes places of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, slots=True)
class Problem:
    """`group` is an index, None: the workload as a whole. `phase` counts the group's phases, loops
    before what is in them, as `numbered` does; None: the group as a whole.
    """

    code: str
    message: str
    help: str
    group: int | None = None
    phase: int | None = None
