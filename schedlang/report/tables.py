"""Tables of text: columns aligned, numbers to the right and the rest to the left. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from schedlang.diagnostics.printable import printable, width

NOTHING: Final = "-"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines, indented by two; none if there are no rows."""
    if not rows:
        return
    shown = [[printable(cell) for cell in row] for row in (head, *rows)]
    widths = [max(width(row[n]) for row in shown) for n in range(len(head))]
    is_number = [all(map(_is_number, (row[n] for row in shown[1:]))) for n in range(len(head))]
    for row in shown:
        columns = zip(row, widths, is_number, strict=True)
        yield ("  " + "  ".join(_aligned(*column) for column in columns)).rstrip()


def _aligned(cell: str, columns: int, to_the_right: bool) -> str:
    blank = " " * (columns - width(cell))
    return blank + cell if to_the_right else cell + blank


def _is_number(cell: str) -> bool:
    return cell == NOTHING or cell.lstrip("-")[:1].isdigit()
