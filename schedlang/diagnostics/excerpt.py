"""Excerpts of a policy with marks under them: the middle of a rendered diagnostic.

Pure. A line longer than a terminal is cut around its marks; a span over several lines is marked
on its first and says where it ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, final

from schedlang.diagnostics.model import Label
from schedlang.diagnostics.printable import cell, printable, width
from schedlang.source import Source, Span

_WINDOW: Final = 100
_BEFORE: Final = 30
_CUT: Final = "…"


@final
@dataclass(frozen=True, slots=True)
class Mark:
    """Characters `start..end` of line `line`, counted from 0, and what is said of them."""

    line: int
    start: int
    end: int
    text: str
    is_primary: bool


@final
@dataclass(frozen=True, slots=True)
class Row:
    """One line of an excerpt. `number` is the policy's line, None under it; `mark` colours it."""

    number: int | None
    text: str
    mark: Mark | None = None


def place(source: Source, label: Label, is_primary: bool) -> Mark:
    """Where `label` stands in its first line. An empty span marks one character."""
    start, end = label.span.start, label.span.end
    position = source.position(start)
    column = position.column - 1
    last_line = source.position(max(start, end - 1)).line
    text = label.text
    if last_line > position.line:
        text = f"{text} (up to line {last_line})".strip()
        end = start + len(source.line_text(position.line)) - column
    return Mark(position.line, column, column + max(end - start, 1), text, is_primary)


def excerpt(source: Source, marks: list[Mark]) -> Iterator[Row | None]:
    """The rows of an excerpt of `source`; None stands for lines left out."""
    previous: int | None = None
    for number in sorted({mark.line for mark in marks}):
        if previous is not None and number > previous + 1:
            yield None
        here = sorted((m for m in marks if m.line == number), key=lambda m: m.start)
        yield from _line(number, source.line_text(number).rstrip("\r"), here)
        previous = number


def _line(number: int, text: str, marks: list[Mark]) -> Iterator[Row]:
    while marks:
        first, last = _window(text, marks[0])
        fitting = [m for m in marks if m is marks[0] or (m.start >= first and m.end <= last)]
        marks = [m for m in marks if m not in fitting]
        shown = printable(text[first:last])
        head, tail = (_CUT if first else ""), (_CUT if last < len(text) else "")
        yield Row(number, f"{head}{shown}{tail}")
        for mark in fitting:
            yield Row(None, " " * len(head) + _under(text, first, last, mark), mark)


def _window(text: str, mark: Mark) -> tuple[int, int]:
    """The part of the line that is shown, as character offsets."""
    if sum(len(cell(char)) for char in text[: 4 * _WINDOW]) <= _WINDOW and len(text) <= _WINDOW:
        return 0, len(text)
    first = max(0, mark.start - _BEFORE)
    last, room = first, _WINDOW
    while last < len(text) and room > 0:
        room -= width(cell(text[last]))
        last += 1
    return first, last


def _under(text: str, first: int, last: int, mark: Mark) -> str:
    before = width(printable(text[first : mark.start]))
    marked = width(printable(text[mark.start : min(mark.end, last)]))
    sign = "^" if mark.is_primary else "-"
    return f"{' ' * before}{sign * max(marked, 1)} {printable(mark.text)}".rstrip()


def edited_lines(source: Source, edits: list[tuple[Span, str]]) -> tuple[int, list[str], list[str]]:
    """The lines that `edits`, of this one source, touch: first line's number, before, after."""
    edits = sorted(edits, key=lambda edit: edit[0])
    position = source.position(edits[0][0].start)
    start = edits[0][0].start - position.column + 1
    end = source.text.find("\n", max(span.end for span, _ in edits))
    end = len(source.text) if end < 0 else end
    before = source.text[start:end]
    after, at = "", start
    for span, text in edits:
        after += source.text[at : span.start] + text
        at = max(at, span.end)
    after += source.text[at:end]
    return position.line, before.split("\n"), after.split("\n")
