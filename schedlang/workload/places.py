"""Where things stand in a TOML text: what the standard reader does not tell.

Only for texts that `tomllib` has accepted. Knows tables, their keys, and the strings in a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, final

from schedlang.source import Span

_TOKEN: Final = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}'  # texts of several lines
    r'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\''
    r"|\#[^\n]*|[\[\]{}=\n]|[^\s\[\]{}=#\"',]+",
    re.DOTALL,
)


@final
@dataclass(frozen=True, slots=True)
class Entry:
    """`key = value`, and the strings in the value in the order of the text."""

    key: Span
    value: Span
    strings: tuple[Span, ...]


@final
@dataclass(slots=True)
class Table:
    """A `[header]` and the entries up to the next; the first entry of a key counts."""

    header: Span
    entries: dict[str, Entry] = field(default_factory=dict)


@final
@dataclass(slots=True)
class Places:
    """The tables by name, in the order of the text. `top` has the entries before any header, and
    for each name of tables its first header.
    """

    top: Table
    tables: dict[str, list[Table]] = field(default_factory=dict)


def find_places(text: str) -> Places:
    places = Places(Table(Span(0, 0)))
    table = places.top
    for tokens in _statements(text):
        if tokens[0][0] == "[":
            name = _bare("".join(word for word, _ in tokens if word not in "[]"))
            header = tokens[0][1].to(tokens[-1][1])
            table = Table(header)
            places.tables.setdefault(name, []).append(table)
            places.top.entries.setdefault(name, Entry(header, header, ()))
        else:
            _note(table, tokens)
    return places


_Token = tuple[str, Span]


def _note(table: Table, tokens: list[_Token]) -> None:
    equals = next(n for n, (word, _) in enumerate(tokens) if word == "=")
    key = _bare("".join(word for word, _ in tokens[:equals]))
    value = tokens[equals + 1 :]
    entry = Entry(
        tokens[0][1].to(tokens[equals - 1][1]),
        value[0][1].to(value[-1][1]),
        tuple(span for word, span in value if word[0] in "\"'"),
    )
    table.entries.setdefault(key, entry)


def _statements(text: str) -> Iterator[list[_Token]]:
    """Headers and entries, without comments and line ends; a value in brackets is one entry."""
    tokens: list[_Token] = []
    depth = 0
    for found in _TOKEN.finditer(text):
        word = found[0]
        if word[0] == "#":
            continue
        if word == "\n":
            if tokens and depth == 0:
                yield tokens
                tokens = []
            continue
        depth += (word in "[{") - (word in "]}")
        tokens.append((word, Span(*found.span())))
    if tokens:
        yield tokens


def _bare(key: str) -> str:
    return key.strip("\"'")
