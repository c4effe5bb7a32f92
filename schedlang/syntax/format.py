"""The canonical layout of a policy's text. What it says and every comment stay as they are."""

from __future__ import annotations

from schedlang.source import Source
from schedlang.syntax.attach import attach
from schedlang.syntax.layout import lay_out
from schedlang.syntax.parse import parse
from schedlang.syntax.pieces import file_pieces
from schedlang.syntax.scan import comments


def format_policy(source: Source) -> str:
    """`source` laid out anew. Its text must parse: see `parse`."""
    tree, findings = parse(source)
    if tree is None:
        raise ValueError(f"{source.name} does not parse: {findings[0].message}")
    items = attach(source.text, file_pieces(tree), comments(source.text))
    return "".join(f"{line}\n" for line in lay_out(items)) or "\n"
