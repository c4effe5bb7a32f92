"""JSON with places: each value knows where it stands, so that a finding can point there. Pure.

The grammar is RFC 8259's. A name that stands twice in an object is kept twice; numbers stay text,
since who reads them knows what they may be.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from functools import cache
from typing import Final, final

import lark
from lark import Token, Transformer, UnexpectedCharacters, UnexpectedToken

from schedlang.diagnostics.model import Diagnostic, Label, Repair
from schedlang.source import Source, Span
from schedlang.syntax.problems import place

_GRAMMAR: Final = r"""
start: _value
_value: record | items | STRING | NUMBER | TRUE | FALSE | NULL
record: "{" (entry ("," entry)*)? "}"
entry: STRING ":" _value
items: "[" (_value ("," _value)*)? "]"
STRING: /"(?:[^"\\\x00-\x1f]|\\(?:["\\\/bfnrt]|u[0-9a-fA-F]{4}))*"/
NUMBER: /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/
TRUE: "true"
FALSE: "false"
NULL: "null"
%ignore /[ \t\r\n]+/
"""


@final
@dataclass(frozen=True, slots=True)
class Text:
    value: str
    span: Span


@final
@dataclass(frozen=True, slots=True)
class Number:
    """As it was written."""

    text: str
    span: Span


@final
@dataclass(frozen=True, slots=True)
class Flag:
    value: bool
    span: Span


@final
@dataclass(frozen=True, slots=True)
class Nothing:
    span: Span


@final
@dataclass(frozen=True, slots=True)
class Items:
    values: tuple[Value, ...]
    span: Span


@final
@dataclass(frozen=True, slots=True)
class Entry:
    name: Text
    value: Value


@final
@dataclass(frozen=True, slots=True)
class Record:
    entries: tuple[Entry, ...]
    span: Span


Value = Text | Number | Flag | Nothing | Items | Record
_Part = Token | Value | Entry


@final
class _Builder(Transformer[Token, Value]):
    """Builds values while the parser reduces: nothing recurses over the text's nesting."""

    def begin(self, start: int, file: int) -> None:
        self._start, self._file = start, file

    def start(self, parts: list[_Part]) -> Value:
        return self._made(parts[0])

    def record(self, parts: list[_Part]) -> Record:
        entries = tuple(part for part in parts if isinstance(part, Entry))
        return Record(entries, self._between(parts))

    def items(self, parts: list[_Part]) -> Items:
        inner = (p for p in parts if not (isinstance(p, Token) and p.type in _SIGNS))
        return Items(tuple(map(self._made, inner)), self._between(parts))

    def entry(self, parts: list[_Part]) -> Entry:
        name, _, value = parts
        read = self._made(name)
        assert isinstance(read, Text)
        return Entry(read, self._made(value))

    def _made(self, part: _Part) -> Value:
        assert not isinstance(part, Entry)
        if not isinstance(part, Token):
            return part
        match part.type:
            case "STRING":
                value: object = json.loads(part)
                assert isinstance(value, str)
                return Text(value, self._span(part))
            case "NUMBER":
                return Number(str(part), self._span(part))
            case "NULL":
                return Nothing(self._span(part))
            case _:
                return Flag(part.type == "TRUE", self._span(part))

    def _between(self, parts: list[_Part]) -> Span:
        first, last = parts[0], parts[-1]
        assert isinstance(first, Token)
        assert isinstance(last, Token)
        return self._span(first).to(self._span(last))

    def _span(self, token: Token) -> Span:
        start = self._start + (token.start_pos or 0)
        return Span(start, start + len(token), self._file)


_SIGNS: Final = frozenset({"LSQB", "RSQB", "COMMA"})


@cache
def _parser() -> tuple[lark.Lark, _Builder]:
    builder = _Builder()
    return lark.Lark(_GRAMMAR, parser="lalr", keep_all_tokens=True, transformer=builder), builder


def read_json(source: Source, file: int, part: Span) -> Value | Diagnostic:
    """The value that the part of the text is. `file` is the number of `source` in its spans."""
    parser, builder = _parser()
    builder.begin(part.start, file)
    try:
        value: object = parser.parse(source.excerpt(part))
    except (UnexpectedToken, UnexpectedCharacters) as problem:
        at = place(problem)
        is_end = at == sys.maxsize
        return misread(part.end if is_end else part.start + at, file, source, is_end=is_end)
    assert isinstance(value, Text | Number | Flag | Nothing | Items | Record)
    return value


def misread(at: int, file: int, source: Source, *, is_end: bool) -> Diagnostic:
    label = Label(Span(at, min(at + 1, len(source.text)), file))
    if is_end:
        repair = Repair("close what is open: a text, a list or an object")
        return Diagnostic("E1201", "the JSON ends too early", label, repairs=(repair,))
    repair = Repair(
        "JSON has texts in double quotes, commas between values and none after the last"
    )
    return Diagnostic("E1201", "this is no JSON from here on", label, repairs=(repair,))
