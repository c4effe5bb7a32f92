"""Comments given to the pieces that they speak of. Keeps every comment, and their order."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import final

from schedlang.syntax.pieces import Piece
from schedlang.syntax.scan import Comment

_BLANK_LINE = re.compile(r"\n[ \t\r\f]*\n")


@final
@dataclass(frozen=True, slots=True)
class Note:
    """A comment on a line of its own. `has_gap` tells of an empty line before it."""

    text: str
    has_gap: bool


@final
@dataclass(frozen=True, slots=True)
class Item:
    """A piece with the comments above it, beside its end, and beside its opening brace.

    `has_gap` tells of an empty line right before the piece. The comments that end a block are an
    item without a piece.
    """

    piece: Piece | None
    notes: tuple[Note, ...]
    has_gap: bool
    beside: str | None = None
    opening: str | None = None
    children: tuple[Item, ...] = ()

    @property
    def is_quiet(self) -> bool:
        """Whether there is no comment in it or above it."""
        spoken = self.notes or self.beside or self.opening
        return not spoken and all(child.is_quiet for child in self.children)


def attach(text: str, pieces: Sequence[Piece], comments: Iterator[Comment]) -> tuple[Item, ...]:
    return tuple(_Attacher(text, deque(comments)).items(pieces, 0, len(text)))


@final
class _Attacher:
    def __init__(self, text: str, comments: deque[Comment]) -> None:
        self._text = text
        self._comments = comments
        self._at = 0

    def items(self, pieces: Sequence[Piece], start: int, end: int) -> Iterator[Item]:
        self._at = start
        for piece, following in pairwise((*pieces, None)):
            assert piece is not None
            yield self._item(piece, end if following is None else following.span.start)
        if notes := tuple(self._notes(end)):
            yield Item(None, notes, has_gap=False)

    def _item(self, piece: Piece, end: int) -> Item:
        notes = tuple(self._notes(piece.span.start))
        has_gap = self._gap(piece.span.start)
        if piece.head is None:
            inner = tuple(self._notes(piece.span.end))
            if inner:
                # A line has no room for comments in its middle: they go above it.
                notes += (Note(inner[0].text, has_gap), *(Note(n.text, False) for n in inner[1:]))
                has_gap = False
            self._at = piece.span.end
            return Item(piece, notes, has_gap, self._beside(end))
        first = piece.children[0].span.start if piece.children else piece.span.end
        opening = self._opening(piece.span.start, first)
        children = tuple(self.items(piece.children, self._at, piece.span.end))
        self._at = piece.span.end
        return Item(piece, notes, has_gap, self._beside(end), opening, children)

    def _notes(self, end: int) -> Iterator[Note]:
        while self._comments and self._comments[0].start < end:
            comment = self._comments.popleft()
            has_gap = self._gap(comment.start)
            self._at = comment.start + len(comment.text)
            yield Note(comment.text, has_gap)

    def _beside(self, end: int) -> str | None:
        """The comment that begins on the line on which the last piece ended."""
        return self._take(end) if self._same_line(self._at, end) else None

    def _opening(self, start: int, end: int) -> str | None:
        """The first comment of a block, if it does not begin its line."""
        self._at = start
        if not self._comments:
            return None
        line = self._text.rfind("\n", 0, self._comments[0].start) + 1
        begins_line = not self._text[line : self._comments[0].start].strip()
        return None if begins_line else self._take(end)

    def _same_line(self, start: int, end: int) -> bool:
        if not self._comments or self._comments[0].start >= end:
            return False
        return "\n" not in self._text[start : self._comments[0].start]

    def _take(self, end: int) -> str | None:
        if not self._comments or self._comments[0].start >= end:
            return None
        comment = self._comments.popleft()
        self._at = comment.start + len(comment.text)
        return comment.text

    def _gap(self, end: int) -> bool:
        return _BLANK_LINE.search(self._text, self._at, end) is not None
