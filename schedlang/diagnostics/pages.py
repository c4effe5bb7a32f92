"""The explain pages: one Markdown file per code in `explain/`, and the registry as their index.

`python -m schedlang.diagnostics.pages > docs/errors/README.md` writes the index anew.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.resources import files

from schedlang.diagnostics.codes import CODES, Phase

_HEAD = """\
# Codes

Generated from the registry (`schedlang/diagnostics/codes.py`); do not edit. A code never changes
its meaning. `schedc explain CODE` prints a code's page.
"""


def page(code: str) -> str:
    """The page of a code of the registry."""
    return (files("schedlang.diagnostics") / "explain" / f"{code}.md").read_text("utf-8")


def index() -> str:
    """The table of all codes, by phase, each linked to its page."""
    return "\n".join((_HEAD, *(line for phase in Phase for line in _section(phase))))


def _section(phase: Phase) -> Iterator[str]:
    yield f"## {phase.value[0].upper()}{phase.value[1:]}\n"
    yield "| Code | Meaning |"
    yield "|---|---|"
    for entry in CODES.values():
        if entry.phase is phase:
            link = f"../../schedlang/diagnostics/explain/{entry.code}.md"
            yield f"| [{entry.code}]({link}) | {entry.title} |"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(index())
