"""Reads what libbpf and the kernel's verifier say when they refuse a program.

Two forms: kernel 7.3 adds a structured part (`Verification failed:`, `Reason:`, `At:`) after the
raw instructions; older kernels print those only, with `; source @ file:line` comments.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_LOG: Final = re.compile(
    r"prog '(?P<program>[^']+)': -- BEGIN PROG LOAD LOG --\n(?P<log>.*?)"
    r"(?:^-- END PROG LOAD LOG --|^libbpf: prog .*-- END|\Z)",
    re.DOTALL | re.MULTILINE,
)
_FAILED: Final = re.compile(r"^Verification failed: (?P<kind>[^:\n]+): (?P<what>.+)$", re.MULTILINE)
_AT: Final = re.compile(
    r"^At:\n\s+\S+ @ (?P<file>\S+?):(?P<line>\d+)(?::(?P<column>\d+))?", re.MULTILINE
)
_SOURCE: Final = re.compile(r"^;.* @ (?P<file>\S+?):(?P<line>\d+)$", re.MULTILINE)
_NOISE: Final = re.compile(
    r"\d+: \(|\d+: R|from \d+ to|;|processed \d|verification time|stack depth|mark_precise|"
    r"Live regs|func#|Func#|Validating|arg#|max_states|R\d+[=_]|The sequence of|cur state|old state"
)
# The raw form's messages, by what a person would call the mistake.
_KINDS: Final = (
    (r"too large\. Processed|sequence of \d+ jumps|too many states", "complexity"),
    (r"infinite loop|back-edge|loop detected", "endless loop"),
    (r"Unreleased reference|reference leak", "unreleased reference"),
    (r"stack (?:size|of|usage)|combined stack", "stack size"),
    (r"!read_ok|invalid read from stack", "uninitialised value"),
    (r"mem access '\w*(?:or_null|null)", "possible NULL dereference"),
    (r"invalid (?:mem )?access|outside of the allowed|min value|max value", "memory access"),
    (r"calling kernel function|not allowed in|sleepable|helper call", "call not allowed here"),
    (r"At program exit|return value|R0 ", "return value"),
)


@dataclass(frozen=True, slots=True)
class PolicyLocation:
    """Where the compiler's `#line` marks say the fault is; `column` is 0 when not told."""

    file: str
    line: int
    column: int

    @property
    def text(self) -> str:
        """`file:line:column`, as compilers write it."""
        return f"{self.file}:{self.line}" + (f":{self.column}" if self.column else "")


@dataclass(frozen=True, slots=True)
class VerifierRejected:
    """The verifier refused `program`; `log` is its whole log."""

    program: str
    kind: str
    message: str
    reason: str
    suggestion: str
    location: PolicyLocation | None
    log: str

    label = "verifier_rejected"


def parse_rejection(text: str) -> VerifierRejected | None:
    """The refusal that libbpf's output holds, or None when no verifier log is in it."""
    found = _LOG.search(text)
    if found is None:
        return None
    log = found["log"]
    structured = _FAILED.search(log)
    message = _last_message(log[: structured.start()] if structured else log)
    return VerifierRejected(
        program=found["program"],
        kind=structured["kind"] if structured else _kind(message),
        message=structured["what"] if structured else message,
        reason=_paragraph(log, "Reason") or message,
        suggestion=_paragraph(log, "Suggestion"),
        location=_location(log),
        log=log,
    )


def _last_message(log: str) -> str:
    """The raw form's last line that speaks of the fault."""
    lines = [line.strip() for line in log.splitlines()]
    told = [line for line in lines if line and not _NOISE.match(line)]
    return told[-1] if told else "the verifier gave no reason"


def _kind(message: str) -> str:
    return next((kind for pattern, kind in _KINDS if re.search(pattern, message)), "other")


def _paragraph(log: str, title: str) -> str:
    found = re.search(rf"^{title}:\n(?P<text>(?:[ \t]+\S.*\n?)+)", log, re.MULTILINE)
    return " ".join(found["text"].split()) if found else ""


def _location(log: str) -> PolicyLocation | None:
    at = _AT.search(log)
    if at is not None:
        return PolicyLocation(at["file"], int(at["line"]), int(at["column"] or 0))
    comments = list(_SOURCE.finditer(log))
    if not comments:
        return None
    return PolicyLocation(comments[-1]["file"], int(comments[-1]["line"]), 0)
