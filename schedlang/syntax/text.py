"""A syntax tree as text for people: one node a line, indented, with its place in the source.

Deterministic. Not to be parsed: `format` gives the policy itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass

from schedlang.source import Source, Span
from schedlang.syntax import ast


def tree_text(tree: ast.File, source: Source) -> str:
    return "".join(f"{line}\n" for line in _lines(tree, source, "", ""))


def _lines(node: object, source: Source, indent: str, label: str) -> Iterator[str]:
    """`label` is the field that holds the node, with a colon, or empty."""
    assert is_dataclass(node)
    values = {field.name: getattr(node, field.name) for field in fields(node)}
    span = values.pop("span", None)
    inline = [f"{name}={_scalar(value)}" for name, value in values.items() if _is_scalar(value)]
    place = [_place(span, source)] if isinstance(span, Span) else []
    yield " ".join([f"{indent}{label}{type(node).__name__}", *inline, *place])
    for name, value in values.items():
        if isinstance(value, tuple):
            for child in value:
                yield from _lines(child, source, f"{indent}  ", "")
        elif not _is_scalar(value):
            yield from _lines(value, source, f"{indent}  ", f"{name}: ")


def _is_scalar(value: object) -> bool:
    return value is None or isinstance(value, bool | int | str | ast.Ident | ast.Text)


def _scalar(value: object) -> str:
    match value:
        case ast.Ident(name=name):
            return name
        case ast.Text(value=text):
            return json.dumps(text, ensure_ascii=False)
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case _:
            return str(value)


def _place(span: Span, source: Source) -> str:
    at = source.position(span.start)
    return f"@{at.line}:{at.column}"
