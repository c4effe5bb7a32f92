"""What can be said of a text without parsing it: its comments, its blocks, its declarations.

Below the parser's recovery and the formatter. Reads strings and comments as the grammar does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

from schedlang.syntax.words import DECLARATIONS, LATER_DECLARATIONS

_PIECE = re.compile(r'"[^"\n]*"|#[^\n]*|[{}]')
_ALWAYS_HEADS = "|".join(word for word in (*DECLARATIONS, *LATER_DECLARATIONS) if word != "order")
_HEAD = re.compile(
    # `order` alone at a line's start may be a clause of a queue.
    rf"^[ \t]*((?:{_ALWAYS_HEADS})\b|(?<![ \t])order\b|order\s+\w+\s*(?:\([^(){{}}]*\)\s*)?(?={{))",
    re.MULTILINE,
)


@final
@dataclass(frozen=True, slots=True)
class Comment:
    """`text` begins with `#` and has no white space at its end."""

    start: int
    text: str


def comments(text: str) -> Iterator[Comment]:
    for piece in _PIECE.finditer(text):
        if piece.group().startswith("#"):
            yield Comment(piece.start(), piece.group().rstrip())


def open_brace(text: str, end: int) -> int | None:
    """Where the innermost block that is still open at `end` was opened."""
    opened: list[int] = []
    for piece in _PIECE.finditer(text, 0, end):
        if piece.group() == "{":
            opened.append(piece.start())
        elif piece.group() == "}" and opened:
            opened.pop()
    return opened[-1] if opened else None


def declaration_heads(text: str) -> list[int]:
    """Where declarations begin, judged by the first words of lines."""
    return [match.start(1) for match in _HEAD.finditer(text)]
