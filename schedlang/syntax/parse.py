"""Text to tree. Pure but for reading the grammar, once, or the tables that were made of it before.

After an error the declaration it stands in is blanked and the rest is read again, so that one run
tells of up to `MAX_ERRORS` errors and spans stay true.
"""

from __future__ import annotations

import re
import sys
from bisect import bisect_right
from functools import cache
from hashlib import sha256
from io import BytesIO
from threading import Lock
from typing import final

import lark

from schedlang.diagnostics.model import Diagnostic
from schedlang.kept import keep, recall
from schedlang.resources import data_root
from schedlang.source import Source
from schedlang.syntax import ast
from schedlang.syntax.build import TreeBuilder
from schedlang.syntax.problems import PROBLEMS, place
from schedlang.syntax.scan import declaration_heads, open_brace
from schedlang.syntax.words import LATER_DECLARATIONS

MAX_ERRORS = 20
_OPTIONS = {"parser": "lalr", "keep_all_tokens": True, "maybe_placeholders": False}


@final
class Parser:
    """Lark's tables for the grammar, and the builder that they call as they reduce."""

    def __init__(self, tables: lark.Lark) -> None:
        builder = tables.options.transformer
        assert isinstance(builder, TreeBuilder)
        self._builder = builder
        self._lock = Lock()
        self.lark = tables

    def read(self, text: str, file: int) -> ast.File:
        """The tree of `text`. Raises one of `PROBLEMS`."""
        with self._lock:
            self._builder.begin(file)
            tree: object = self.lark.parse(text)
        assert isinstance(tree, ast.File)
        return tree

    def readable(self, text: str) -> int:
        """Where `text` stops being readable."""
        try:
            self.read(text, 0)
        except PROBLEMS as problem:
            return place(problem)
        return sys.maxsize


@cache
def load_parser() -> Parser:
    """From the tables that an earlier run has kept, if they are of this very grammar and Lark."""
    grammar = read_grammar()
    version = f"{sys.version} {lark.__version__} {TreeBuilder} {_OPTIONS} {grammar}"
    name = f"grammar-{sha256(version.encode()).hexdigest()[:16]}"
    kept = recall(name)
    if kept is not None:
        return Parser(lark.Lark.load(BytesIO(kept)))
    tables = make_tables(grammar)
    written = BytesIO()
    tables.save(written)
    keep(name, written.getvalue())
    return Parser(tables)


def read_grammar() -> str:
    return (data_root("grammar") / "schedlang.lark").read_text(encoding="utf-8")


def make_tables(grammar: str) -> lark.Lark:
    return lark.Lark(grammar, transformer=TreeBuilder(), **_OPTIONS)


def parse(source: Source, file: int = 0) -> tuple[ast.File | None, tuple[Diagnostic, ...]]:
    """The tree of `source`, or the errors that keep it from being one.

    `file` is the source's index in the `Sources` that its spans will be read with.
    """
    parser = load_parser()
    text = source.text
    findings: list[Diagnostic] = []
    while len(findings) < MAX_ERRORS:
        try:
            tree = parser.read(text, file)
        except PROBLEMS as problem:
            from schedlang.syntax.errors import describe

            finding = describe(problem, text, file, parser.readable)
            findings.append(finding)
        else:
            return (None if findings else tree), tuple(findings)
        assert finding.primary
        rest = _without_declaration(text, finding.primary.span.start)
        if rest == text or rest.isspace():
            break
        text = rest
    return None, tuple(findings)


def _without_declaration(text: str, at: int) -> str:
    """`text` with blanks for the declaration in which `at` is.

    If `at` is the head of one, what was left unfinished is the declaration before it: the one whose
    block is open, for a queue can have a `place` of its own.
    """
    heads = [0, *declaration_heads(text), len(text)]
    number = last = max(bisect_right(heads, at) - 1, 0)
    is_unfinished = number and heads[number] == at and text[heads[number - 1] : at].strip()
    if is_unfinished and not text.startswith(LATER_DECLARATIONS, at):
        opened = open_brace(text, at)
        number = number - 1 if opened is None else bisect_right(heads, opened) - 1
        last -= 1
    start, end = heads[number], heads[min(last + 1, len(heads) - 1)]
    return text[:start] + re.sub(r"[^\n]", " ", text[start:end]) + text[end:]
