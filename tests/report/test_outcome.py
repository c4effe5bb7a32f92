"""Outcomes as tables and traces: nothing is left out, and nothing hostile gets through."""

from __future__ import annotations

import json

from schedlang.report.chart import Bar, Chart, Mark, Wait
from schedlang.report.chart_trace import chart_trace
from schedlang.report.outcome import outcome_json, outcome_tables, outcome_text
from schedlang.report.tables import table
from schedlang.workload.latencies import latencies
from schedlang.workload.outcome import GroupOutcome, Outcome

NONE = latencies([])
SOME = latencies([1_000, 2_000_000, 3_000_000])


def group(name: str, passes: int = 0, missed: int = 0) -> GroupOutcome:
    requests = (("r", SOME), ("never", NONE))
    return GroupOutcome(name, 2, 1, None, 10**9, 5, 7, 3, passes, SOME, requests, missed)


def outcome(*groups: GroupOutcome) -> Outcome:
    return Outcome("w", "p", 2 * 10**9, groups)


def test_tables_show_what_there_is() -> None:
    use, waits = outcome_tables(outcome(group("a", passes=4), group("b")), 2, (SOME, NONE))
    assert use.head[-1] == "passes"
    assert [row[-1] for row in use.rows] == ["4", "-"]
    assert [row[4] for row in use.rows] == ["25.0%", "25.0%"]
    assert [row[:3] for row in waits.rows] == [
        ("a", "wake-up", "3"),
        ("a", "wait", "3"),
        ("a", "request r", "3"),
        ("b", "wake-up", "3"),
        ("b", "request r", "3"),
    ]
    assert waits.rows[0][3:] == ("2ms", "3ms", "3ms")


def test_missed_deadlines_have_a_column_where_there_are_any() -> None:
    assert "missed" not in outcome_text(outcome(group("a")), 1)
    assert "missed" in outcome_text(outcome(group("a"), group("b", missed=1)), 1)


def test_a_run_of_no_length_has_no_shares() -> None:
    assert "%  " not in outcome_text(Outcome("w", "p", 0, (group("a"),)), 1).split("\n")[1]


def test_json_has_every_figure() -> None:
    [found] = json.loads(json.dumps(outcome_json(outcome(group("a", 4, 2)))))["groups"]
    assert set(found) == set(GroupOutcome.__slots__)
    assert found["requests"]["r"] == found["wakeups"]
    assert set(found["wakeups"]) == {"count", "p50_ns", "p99_ns", "max_ns", "total_ns"}


def test_tables_line_up_whatever_is_in_them() -> None:
    lines = list(table(("name", "n"), [("漢字", "5"), ("a\x1b[31m", "12")]))
    assert lines == ["  name        n", "  漢字        5", "  a\\x1b[31m  12"]
    assert list(table(("a",), [])) == []


def chart(name: str) -> Chart:
    return Chart(
        name,
        ("CPU 0",),
        (name, "b"),
        ("q",),
        (Bar(0, 0, 1_500, 0, 0), Bar(0, 1_500, 3_001, 1, None)),
        (Wait(1, 0, 1_500, 0),),
        3_001,
        marks=(Mark(2_000, name),),
    )


def test_traces_have_turns_waits_and_marks_in_microseconds() -> None:
    events = json.loads(chart_trace(chart("a")))["traceEvents"]
    slices = [(e["pid"], e["tid"], e["name"], e["ts"], e["dur"]) for e in events if e["ph"] == "X"]
    assert slices == [(1, 0, "a", 0, 1.5), (1, 0, "b", 1.5, 1.501), (2, 1, "waits", 0, 1.5)]
    assert [(e["ts"], e["name"]) for e in events if e["ph"] == "i"] == [(2, "a")]
    names = {(e["name"], e["args"]["name"]) for e in events if e["ph"] == "M"}
    assert {("thread_name", "CPU 0"), ("thread_name", "b")} < names


def test_traces_are_json_whatever_the_names() -> None:
    hostile = '"]}\\\n\x00\u202e</script>'
    text = chart_trace(chart(hostile))
    document = json.loads(text)
    assert "\u202e" not in text
    assert len(document["traceEvents"]) == 8
