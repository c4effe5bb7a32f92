"""Policy text and places in it. Every node and every diagnostic carries a `Span`."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import final


@final
@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Half-open range of character offsets, `start <= end`, into the text of source `file`.

    File 0 is the policy itself; the others are the library modules it uses, in the order in which
    they were loaded (`Sources`).
    """

    start: int
    end: int
    file: int = 0

    def to(self, other: Span) -> Span:
        """The least span that covers both, which must be of one file."""
        return Span(min(self.start, other.start), max(self.end, other.end), self.file)


@final
@dataclass(frozen=True, slots=True)
class Position:
    """A place as people count: line and column from 1, column in characters."""

    line: int
    column: int


@final
@dataclass(frozen=True, slots=True)
class Source:
    """A policy's text and the name by which diagnostics call it."""

    name: str
    text: str
    _line_starts: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        starts = (0, *(i + 1 for i, char in enumerate(self.text) if char == "\n"))
        object.__setattr__(self, "_line_starts", starts)

    def position(self, offset: int) -> Position:
        line = bisect_right(self._line_starts, offset)
        return Position(line, offset - self._line_starts[line - 1] + 1)

    def line(self, span: Span) -> int:
        """The number, from 1, of the line on which `span` starts."""
        return self.position(span.start).line

    def line_text(self, number: int) -> str:
        """Line `number`, counted from 1, without its line end."""
        start = self._line_starts[number - 1]
        end = self.text.find("\n", start)
        return self.text[start:] if end < 0 else self.text[start:end]

    def excerpt(self, span: Span) -> str:
        return self.text[span.start : span.end]

    def byte_offset(self, offset: int) -> int:
        """The offset of a character in the text's UTF-8 form."""
        return len(self.text[:offset].encode())


Sources = tuple[Source, ...]
