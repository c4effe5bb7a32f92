"""Where and on what the parser stopped, and what is said of it.

`spelling` and `slips` recognise in a `Stumble` what was meant.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import final

from schedlang.diagnostics.model import Edit, Repair
from schedlang.source import Span
from schedlang.syntax.words import FORMS, OPERANDS, OPERATORS

_WORD = re.compile(r"[A-Za-z_0-9]+|[^A-Za-z_0-9]")
_LAST_WORD = re.compile(r'("[^"\n]*"|\w+|->|\S)\s*\Z')
_PLAIN = re.compile(r'"[^"\n]*"|#[^\n]*|\w+')
_LOOK = 200
_FAR = 5_000
_SHOWN = 40


@final
@dataclass(frozen=True, slots=True)
class Slip:
    """What was meant. `label` is what to write there, the expectation of the parser if empty."""

    message: str
    label: str = ""
    note: str | None = None
    repair: Repair | None = None
    code: str = "E0101"


@final
@dataclass(frozen=True, slots=True)
class Stumble:
    """The first word that cannot stand where it is, and the terminals that could."""

    text: str
    start: int
    file: int
    word: str
    expected: frozenset[str]

    @property
    def shown(self) -> str:
        word = self.word
        return word if len(word) <= _SHOWN else f"{word[:_SHOWN]}..."

    @property
    def ahead(self) -> str:
        """What follows, from the word on."""
        return self.text[self.start : self.start + _LOOK]

    @property
    def behind(self) -> str:
        """What precedes, without white space at its end. A comment in it counts as text."""
        return self.text[max(0, self.start - _LOOK) : self.start].rstrip()

    @property
    def last_word(self) -> str:
        match = _LAST_WORD.search(self.behind)
        return match.group(1) if match else ""

    @property
    def wants_operator(self) -> bool:
        """Whether an expression is just complete."""
        return len(self.expected & OPERATORS) > 2

    @property
    def wants_operand(self) -> bool:
        return len(self.expected & OPERANDS) > 4

    @property
    def construct(self) -> str:
        """The last word before that begins a form of the language. Empty if there is none."""
        before = self.text[max(0, self.start - _FAR) : self.start]
        words = [word for word in _PLAIN.findall(before) if word in FORMS]
        return words[-1] if words else ""

    @property
    def form(self) -> str | None:
        """How what the parser was in is written, None if it may be over."""
        line = self.text[self.text.rfind("\n", 0, self.start) + 1 : self.start]
        may_be_over = "QUEUE" in self.expected and not line.strip()
        return None if may_be_over else FORMS.get(self.construct)

    @property
    def gap(self) -> int:
        """How many characters of white space precede the word."""
        before = self.text[: self.start]
        return len(before) - len(before.rstrip())

    def span(self, length: int | None = None, back: int = 0) -> Span:
        """The word, or `length` characters, from `back` characters before its start."""
        start = self.start - back
        return Span(start, start + (len(self.word) if length is None else length), self.file)

    def replace(self, by: str, length: int | None = None, back: int = 0) -> Repair:
        span = self.span(length, back)
        old = self.text[span.start : span.end]
        if not by.strip():
            words = f"remove `{old}`" if old.strip() else "write a space"
            return Repair(words, (Edit(span, by),))
        glued = by in ("->", "{") and not self.gap
        return Repair(f"write `{by.strip()}` for `{old}`", (Edit(span, f"{' ' * glued}{by}"),))

    def insert(self, new: str) -> Repair:
        """`new` before the word."""
        return Repair(f"write `{new.strip()}` here", (Edit(self.span(0), new),))


def word_at(text: str, start: int) -> str:
    """A run of letters, digits and `_`, or one other character. Empty at the text's end."""
    match = _WORD.match(text, start)
    return match.group() if match else ""
