"""What is said of a policy: one immutable type. Renderers are functions of it (see `render`)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import final

from schedlang.source import Span


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@final
@dataclass(frozen=True, slots=True)
class Label:
    """A place in the policy with a few words about it."""

    span: Span
    text: str = ""


@final
@dataclass(frozen=True, slots=True)
class Edit:
    """A replacement that a machine can apply: `span` of the source becomes `text`."""

    span: Span
    text: str


@final
@dataclass(frozen=True, slots=True)
class Repair:
    """A proposed mend: words for the reader, edits for the machine (none if it needs thought)."""

    text: str
    edits: tuple[Edit, ...] = ()


@final
@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding.

    `code` is an entry of the registry in `codes`; `message` is one lower-case line without a
    full stop; `primary` is None only where no text is concerned (an unreadable file). A renderer
    needs the `Sources` that the spans refer to.
    """

    code: str
    message: str
    primary: Label | None = None
    secondary: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    repairs: tuple[Repair, ...] = ()
    severity: Severity = Severity.ERROR


def has_errors(diagnostics: tuple[Diagnostic, ...]) -> bool:
    return any(d.severity is Severity.ERROR for d in diagnostics)
