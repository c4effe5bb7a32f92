"""What commands print: diagnostics in the chosen format, products, and one JSON document.

People's formats go to standard error, so that what a command produces stays alone on standard
output; `--format json` prints one document there, diagnostics and products together.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TextIO, final

import click

from schedlang.diagnostics.model import Diagnostic
from schedlang.diagnostics.render import render_concise, render_human
from schedlang.diagnostics.render_json import (
    SCHEMA_VERSION,
    JsonObject,
    JsonValue,
    diagnostics_json,
)
from schedlang.source import Sources

if TYPE_CHECKING:
    from schedlang.backend import EnvironmentProblem
    from schedlang.driver import Compilation
    from schedlang.report.chart import Chart


class Format(StrEnum):
    HUMAN = "human"
    CONCISE = "concise"
    JSON = "json"


@final
@dataclass(frozen=True, slots=True)
class Findings:
    """The diagnostics on one policy, by the path or name that the user gave."""

    policy: str
    diagnostics: tuple[Diagnostic, ...]
    sources: Sources = ()


def findings_of(done: Compilation) -> Findings:
    return Findings(done.request.path, done.diagnostics, done.sources)


def wants_colour(stream: TextIO) -> bool:
    """Only on a terminal, and not against NO_COLOR (any value but the empty one)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def line_columns(stream: TextIO) -> int:
    """How wide a line may be: what the terminal or COLUMNS says, else 100."""
    return shutil.get_terminal_size((100, 24)).columns if stream.isatty() else _file_columns()


def _file_columns() -> int:
    told = os.environ.get("COLUMNS", "")
    return int(told) if told.isdecimal() and 20 <= int(told) <= 1000 else 100


def draws_ascii(stream: TextIO) -> bool:
    """Whether the stream cannot show what lanes are drawn with."""
    try:
        "│─▒░↺▸╵▲".encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return True
    return False


def pen(stream: TextIO, colour: bool, indent: int) -> Callable[[Chart], str]:
    """Draws charts for the stream, `indent` columns less wide than it is."""
    from schedlang.report.chart_text import chart_text

    columns, ascii_only = line_columns(stream) - indent, draws_ascii(stream)
    return lambda chart: chart_text(chart, columns, colour=colour, ascii_only=ascii_only)


def print_findings(
    findings: Sequence[Findings], form: Format, more: JsonObject | None = None
) -> None:
    """All diagnostics; for JSON the whole document, of which `more` is a part."""
    match form:
        case Format.HUMAN:
            colour = wants_colour(sys.stderr)
            texts = [render_human(f.diagnostics, f.sources, colour) for f in findings]
            click.echo("\n".join(filter(None, texts)), err=True, nl=False, color=True)
        case Format.CONCISE:
            texts = [render_concise(f.diagnostics, f.sources) for f in findings]
            click.echo("".join(texts), err=True, nl=False)
        case Format.JSON:
            click.echo(json.dumps(_document(findings, more or {}), indent=2))


def _document(findings: Sequence[Findings], more: JsonObject) -> JsonObject:
    diagnostics: list[JsonValue] = [
        {"policy": f.policy, **diagnostic}
        for f in findings
        for diagnostic in diagnostics_json(f.diagnostics, f.sources)
    ]
    return {"schema_version": SCHEMA_VERSION, "diagnostics": diagnostics, **more}


def print_problem(problem: EnvironmentProblem, policy: str, form: Format) -> tuple[Diagnostic, ...]:
    """An environment problem as a finding; gives it back for the exit code."""
    from schedlang.driver import describe_problem

    diagnostics = (describe_problem(problem),)
    print_findings((Findings(policy, diagnostics),), form)
    return diagnostics
