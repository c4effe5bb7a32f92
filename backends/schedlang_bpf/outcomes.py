"""What became of a scheduler in a kernel, as diagnostics that point into the policy."""

from __future__ import annotations

from typing import Final, assert_never

from schedlang.diagnostics.model import Diagnostic
from schedlang.ir.nodes import Policy
from schedlang_bpf.places import policy_label
from schedlang_vm.api import (
    Accepted,
    Ejected,
    GuestFailed,
    InitFailed,
    LoadFailed,
    Outcome,
    VerifierRejected,
)

LOG_LINES: Final = 30


def diagnose(outcome: Outcome, policy: Policy | None) -> tuple[Diagnostic, ...]:
    """Nothing if all went well. `policy` None: the kernel's own scheduler was to run."""
    match outcome:
        case Accepted():
            return ()
        case VerifierRejected():
            return (_rejected(outcome, policy),)
        case InitFailed():
            what = f"the scheduler failed to initialise ({outcome.code}): {outcome.message}"
            return (_diagnostic("E0502", what, _tail("\n".join(outcome.record.lines))),)
        case Ejected():
            what = f"the kernel ejected the scheduler, {outcome.kind}: {outcome.reason}"
            return (_diagnostic("E0503", what),)
        case LoadFailed():
            what = f"the object could not be loaded: {outcome.message}"
            return (_diagnostic("E0504", what, _tail(outcome.log)),)
        case GuestFailed():
            return (_diagnostic("E0505", outcome.message, _tail(outcome.console)),)
        case _:
            assert_never(outcome)


def _rejected(outcome: VerifierRejected, policy: Policy | None) -> Diagnostic:
    program = f" of {outcome.program}" if outcome.program else ""
    place = outcome.location
    notes = [note for note in (outcome.reason, outcome.suggestion) if note]
    label = None
    if place is not None:
        notes.append(f"at {place.text}")
        label = policy_label(policy, place.file, place.line) if policy is not None else None
    return Diagnostic(
        "E0501",
        _one_line(f"the verifier rejects the program{program}, {outcome.kind}: {outcome.message}"),
        label,
        notes=(*notes, *_tail(outcome.log)),
    )


def _diagnostic(code: str, message: str, notes: tuple[str, ...] = ()) -> Diagnostic:
    return Diagnostic(code, _one_line(message), notes=notes)


def _one_line(text: str) -> str:
    return " ".join(text.split()).rstrip(".")


def _tail(log: str) -> tuple[str, ...]:
    """The last lines of a log, in one note; what is left out is counted."""
    lines = log.strip().splitlines()
    if not lines:
        return ()
    omitted = len(lines) - LOG_LINES
    head = [f"({omitted} lines omitted)"] if omitted > 0 else []
    return ("\n".join([*head, *lines[-LOG_LINES:]]),)
