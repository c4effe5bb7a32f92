"""Reports: what they say of bounds, of repairs, and of times."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedlang.backend import Built, KernelReport, Map, ObjectFigures, Program, QueueCounts
from schedlang.diagnostics.model import Diagnostic, Severity
from schedlang.driver import Compilation, Phase, Request, run
from schedlang.ir.nodes import Property
from schedlang.prover.verdict import Bound, Finding, ProofReport, Proved, Reason, Unknown
from schedlang.report.findings import diagnose
from schedlang.report.kernel import kernel_text, object_text
from schedlang.report.proof_text import proof_text
from schedlang.source import Span
from schedlang.units import duration
from tests.support.command_line import ACCEPTED, STARVING

UNITS_NS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9}


def proved(text: str, folder: Path) -> Compilation:
    path = folder / "p.sched"
    path.write_text(text)
    return run(Request(str(path), through=Phase.PROVE))


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0ns"),
        (999, "999ns"),
        (1_000, "1us"),
        (41_500_000, "41.5ms"),
        (1_000_001, "1.001ms"),
        (30 * 10**9, "30s"),
        (3_710_000_001, "3.711s"),
    ],
)
def test_durations(ns: int, text: str) -> None:
    assert duration(ns) == text


@given(st.integers(0, 10**15))
def test_a_duration_is_never_shown_shorter_than_it_is(ns: int) -> None:
    digits = duration(ns).rstrip("num").rstrip("s").rstrip("num")
    unit = duration(ns)[len(digits) :]
    whole, _, part = digits.partition(".")
    shown = int(whole + part.ljust(3, "0")) * UNITS_NS[unit]
    assert ns * 1000 <= shown < ns * 1000 + UNITS_NS[unit]


def test_the_proposed_repair_is_a_text_that_is_proved(tmp_path: Path) -> None:
    """The edit is applied to the file's text as a tool would, and the result is proved anew."""
    done = proved(STARVING, tmp_path)
    (refuted,) = [d for d in done.diagnostics if d.code == "E0301"]
    text = STARVING
    for edit in refuted.repairs[0].edits:
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    assert proved(text, tmp_path).diagnostics == ()


def test_accepting_turns_the_error_into_a_warning(tmp_path: Path) -> None:
    (warning,) = proved(ACCEPTED, tmp_path).diagnostics
    assert (warning.code, warning.severity) == ("W0304", Severity.WARNING)
    assert "queue `rest` can starve" in warning.message
    assert warning.notes == ("the policy's reason: idle work",)


def with_finding(done: Compilation, finding: Finding) -> tuple[Diagnostic, ...]:
    assert done.policy is not None
    return diagnose(ProofReport((finding,)), done.policy)


@pytest.mark.parametrize("kind", Property)
@pytest.mark.parametrize("queue", [0, None])
def test_every_property_has_its_words(kind: Property, queue: int | None, tmp_path: Path) -> None:
    done = proved(ACCEPTED, tmp_path)
    unknown = Unknown(Reason.INDUCTION_FAILED, "detail")
    claimed = Span(0, 6)
    (error,) = with_finding(done, Finding(kind, queue, unknown, (), claimed, None))
    assert error.code == "E0302"
    assert error.primary is not None
    (warning,) = with_finding(done, Finding(kind, queue, unknown, (), claimed, "why"))
    assert warning.code == "W0304"


def test_a_bound_beyond_the_watchdog(tmp_path: Path) -> None:
    done = proved(ACCEPTED, tmp_path)
    for seconds, codes in ((30, []), (31, ["W0303"])):
        bound = Bound("N * 1s", seconds * 10**9, "31 tasks")
        verdict = Proved(bound, ("a tick is 4ms",), (Span(0, 6),))
        finding = Finding(Property.STARVATION_FREE, 0, verdict, (), None, None)
        assert [d.code for d in with_finding(done, finding)] == codes
        assert done.policy is not None
        text = proof_text(ProofReport((finding,)), done.policy)
        assert f"at most {seconds}s in the case: 31 tasks" in text
        assert "[1] a tick is 4ms" in text


def test_objects_and_runs_as_tables() -> None:
    programs = (Program("a_very_long_name", "struct_ops/a", 7),)
    maps = (Map("m", "array", 4, 8, 100),)
    built = Built(b"", ObjectFigures(programs, maps, "GPL", ("o",), 12), "clang 19\x1b")
    assert object_text(built).splitlines() == [
        "object: 12 bytes, licence GPL",
        "struct_ops: o",
        "compiler: clang 19\\x1b",
        "  program           section       instructions",
        "  a_very_long_name  struct_ops/a             7",
        "  map  kind   key bytes  value bytes  entries",
        "  m    array          4            8      100",
    ]
    queues = (QueueCounts("q", 0, 0, 0), QueueCounts("r", 4, 10_000, 7_000))
    failed = KernelReport("6.12", False, queues, None, 0, (), "")
    assert kernel_text(failed, 2, was_run=True).splitlines() == [
        "kernel 6.12: did not stay attached",
        "  queue  turns  mean wait  longest wait",
        "  q          0          -           0ns",
        "  r          4      2.5us           7us",
    ]
