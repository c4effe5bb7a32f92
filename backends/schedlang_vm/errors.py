"""The one exception of this package: something that the machine lacks, and its remedy."""

from __future__ import annotations

from typing import Final

SETUP_COMMAND: Final = "make setup"


class EnvironmentProblem(Exception):
    """What is missing or unfit on this machine, and the command or step that mends it."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what} (remedy: {remedy})")
        self.what = what
        self.remedy = remedy
