"""Exit codes: what a script can tell from them. `docs/cli.md` lists them."""

from __future__ import annotations

from enum import IntEnum

from schedlang.diagnostics.model import Diagnostic, Severity


class Exit(IntEnum):
    FINE = 0
    POLICY = 1
    USAGE = 2
    REFUTED = 3
    UNKNOWN = 4
    COMPILER = 5
    KERNEL = 6
    ENVIRONMENT = 7
    CERTIFICATE = 8
    WEAKER = 9
    TEST = 10
    COMPARISON = 11
    CONFORMANCE = 12
    INTERNAL = 70
    INTERRUPTED = 130
    BROKEN_PIPE = 141


_BY_CODE = (
    ("E09", Exit.INTERNAL),
    ("E06", Exit.ENVIRONMENT),
    ("E05", Exit.KERNEL),
    ("E04", Exit.COMPILER),
    ("E11", Exit.CONFORMANCE),
    ("E0301", Exit.REFUTED),
    ("E0305", Exit.CERTIFICATE),
    ("E0306", Exit.CERTIFICATE),
    ("E0801", Exit.TEST),
    ("E10", Exit.COMPARISON),
    ("E12", Exit.POLICY),
    ("E0302", Exit.UNKNOWN),
    ("E0307", Exit.UNKNOWN),
    ("E0", Exit.POLICY),
)


def exit_for(diagnostics: tuple[Diagnostic, ...]) -> Exit:
    """The exit code of the gravest error: the first of `_BY_CODE` that is there."""
    codes = [d.code for d in diagnostics if d.severity is Severity.ERROR]
    for prefix, status in _BY_CODE:
        if any(code.startswith(prefix) for code in codes):
            return status
    return Exit.FINE
