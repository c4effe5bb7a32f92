"""Collects lines of a C function; those that come from the policy cite their place in it.

INVARIANT: a compiler that follows the `#line` directives attributes every line added with `at` to
the policy's own line, and every line added with `own` to the generated file.
"""

from __future__ import annotations

from typing import Final

from schedlang.source import Sources, Span
from schedlang_bpf.text import line_of, source_labels
from schedlang_bpf.views import Line

RESUME: Final = "#line @resume"


class Code:
    """Grows by `at` and `own`; starts in the generated file."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._labels = source_labels(sources)
        self._lines: list[Line] = []
        self._next: tuple[str, int] | None = None

    def at(self, span: Span, text: str) -> None:
        """A line that stands for what the policy says at `span`."""
        label, number = self._labels[span.file], line_of(span, self._sources)
        fits = self._next == (label, number)
        directive = "" if fits else f'#line {number} "{label}"'
        self._lines.append(Line(text, directive))
        self._next = (label, number + 1)

    def own(self, text: str) -> None:
        """A line that the policy did not ask for."""
        self._lines.append(Line(text, RESUME if self._next else ""))
        self._next = None

    def lines(self) -> tuple[Line, ...]:
        return tuple(self._lines)
