"""One long line as several, broken where the text is nested least."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, final

WIDTH: Final = 100
_STEP = "    "
_WORD = re.compile(r'(?:"[^"\n]*"|[^\s"])+')
_BREAKS_BEFORE = frozenset(
    (
        *("or", "and", "then", "else", "when", "because", "in", "->", "="),
        *("+", "-", "*", "/", "<", "<=", ">", ">=", "==", "!="),
    )
)


@final
@dataclass(frozen=True, slots=True)
class Word:
    """`text` with the white space before it. `cost` of a break before it, None if there is none."""

    gap: str
    text: str
    cost: int | None


def wrap(text: str, indent: str) -> list[str]:
    """The lines of `text`, at most `WIDTH` wide if its words allow. Continuations are indented."""
    words = list(_words(text))
    lines: list[str] = []
    prefix = indent
    while words:
        count = len(words) if _fits(prefix, words) else _break(prefix, words)
        lines.append(
            prefix + "".join(w.gap * (n > 0) + w.text for n, w in enumerate(words[:count]))
        )
        words = words[count:]
        prefix = indent + _STEP
    return lines


def _fits(prefix: str, words: list[Word]) -> bool:
    return len(prefix) + sum(len(word.gap) + len(word.text) for word in words) <= WIDTH


def _break(prefix: str, words: list[Word]) -> int:
    """How many words the first line takes."""
    length = len(prefix) + len(words[0].text)
    best: tuple[int, int] | None = None
    for number, word in enumerate(words[1:], 1):
        if word.cost is not None and (length <= WIDTH or best is None):
            best = min(best or (word.cost, -number), (word.cost, -number))
        length += len(word.gap) + len(word.text)
        if length > WIDTH and best is not None:
            break
    return -best[1] if best else len(words)


def _words(text: str) -> list[Word]:
    words: list[Word] = []
    end = depth = 0
    for found in _WORD.finditer(text):
        word = found.group()
        after_comma = bool(words) and words[-1].text.endswith(",")
        may_break = after_comma or word in _BREAKS_BEFORE
        words.append(Word(text[end : found.start()], word, depth if may_break else None))
        outside = re.sub(r'"[^"\n]*"', "", word)
        depth += sum(map(outside.count, "({")) - sum(map(outside.count, ")}"))
        end = found.end()
    return words
