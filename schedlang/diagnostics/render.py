"""Diagnostics as text for people: `render_human`, and one line each: `render_concise`.

Pure functions of the diagnostics and the sources that their spans refer to. `render_json` is the
form for programs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, final

from schedlang.diagnostics.excerpt import Mark, Row, edited_lines, excerpt, place
from schedlang.diagnostics.model import Diagnostic, Edit, Label, Repair, Severity
from schedlang.diagnostics.printable import printable, printable_lines
from schedlang.source import Sources

_SHOWN_EDIT_LINES: Final = 12


@final
@dataclass(frozen=True, slots=True)
class Paint:
    """ANSI colours, or none."""

    is_on: bool

    def _ansi(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.is_on and text else text

    def severity(self, severity: Severity, text: str) -> str:
        return self._ansi("1;31" if severity is Severity.ERROR else "1;33", text)

    def strong(self, text: str) -> str:
        return self._ansi("1", text)

    def margin(self, text: str) -> str:
        return self._ansi("1;34", text)

    def added(self, text: str) -> str:
        return self._ansi("32", text)

    def removed(self, text: str) -> str:
        return self._ansi("31", text)


def render_human(
    diagnostics: tuple[Diagnostic, ...], sources: Sources, colour: bool = False
) -> str:
    """Each diagnostic with its excerpt, notes and help; a blank line between two."""
    paint = Paint(colour)
    return "\n".join("\n".join(_human(d, sources, paint)) + "\n" for d in diagnostics)


def render_concise(diagnostics: tuple[Diagnostic, ...], sources: Sources) -> str:
    """`file:line:col: error[CODE]: message`, one line each, whatever the message holds."""
    return "".join(f"{_concise(d, sources)}\n" for d in diagnostics)


def _concise(diagnostic: Diagnostic, sources: Sources) -> str:
    place_ = f"{_location(diagnostic.primary, sources)}: " if diagnostic.primary else ""
    return f"{place_}{diagnostic.severity}[{diagnostic.code}]: {printable(diagnostic.message)}"


def _location(label: Label, sources: Sources) -> str:
    """`file:line:column`, or the file's number where its text is not at hand."""
    if label.span.file >= len(sources):
        return f"<library {label.span.file}>"
    source = sources[label.span.file]
    at = source.position(label.span.start)
    return f"{printable(source.name)}:{at.line}:{at.column}"


def _human(diagnostic: Diagnostic, sources: Sources, paint: Paint) -> Iterator[str]:
    head = paint.severity(diagnostic.severity, f"{diagnostic.severity}[{diagnostic.code}]")
    yield f"{head}{paint.strong(': ' + printable(diagnostic.message))}"
    margin = _margin_width(diagnostic, sources)
    yield from _excerpts(diagnostic, sources, margin, paint)
    for note in diagnostic.notes:
        yield from _indented("= note: ", note, margin, paint)
    for repair in diagnostic.repairs:
        yield from _help(repair, sources, margin, paint)


def _labels(diagnostic: Diagnostic, sources: Sources) -> list[tuple[Label, bool]]:
    """The labels whose text is at hand, the primary first, with whether each is the primary."""
    primary = [(diagnostic.primary, True)] if diagnostic.primary else []
    labels = primary + [(label, False) for label in diagnostic.secondary]
    return [(label, is_first) for label, is_first in labels if label.span.file < len(sources)]


def _margin_width(diagnostic: Diagnostic, sources: Sources) -> int:
    spans = [label.span for label, _ in _labels(diagnostic, sources)]
    spans += [e.span for r in diagnostic.repairs for e in r.edits if e.span.file < len(sources)]
    lines = [sources[span.file].position(span.end).line for span in spans]
    return len(str(max(lines, default=1))) + 1


def _excerpts(diagnostic: Diagnostic, sources: Sources, margin: int, paint: Paint) -> Iterator[str]:
    if diagnostic.primary and diagnostic.primary.span.file >= len(sources):
        yield paint.margin(" " * margin + "--> ") + _location(diagnostic.primary, sources)
    labels = _labels(diagnostic, sources)
    for number in dict.fromkeys(label.span.file for label, _ in labels):
        here = [(label, is_first) for label, is_first in labels if label.span.file == number]
        arrow = "--> " if here[0][1] else "::: "
        yield paint.margin(" " * margin + arrow) + _location(here[0][0], sources)
        yield paint.margin(" " * margin + " |")
        marks = [place(sources[number], label, is_first) for label, is_first in here]
        for row in excerpt(sources[number], marks):
            yield _row(row, diagnostic.severity, margin, paint)


def _row(row: Row | None, severity: Severity, margin: int, paint: Paint) -> str:
    if row is None:
        return paint.margin("...")
    number = "" if row.number is None else str(row.number)
    return f"{paint.margin(f'{number:>{margin}} |')} {_marked(row, severity, paint)}".rstrip()


def _marked(row: Row, severity: Severity, paint: Paint) -> str:
    match row.mark:
        case None:
            return row.text
        case Mark(is_primary=True):
            return paint.severity(severity, row.text)
        case Mark():
            return paint.margin(row.text)


def _indented(head: str, text: str, margin: int, paint: Paint) -> Iterator[str]:
    first, *rest = printable_lines(text)
    yield f"{' ' * margin} {paint.strong(head)}{first}"
    for line in rest:
        yield f"{' ' * (margin + 1 + len(head))}{line}".rstrip()


def _help(repair: Repair, sources: Sources, margin: int, paint: Paint) -> Iterator[str]:
    yield from _indented("= help: ", repair.text, margin, paint)
    edits = [edit for edit in repair.edits if edit.span.file < len(sources)]
    for number in dict.fromkeys(edit.span.file for edit in edits):
        here = [edit for edit in edits if edit.span.file == number]
        yield from _edit_rows(here, sources, margin, paint)


def _edit_rows(edits: list[Edit], sources: Sources, margin: int, paint: Paint) -> Iterator[str]:
    source = sources[edits[0].span.file]
    first, before, after = edited_lines(source, [(edit.span, edit.text) for edit in edits])
    while before and after and before[0] == after[0]:
        first, before, after = first + 1, before[1:], after[1:]
    while before and after and before[-1] == after[-1]:
        before, after = before[:-1], after[:-1]
    yield paint.margin(" " * margin + " |")
    for offset, line in enumerate(before[:_SHOWN_EDIT_LINES]):
        text = printable(line)[:_LONGEST_EDIT_LINE]
        yield f"{paint.margin(f'{first + offset:>{margin}}')} {paint.removed('- ' + text)}".rstrip()
    for offset, line in enumerate(after[:_SHOWN_EDIT_LINES]):
        text = printable(line)[:_LONGEST_EDIT_LINE]
        yield f"{paint.margin(f'{first + offset:>{margin}}')} {paint.added('+ ' + text)}".rstrip()


_LONGEST_EDIT_LINE: Final = 160
