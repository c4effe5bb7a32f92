"""The library that comes with the package, `std`: read as the grammar is, and never replaced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

from schedlang.resources import data_root
from schedlang.source import Source

NAME: Final = "std"
SUFFIX: Final = ".sched"


@final
@dataclass(frozen=True, slots=True)
class Standard:
    """The shelf that has `std` and nothing else."""

    def find(self, path: tuple[str, ...]) -> Source | None:
        if path not in self.near(path):
            return None
        file = data_root("stdlib") / f"{path[1]}{SUFFIX}"
        return Source(f"{NAME}/{path[1]}{SUFFIX}", file.read_text(encoding="utf-8"))

    def near(self, path: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:  # noqa: ARG002 - a Shelf
        files = sorted(data_root("stdlib").glob(f"*{SUFFIX}"))
        return tuple((NAME, file.stem) for file in files)

    def places(self, path: tuple[str, ...]) -> tuple[str, ...]:  # noqa: ARG002 - a Shelf
        return ()


STANDARD: Final = Standard()
