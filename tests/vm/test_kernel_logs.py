"""Real logs of kernels 7.3 and 6.12 (logs/), recorded by loading objects/*.c."""

from __future__ import annotations

from pathlib import Path

import pytest

from schedlang_vm.dmesg import parse_exits
from schedlang_vm.outcome import (
    VERIFIER_KILLED,
    Accepted,
    Attempt,
    Ejected,
    InitFailed,
    LoadFailed,
    Outcome,
    classify,
)
from schedlang_vm.verifier_log import PolicyLocation, VerifierRejected, parse_rejection

LOGS = Path(__file__).parent / "logs"


def rejection(name: str) -> VerifierRejected:
    found = parse_rejection((LOGS / f"{name}.log").read_text())
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "kind", "message", "line", "column"),
    [
        ("null_prev-7.3", "Register Type Safety", "Invalid dereference", 12, 19),
        ("leak-7.3", "Resource Lifetime Safety", "Unreleased resource", 24, 2),
        ("wrong_place-7.3", "Policy", "Operation is not allowed", 30, 9),
        ("null_prev-6.12", "possible NULL dereference", "R1 invalid mem access", 12, 0),
        ("leak-6.12", "unreleased reference", "Unreleased reference id=2", 24, 0),
        ("wrong_place-6.12", "call not allowed here", "program must be sleepable", 30, 0),
        ("endless-7.3", "complexity", "BPF program is too large", 8, 0),
    ],
)
def test_refusals(name: str, kind: str, message: str, line: int, column: int) -> None:
    found = rejection(name)
    assert found.kind == kind
    assert found.message.startswith(message)
    assert found.location == PolicyLocation("policy.sched", line, column)


def test_the_structured_part_gives_reason_and_suggestion() -> None:
    found = rejection("null_prev-7.3")
    assert found.program == "broken_dispatch"
    assert found.reason.startswith("R1 may be NULL here (a nullable kernel object pointer). The")
    assert found.suggestion.startswith("Add a NULL check before the access")
    assert found.log.startswith("0: R1=ctx()")
    assert found.location is not None
    assert found.location.text == "policy.sched:12:19"


def test_the_raw_form_has_its_message_as_reason() -> None:
    found = rejection("null_prev-6.12")
    assert found.reason == "R1 invalid mem access 'trusted_ptr_or_null_'"
    assert found.suggestion == ""
    assert found.location is not None
    assert found.location.text == "policy.sched:12"


@pytest.mark.parametrize("text", ["", "libbpf: failed to open object", "\0\xff"])
def test_other_output_is_no_refusal(text: str) -> None:
    assert parse_rejection(text) is None


def test_a_log_that_is_cut_short_is_still_read() -> None:
    text = (LOGS / "leak-6.12.log").read_text()
    found = parse_rejection(text[: text.index("processed 13")])
    assert found is not None
    assert found.kind == "unreleased reference"


def outcome(name: str) -> Outcome:
    dmesg = (LOGS / f"{name}.dmesg").read_text()
    return classify(Attempt(0, "", "fifo", "fifo" in name, dmesg))


@pytest.mark.parametrize("version", ["7.3", "6.12"])
def test_exit_records(version: str) -> None:
    assert outcome(f"fifo-{version}") == Accepted("fifo")
    sour = outcome(f"init_fails-{version}")
    assert isinstance(sour, InitFailed)
    assert (sour.code, sour.message) == (-22, "ops.init() failed (-22)")
    stalled = outcome(f"stall-{version}")
    assert isinstance(stalled, Ejected)
    assert stalled.kind == "runnable task stall"
    assert "failed to run for" in stalled.reason
    assert stalled.record.scheduler == "stall"
    assert len(stalled.record.lines) > 2
    bad = outcome(f"bad_queue-{version}")
    assert isinstance(bad, Ejected)
    assert bad.kind == "runtime error"
    assert bad.reason.startswith("non-existent DSQ 0x63")


@pytest.mark.parametrize("version", ["7.3", "6.12"])
def test_an_error_while_tasks_are_handed_over_is_no_failed_init(version: str) -> None:
    dmesg = (LOGS / f"bad_queue-{version}.dmesg").read_text()
    early = "\n".join(line for line in dmesg.splitlines() if not line.endswith(" enabled"))
    found = classify(Attempt(0, "", "", False, early))
    assert early != dmesg
    assert isinstance(found, Ejected)
    assert found.reason.startswith("non-existent DSQ 0x63")


TWO_RECORDS = """\
[    1.0] sched_ext: BPF scheduler "a" enabled
[    2.0] sched_ext: BPF scheduler "a" disabled (unregistered from user space)
[    3.0] sched_ext: BPF scheduler "b (x)" disabled (runtime error)
[    3.1] sched_ext: b (x): ops.init_task() failed (-12) for sh[3] while loading
[    3.2]    backtrace+0x1/0x2
[    3.3] unrelated
[    3.4]    backtrace of something else
"""


def test_records_do_not_run_into_each_other() -> None:
    first, second = parse_exits(TWO_RECORDS)
    assert first.by_user
    assert first.was_enabled
    assert (second.scheduler, second.code, second.was_enabled) == ("b (x)", -12, False)
    assert len(second.lines) == 3


def test_refused_loads_without_a_verifier_log() -> None:
    told = "libbpf: extern (func ksym) 'x': not found\nlibbpf: failed to load object 'o'\n"
    failed = classify(Attempt(255, told, "", False, ""))
    assert failed == LoadFailed("extern (func ksym) 'x': not found", told)
    kernel = "[    1.0] sched_ext: SCX_OPS_ENQ_LAST requires ops.enqueue()\n"
    said = classify(Attempt(255, "Error: can't register\n", "", False, kernel))
    assert isinstance(said, LoadFailed)
    assert "can't register; [    1.0] sched_ext: SCX_OPS_ENQ_LAST" in said.message
    killed = classify(Attempt(VERIFIER_KILLED, "Killed\n", "", False, ""))
    assert isinstance(killed, VerifierRejected)
    assert killed.kind == "complexity"
    unsure = classify(Attempt(0, "", "", False, ""))
    assert isinstance(unsure, LoadFailed)
