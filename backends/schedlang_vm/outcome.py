"""What became of a scheduler that was loaded in a guest: exactly one of six outcomes."""

from __future__ import annotations

from dataclasses import dataclass

from schedlang_vm.dmesg import ExitRecord, parse_exits
from schedlang_vm.verifier_log import VerifierRejected, parse_rejection


@dataclass(frozen=True, slots=True)
class Accepted:
    """Verified, attached as `ops`, and still attached when it was taken away."""

    ops: str

    label = "accepted"


@dataclass(frozen=True, slots=True)
class InitFailed:
    """Loaded, but one of its callbacks that prepare it said no; `code` is a negative errno."""

    code: int
    message: str
    record: ExitRecord

    label = "init_failed"


@dataclass(frozen=True, slots=True)
class Ejected:
    """Was at work and then thrown out; `kind` as the kernel says it: "runnable task stall"."""

    kind: str
    reason: str
    record: ExitRecord

    label = "ejected"


@dataclass(frozen=True, slots=True)
class LoadFailed:
    """Refused before or after the verifier: libbpf's or the kernel's message."""

    message: str
    log: str

    label = "load_failed"


@dataclass(frozen=True, slots=True)
class GuestFailed:
    """Nothing is known about the scheduler: the guest did not bring a result."""

    message: str
    console: str

    label = "guest_failed"


Outcome = Accepted | VerifierRejected | InitFailed | Ejected | LoadFailed | GuestFailed


@dataclass(frozen=True, slots=True)
class Attempt:
    """What the guest saw of one scheduler, up to just before it was taken away."""

    register_code: int
    register_log: str
    ops: str
    enabled: bool
    dmesg: str


VERIFIER_KILLED = 128 + 9


def classify(attempt: Attempt) -> Outcome:
    """Decide from the loader's exit code, its log and the kernel's messages together."""
    if attempt.register_code != 0:
        return _refused(attempt)
    ended = next((record for record in parse_exits(attempt.dmesg) if not record.by_user), None)
    # Tasks are handed over before the kernel calls a scheduler enabled: it may err on them by then.
    if ended is not None and ended.code is not None and not ended.was_enabled:
        return InitFailed(ended.code, ended.reason, ended)
    if ended is not None:
        return Ejected(ended.kind, ended.reason, ended)
    if attempt.enabled and attempt.ops:
        return Accepted(attempt.ops)
    return LoadFailed(
        "the kernel took the scheduler but did not enable it", attempt.register_log + attempt.dmesg
    )


def _refused(attempt: Attempt) -> VerifierRejected | LoadFailed:
    log = attempt.register_log
    rejection = parse_rejection(log)
    if rejection is not None:
        return rejection
    if attempt.register_code == VERIFIER_KILLED:
        message = "the verifier did not come to an end in time; the program is too complex"
        return VerifierRejected("", "complexity", message, message, "", None, log)
    lines = [line.removeprefix("libbpf: ") for line in log.splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith("failed to load object")] or lines
    kernel = [line for line in attempt.dmesg.splitlines() if "sched_ext: " in line]
    return LoadFailed(
        "; ".join((*told[-1:], *kernel[-1:])) or "the loader gave no reason",
        log + attempt.dmesg,
    )
