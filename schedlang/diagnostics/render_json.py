"""Diagnostics as values for programs. `SCHEMA_VERSION` rises when a field changes its meaning.

Pure. Offsets are bytes of the file's UTF-8 text, lines and columns count from 1, columns in
characters. An edit can be applied as it stands: replace the bytes, from the last edit to the first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from schedlang.diagnostics.codes import CODES
from schedlang.diagnostics.model import Diagnostic, Label, Repair
from schedlang.source import Position, Sources, Span

SCHEMA_VERSION: Final = 1

JsonValue: TypeAlias = (
    "str | int | float | bool | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
)
JsonObject: TypeAlias = Mapping[str, JsonValue]


def diagnostics_json(diagnostics: tuple[Diagnostic, ...], sources: Sources) -> list[JsonObject]:
    return [_diagnostic(diagnostic, sources) for diagnostic in diagnostics]


def span_json(span: Span, sources: Sources) -> JsonObject | None:
    """Where `span` is, or None if the text of its file is not at hand."""
    if span.file >= len(sources):
        return None
    source = sources[span.file]
    return {
        "file": source.name,
        "bytes": {"start": source.byte_offset(span.start), "end": source.byte_offset(span.end)},
        "start": _position(source.position(span.start)),
        "end": _position(source.position(span.end)),
    }


def _position(position: Position) -> JsonObject:
    return {"line": position.line, "column": position.column}


def _diagnostic(diagnostic: Diagnostic, sources: Sources) -> JsonObject:
    primary = diagnostic.primary
    entry = CODES.get(diagnostic.code)
    return {
        "code": diagnostic.code,
        "title": entry.title if entry else None,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "primary": _label(primary, sources) if primary else None,
        "secondary": [_label(label, sources) for label in diagnostic.secondary],
        "notes": list(diagnostic.notes),
        "repairs": [_repair(repair, sources) for repair in diagnostic.repairs],
    }


def _label(label: Label, sources: Sources) -> JsonObject:
    return {"span": span_json(label.span, sources), "text": label.text}


def _repair(repair: Repair, sources: Sources) -> JsonObject:
    edits: list[JsonValue] = [
        {"span": span_json(edit.span, sources), "replacement": edit.text} for edit in repair.edits
    ]
    return {"text": repair.text, "edits": edits}
