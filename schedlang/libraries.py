"""Where libraries are found: beside the policy, in folders that the user names, in the package.

At the rim: it reads files. `std` is the package's own and cannot be replaced by a folder of that
name; of two files for one library the first in that order is the one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from schedlang.diagnostics.model import Diagnostic
from schedlang.files import STDIN, read_policy
from schedlang.semantics import standard
from schedlang.semantics.standard import STANDARD, SUFFIX
from schedlang.source import Source

_NAME: Final = re.compile(r"[a-z_][a-z0-9_]*")
_MOST_SUGGESTED: Final = 100


@final
@dataclass(frozen=True, slots=True)
class Folders:
    """The shelf that has `std`, and what lies in `folders`: `web.classes` is web/classes.sched."""

    folders: tuple[Path, ...]

    def find(self, path: tuple[str, ...]) -> Source | Diagnostic | None:
        if path[0] == standard.NAME:
            return STANDARD.find(path)
        file = next((file for file in self._files(path) if file.exists()), None)
        return None if file is None else read_policy(str(file))

    def near(self, path: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
        neighbours = (name for folder in self.folders for name in _inside(folder, path[:-1]))
        return (*STANDARD.near(path), *neighbours)

    def places(self, path: tuple[str, ...]) -> tuple[str, ...]:
        return () if path[0] == standard.NAME else tuple(map(str, self._files(path)))

    def _files(self, path: tuple[str, ...]) -> Iterator[Path]:
        return (folder.joinpath(*path).with_suffix(SUFFIX) for folder in self.folders)


def shelf_for(policy: str, folders: tuple[Path, ...]) -> Folders:
    """What the policy in the file `policy` can use. Standard input lies in the current folder."""
    beside = Path() if policy == STDIN else Path(policy).parent
    return Folders((beside, *folders))


def _inside(folder: Path, parents: tuple[str, ...]) -> list[tuple[str, ...]]:
    files = sorted(folder.joinpath(*parents).glob(f"*{SUFFIX}"))[:_MOST_SUGGESTED]
    return [(*parents, file.stem) for file in files if _NAME.fullmatch(file.stem)]
