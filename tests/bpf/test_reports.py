"""What a kernel did to a scheduler, as the compiler's diagnostics and report. No kernel here."""

from __future__ import annotations

import pytest

from schedlang.backend import QueueCounts
from schedlang_bpf.outcomes import diagnose
from schedlang_bpf.report import queue_counts
from schedlang_vm.api import (
    Accepted,
    Ejected,
    ExitRecord,
    GuestFailed,
    InitFailed,
    Json,
    LoadFailed,
    Outcome,
    PolicyLocation,
    VerifierRejected,
)
from tests.bpf.samples import everything, example

RECORD = ExitRecord("fair", "runtime error", "ops.init() failed (-22)", -22, False, 1.0, ("x",))


@pytest.mark.parametrize(
    ("outcome", "code", "words"),
    [
        (InitFailed(-22, "ops.init() failed (-22)", RECORD), "E0502", "initialise (-22)"),
        (Ejected("runnable task stall", "a[1] failed to run", RECORD), "E0503", "task stall: a[1]"),
        (LoadFailed("kfunc x is unknown\n", "log"), "E0504", "kfunc x is unknown"),
        (GuestFailed("no result.", "console"), "E0505", "no result"),
    ],
)
def test_each_failure_has_its_code(outcome: Outcome, code: str, words: str) -> None:
    (finding,) = diagnose(outcome, everything())
    assert finding.code == code
    assert words in finding.message
    assert "\n" not in finding.message
    assert not finding.message.endswith(".")


def test_success_says_nothing() -> None:
    assert diagnose(Accepted("everything"), everything()) == ()


def rejection(location: PolicyLocation | None) -> VerifierRejected:
    log = "\n".join(f"line {number}" for number in range(100))
    return VerifierRejected("fair_enqueue", "memory access", "invalid", "R1", "", location, log)


def test_the_verifier_is_quoted_at_the_line_of_the_policy() -> None:
    policy = example("fair")
    (finding,) = diagnose(rejection(PolicyLocation("fair.sched", 7, 3)), policy)
    assert finding.code == "E0501"
    assert "fair_enqueue, memory access: invalid" in finding.message
    assert finding.primary is not None
    assert policy.sources[0].excerpt(finding.primary.span).startswith("queue tasks {")
    assert finding.notes[:2] == ("R1", "at fair.sched:7:3")
    assert finding.notes[2].startswith("(70 lines omitted)\nline 70\n")


def test_the_library_is_cited_too() -> None:
    policy = example("fair")
    text = policy.sources[1].text
    line = text[: text.index("on stop { v = ")].count("\n") + 1
    (finding,) = diagnose(rejection(PolicyLocation("orders.sched", line, 0)), policy)
    assert finding.primary is not None
    assert finding.primary.span.file == 1
    assert policy.sources[1].excerpt(finding.primary.span).startswith("on stop { v = ")


@pytest.mark.parametrize(
    "place", [None, PolicyLocation("kfuncs.h", 3, 1), PolicyLocation("fair.sched", 99, 1)]
)
def test_a_place_outside_the_policy_is_no_label(place: PolicyLocation | None) -> None:
    (finding,) = diagnose(rejection(place), example("fair"))
    assert finding.primary is None


def counted(dispatches: int, total_ns: int, most_ns: int) -> Json:
    return {"dispatches": dispatches, "wait_total_ns": total_ns, "wait_max_ns": most_ns}


def test_statistics_are_summed_over_cpus() -> None:
    values: Json = [{"cpu": 0, "value": counted(2, 10, 9)}, {"cpu": 1, "value": counted(3, 5, 5)}]
    stats: Json = [{"key": ["0x00"], "formatted": {"key": 0, "values": values}}]
    assert list(queue_counts(stats, example("fair"))) == [QueueCounts("tasks", 5, 15, 9)]


@pytest.mark.parametrize("stats", [None, [], [1], [{"formatted": {"key": 7, "values": []}}], {}])
def test_other_statistics_are_passed_over(stats: Json) -> None:
    assert list(queue_counts(stats, example("fair"))) == []
