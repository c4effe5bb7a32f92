"""Workloads by name: the shapes that come with schedc (`stdlib/workloads`), and files.

At the rim: it reads files. What is in them is `workload.format`'s concern.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from schedlang.diagnostics.model import Diagnostic, Repair
from schedlang.diagnostics.suggest import did_you_mean
from schedlang.files import read_policy
from schedlang.resources import data_root
from schedlang.source import Source
from schedlang.workload.format import parse_workload
from schedlang.workload.model import Workload

SUFFIX: Final = ".toml"


@final
@dataclass(frozen=True, slots=True)
class Loaded:
    """`workload` is None if there are diagnostics; they are about `source`, if there is one."""

    workload: Workload | None
    diagnostics: tuple[Diagnostic, ...] = ()
    source: Source | None = None


def shape_names() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in _folder().glob(f"*{SUFFIX}")))


def load_workload(name_or_path: str) -> Loaded:
    """A shape by its name, or the file at a path: what has a `/` or ends in `.toml`."""
    if "/" not in name_or_path and not name_or_path.endswith(SUFFIX):
        if name_or_path not in shape_names():
            return Loaded(None, (_unknown(name_or_path),))
        name_or_path = str(_folder() / f"{name_or_path}{SUFFIX}")
    source = read_policy(name_or_path)
    if isinstance(source, Diagnostic):
        return Loaded(None, (source,))
    found = parse_workload(source, _name_of(name_or_path))
    if isinstance(found, Workload):
        return Loaded(found, (), source)
    return Loaded(None, found, source)


def _folder() -> Path:
    return data_root("stdlib") / "workloads"


def _name_of(path: str) -> str:
    """The file's name without its suffix, made a name."""
    stem = re.sub(r"[^A-Za-z0-9_.-]", "_", Path(path).stem)
    return f"w{stem}"[:32] if not stem[:1].isalpha() else stem[:32]


def _unknown(name: str) -> Diagnostic:
    names = shape_names()
    near = did_you_mean(name, names)
    known = f"did you mean `{near}`?" if near else f"shapes: {', '.join(names)}"
    path = f"a file is named by a path: `./{name}`"
    message = f"there is no workload `{name}`"
    return Diagnostic("E0705", message, notes=(path,), repairs=(Repair(known),))
