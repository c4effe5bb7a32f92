"""The human and the concise form: a few whole ones, and what holds of all."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from schedlang.diagnostics.model import Diagnostic, Edit, Label, Repair, Severity
from schedlang.diagnostics.render import render_concise, render_human
from schedlang.source import Source, Sources, Span

TEXT = """\
policy fair
queue rt {
  priority 9
}
\tqueue batch { priority 1 }
"""
SOURCES = (Source("fair.sched", TEXT),)


def span_of(part: str, text: str = TEXT) -> Span:
    start = text.index(part)
    return Span(start, start + len(part))


STARVES = Diagnostic(
    "E0301",
    "queue `batch` can starve",
    Label(span_of("batch"), "never chosen while `rt` is non-empty"),
    (Label(span_of("queue rt {\n  priority 9\n}"), "unbounded arrivals here"),),
    ("[rt arrives, rt runs] repeats\nand `batch` waits",),
    (Repair("guard it", (Edit(Span(len(TEXT), len(TEXT)), "guard batch after 20ms\n"),)),),
)


def test_the_whole_of_a_finding() -> None:
    assert (
        render_human((STARVES,), SOURCES)
        == """\
error[E0301]: queue `batch` can starve
  --> fair.sched:5:8
   |
 2 | queue rt {
   | ---------- unbounded arrivals here (up to line 4)
...
 5 |     queue batch { priority 1 }
   |           ^^^^^ never chosen while `rt` is non-empty
   = note: [rt arrives, rt runs] repeats
           and `batch` waits
   = help: guard it
   |
 6 + guard batch after 20ms
"""
    )


def test_a_warning_in_two_files_with_an_edit() -> None:
    library = Source("std/orders.sched", "library orders\norder vruntime {}\n")
    finding = Diagnostic(
        "E0201",
        "there is no order `vruntme`",
        Label(span_of("rt"), "not known"),
        (Label(Span(21, 29, 1), "is it this?"),),
        repairs=(Repair("did you mean `vruntime`?", (Edit(span_of("rt"), "vruntime"),)),),
        severity=Severity.WARNING,
    )
    assert (
        render_human((finding,), (*SOURCES, library))
        == """\
warning[E0201]: there is no order `vruntme`
  --> fair.sched:2:7
   |
 2 | queue rt {
   |       ^^ not known
  ::: std/orders.sched:2:7
   |
 2 | order vruntime {}
   |       -------- is it this?
   = help: did you mean `vruntime`?
   |
 2 - queue rt {
 2 + queue vruntime {
"""
    )


def test_findings_without_a_place_or_a_text() -> None:
    nowhere = Diagnostic("E0001", "cannot read `x`")
    elsewhere = Diagnostic("E0201", "unknown", Label(Span(3, 5, 7)))
    assert (
        render_human((nowhere, elsewhere), SOURCES)
        == """\
error[E0001]: cannot read `x`

error[E0201]: unknown
  --> <library 7>
"""
    )


def test_concise_is_one_line_each() -> None:
    hostile = Diagnostic("E0104", "a\nb\x1b[2J", Label(span_of("rt")))
    assert render_concise((STARVES, hostile, Diagnostic("E0001", "gone")), SOURCES) == (
        "fair.sched:5:8: error[E0301]: queue `batch` can starve\n"
        "fair.sched:2:7: error[E0104]: a\\x0ab\\x1b[2J\n"
        "error[E0001]: gone\n"
    )


def test_the_end_of_the_text_can_be_marked() -> None:
    for text in ("", "a", "a\n"):
        end = Diagnostic("E0103", "too early", Label(Span(len(text), len(text))))
        assert "^" in render_human((end,), (Source("x", text),))


def test_marks_stand_under_what_they_mark() -> None:
    text = "\tab 漢字 é wrong"
    finding = Diagnostic("E0101", "no", Label(span_of("wrong", text)))
    *_, line, marks = render_human((finding,), (Source("x", text),)).splitlines()
    assert line == " 1 |     ab 漢字 é wrong"
    assert marks == " " * (4 + 4 + 3 + 5 + 2) + "^^^^^".rjust(5) or marks.endswith("^^^^^")
    columns = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)
    assert len(marks) == columns


def test_a_long_line_is_cut_around_its_mark() -> None:
    text = "x" * 5000 + " wrong " + "y" * 5000
    finding = Diagnostic("E0101", "no", Label(span_of("wrong", text), "here"))
    rendered = render_human((finding,), (Source("x", text),)).splitlines()
    assert max(map(len, rendered)) < 120
    line, marks = rendered[-2:]
    at = line.index("wrong")
    assert marks[at : at + 5] == "^^^^^"
    assert "…" in line


def test_colour_only_wraps_what_is_there() -> None:
    plain = render_human((STARVES,), SOURCES)
    coloured = render_human((STARVES,), SOURCES, colour=True)
    assert "\x1b[1;31m" in coloured
    for code in ("0", "1", "31", "32", "1;31", "1;33", "1;34"):
        coloured = coloured.replace(f"\x1b[{code}m", "")
    assert coloured == plain


TEXTS = st.text(max_size=300)


@st.composite
def findings(draw: st.DrawFn, text: str) -> Diagnostic:
    inside = st.tuples(st.integers(0, len(text)), st.integers(0, len(text))).map(
        lambda p: Span(min(p), max(p))
    )
    labels = st.builds(Label, inside, TEXTS)
    edits = st.builds(lambda s, t: (Edit(s, t),), inside, TEXTS)
    return Diagnostic(
        "E0101",
        draw(TEXTS),
        draw(st.none() | labels),
        tuple(draw(st.lists(labels, max_size=3))),
        tuple(draw(st.lists(TEXTS, max_size=2))),
        tuple(draw(st.lists(st.builds(Repair, TEXTS, edits), max_size=2))),
    )


@given(st.data(), TEXTS, TEXTS)
def test_no_text_can_steer_the_terminal(data: st.DataObject, text: str, name: str) -> None:
    finding = data.draw(findings(text))
    sources: Sources = (Source(name, text),)
    shown = render_human((finding,), sources) + render_concise((finding,), sources)
    hidden = {unicodedata.category(char) for char in shown if char != "\n"}
    assert hidden & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} == set()
    assert len(render_concise((finding,), sources).splitlines()) == 1
