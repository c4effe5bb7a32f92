"""`schedc fmt`: policies in their one layout."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

import click

from schedlang.cli.exits import Exit, exit_for
from schedlang.cli.options import exits_with, format_option, policies_argument
from schedlang.cli.output import Findings, Format, print_findings
from schedlang.diagnostics.printable import printable

if TYPE_CHECKING:
    from schedlang.diagnostics.model import Diagnostic
    from schedlang.source import Source


@final
@dataclass(frozen=True, slots=True)
class Layout:
    """A policy's text as it is and as it should be, or why it cannot be laid out."""

    path: str
    source: Source | None
    formatted: str
    diagnostics: tuple[Diagnostic, ...]

    @property
    def differs(self) -> bool:
        return self.source is not None and self.source.text != self.formatted

    @property
    def findings(self) -> Findings:
        return Findings(self.path, self.diagnostics, (self.source,) if self.source else ())


@click.command()
@policies_argument
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if a file would change.")
@click.option("--diff", is_flag=True, help="Write nothing; print what would change.")
@format_option
@exits_with
def fmt(policies: tuple[str, ...], check: bool, diff: bool, form: Format) -> int:
    """Lay POLICIES out in the language's one way, in place.

    `-` formats standard input to standard output.
    """
    layouts = [_layout(path) for path in policies]
    print_findings([layout.findings for layout in layouts], form)
    written: tuple[Diagnostic, ...] = ()
    for layout in layouts:
        if layout.diagnostics or layout.source is None:
            continue
        if diff:
            _print_diff(layout.source, layout.formatted)
        elif check and layout.differs:
            click.echo(f"{printable(layout.path)} would change", err=True)
        elif not check:
            written += _write(layout, form)
    if check and any(layout.differs for layout in layouts):
        return Exit.POLICY
    return exit_for((*(d for layout in layouts for d in layout.diagnostics), *written))


def _layout(path: str) -> Layout:
    from schedlang.diagnostics.model import Diagnostic
    from schedlang.files import read_policy
    from schedlang.syntax.format import format_policy
    from schedlang.syntax.parse import parse

    source = read_policy(path)
    if isinstance(source, Diagnostic):
        return Layout(path, None, "", (source,))
    tree, diagnostics = parse(source)
    if tree is None:
        return Layout(path, source, source.text, diagnostics)
    return Layout(path, source, format_policy(source), ())


def _write(layout: Layout, form: Format) -> tuple[Diagnostic, ...]:
    from schedlang.backend import EnvironmentProblem
    from schedlang.cli.output import print_problem
    from schedlang.files import STDIN, replace_file

    if layout.path == STDIN:
        click.echo(layout.formatted, nl=False)
        return ()
    if not layout.differs:
        return ()
    try:
        replace_file(Path(layout.path), layout.formatted.encode())
    except EnvironmentProblem as problem:
        return print_problem(problem, layout.path, form)
    click.echo(f"laid out {printable(layout.path)}", err=True)
    return ()


def _print_diff(source: Source, formatted: str) -> None:
    name = printable(source.name)
    before, after = source.text.splitlines(keepends=True), formatted.splitlines(keepends=True)
    for line in difflib.unified_diff(before, after, name, f"{name} (laid out)"):
        click.echo(
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n", nl=False
        )
