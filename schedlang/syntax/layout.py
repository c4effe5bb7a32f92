"""Pieces and their comments as lines: where lines end, and which columns are aligned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise, zip_longest

from schedlang.syntax.attach import Item, Note
from schedlang.syntax.wrap import WIDTH, wrap

_STEP = "  "
_BESIDE = "  "


def lay_out(items: Sequence[Item]) -> Iterator[str]:
    """The lines of a file."""
    bodies = _bodies(items, "")
    for number, (item, body) in enumerate(zip(items, bodies, strict=True)):
        apart = number > 0 and _stand_apart(items[number - 1], item, bodies[number - 1], body)
        yield from _with_notes(_apart(item) if apart else item, body, "", is_first=number == 0)


def _stand_apart(one: Item, two: Item, upper: list[str], lower: list[str]) -> bool:
    """Whether an empty line must divide two declarations."""
    if one.piece is None or two.piece is None:
        return False
    return one.piece.family != two.piece.family or len(upper) > 1 or len(lower) > 1


def _apart(item: Item) -> Item:
    if not item.notes:
        return replace(item, has_gap=True)
    return replace(item, notes=(Note(item.notes[0].text, True), *item.notes[1:]))


def _with_notes(item: Item, body: list[str], indent: str, *, is_first: bool) -> Iterator[str]:
    for number, note in enumerate(item.notes):
        if note.has_gap and not (is_first and number == 0):
            yield ""
        yield indent + note.text
    if item.has_gap and not (is_first and not item.notes):
        yield ""
    yield from body


def _bodies(items: Sequence[Item], indent: str) -> list[list[str]]:
    """The lines of each piece, without the comments above it."""
    bodies: list[list[str]] = []
    for run in _runs(items, indent):
        if _is_flat(run[0], indent):
            lines = _aligned([item.piece.cells for item in run if item.piece], indent)
            pairs = list(zip(lines, run, strict=True))
            width = max((len(line) for line, item in pairs if item.beside), default=0)
            bodies += [[_beside(line, item, width)] for line, item in pairs]
        else:
            bodies.append(_broken(run[0], indent))
    return bodies


def _runs(items: Sequence[Item], indent: str) -> Iterator[list[Item]]:
    """`items` in stretches that are aligned with one another."""
    run: list[Item] = []
    for before, item in pairwise((None, *items)):
        assert item is not None
        if run and before is not None and _are_neighbours(before, item, indent):
            run.append(item)
            continue
        if run:
            yield run
        run = [item]
    if run:
        yield run


def _are_neighbours(one: Item, two: Item, indent: str) -> bool:
    if one.piece is None or two.piece is None:
        return False
    if two.has_gap or any(note.has_gap for note in two.notes):
        return False
    same = one.piece.kind == two.piece.kind != ""
    return same and _is_flat(one, indent) and _is_flat(two, indent)


def _is_flat(item: Item, indent: str) -> bool:
    """Whether the piece takes one line."""
    if item.piece is None or item.piece.is_open or item.opening:
        return False
    fits = len(indent) + len(" ".join(item.piece.cells)) <= WIDTH
    return fits and all(child.is_quiet for child in item.children)


def _aligned(rows: list[tuple[str, ...]], indent: str) -> list[str]:
    columns = zip_longest(*(row[:-1] for row in rows), fillvalue="")
    widths = [max(map(len, column)) for column in columns]
    padded = [indent + " ".join([*map(str.ljust, row[:-1], widths), row[-1]]) for row in rows]
    if max(map(len, padded)) <= WIDTH:
        return padded
    return [indent + " ".join(row) for row in rows]


def _broken(item: Item, indent: str) -> list[str]:
    piece = item.piece
    if piece is None:
        return []
    if piece.head is None:
        *most, last = wrap(" ".join(piece.cells), indent)
        return [*most, _beside(last, item)]
    lines = wrap(piece.head, indent)
    if item.opening:
        lines[-1] += _BESIDE + item.opening
    inner = indent + _STEP
    for number, (child, body) in enumerate(
        zip(item.children, _bodies(item.children, inner), strict=True)
    ):
        lines += _with_notes(child, body, inner, is_first=number == 0)
    return [*lines, _beside(indent + piece.tail, item)]


def _beside(line: str, item: Item, width: int = 0) -> str:
    """The line with the comment that ends it, from column `width` on."""
    return f"{line.ljust(width)}{_BESIDE}{item.beside}" if item.beside else line
