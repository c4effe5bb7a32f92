"""The JSON form: its fields, and that an edit can be applied to the file's bytes as it stands."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from schedlang.diagnostics.model import Diagnostic, Edit, Label, Repair, Severity
from schedlang.diagnostics.render_json import diagnostics_json, span_json
from schedlang.source import Source, Span

TEXT = "policy é\nqueue ü {}\n"
SOURCES = (Source("x.sched", TEXT),)


def test_every_field() -> None:
    at = Span(TEXT.index("ü"), TEXT.index("ü") + 1)
    finding = Diagnostic(
        "W0226",
        "unused",
        Label(at, "here"),
        (Label(Span(0, 6)),),
        ("note",),
        (Repair("rename", (Edit(at, "u"),)), Repair("think")),
        Severity.WARNING,
    )
    span = {
        "file": "x.sched",
        "bytes": {"start": 16, "end": 18},
        "start": {"line": 2, "column": 7},
        "end": {"line": 2, "column": 8},
    }
    first = {
        "file": "x.sched",
        "bytes": {"start": 0, "end": 6},
        "start": {"line": 1, "column": 1},
        "end": {"line": 1, "column": 7},
    }
    assert json.loads(json.dumps(diagnostics_json((finding,), SOURCES))) == [
        {
            "code": "W0226",
            "title": "a queue that no rule leads to",
            "severity": "warning",
            "message": "unused",
            "primary": {"span": span, "text": "here"},
            "secondary": [{"span": first, "text": ""}],
            "notes": ["note"],
            "repairs": [
                {"text": "rename", "edits": [{"span": span, "replacement": "u"}]},
                {"text": "think", "edits": []},
            ],
        }
    ]


def test_a_place_whose_text_is_not_at_hand_is_null() -> None:
    assert span_json(Span(0, 1, 3), SOURCES) is None


@given(st.text(), st.text(), st.data())
def test_an_edit_applied_to_the_bytes_is_the_edit_of_the_text(
    text: str, replacement: str, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    source = Source("x", text)
    encoded = text.encode()
    bytes_ = source.byte_offset(start), source.byte_offset(end)
    edited = encoded[: bytes_[0]] + replacement.encode() + encoded[bytes_[1] :]
    assert edited.decode() == text[:start] + replacement + text[end:]
