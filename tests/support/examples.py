"""The policies of `examples/` but those that are wrong on purpose (`examples/refuted`).

`strict_priority` starves its second queue on purpose, too; it is refused, and shows how.
"""

from __future__ import annotations

from pathlib import Path

from schedlang.resources import data_root

ROOT = data_root("examples")
DESIGNS = sorted((ROOT / "designs").glob("*.sched"))
JOBS = sorted((ROOT / "jobs").glob("*.sched"))
FIRST = sorted(ROOT.glob("*.sched"))
EXAMPLES = [*FIRST, *DESIGNS, *JOBS]


def title(path: Path) -> str:
    """`designs/qmap`: a test's name for the example."""
    return path.relative_to(ROOT).with_suffix("").as_posix()
