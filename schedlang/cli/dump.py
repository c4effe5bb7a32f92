"""A syntax tree as indented text, for `--emit ast`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import Enum

from schedlang.source import Span


def dump(node: object) -> str:
    return "\n".join(_lines(node, 0, ""))


def _lines(node: object, depth: int, label: str) -> Iterator[str]:
    indent = "  " * depth
    match node:
        case tuple():
            yield f"{indent}{label}{'' if node else '()'}".rstrip()
            for item in node:
                yield from _lines(item, depth + 1, "- ")
        case Span():
            yield f"{indent}{label}{node.file}:{node.start}..{node.end}"
        case Enum():
            yield f"{indent}{label}{node.value}"
        case _ if is_dataclass(node):
            yield f"{indent}{label}{type(node).__name__}"
            for field in fields(node):
                yield from _lines(getattr(node, field.name), depth + 1, f"{field.name}: ")
        case _:
            yield f"{indent}{label}{node!r}"
