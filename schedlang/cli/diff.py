"""`schedc diff`: what a change of a policy does to its guarantees and to its choices."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from schedlang.cli.exits import Exit, exit_for
from schedlang.cli.options import exits_with, format_option, html_option, library_option
from schedlang.cli.output import (
    Findings,
    Format,
    pen,
    print_findings,
    wants_colour,
)

if TYPE_CHECKING:
    from schedlang.diagnostics.model import Diagnostic
    from schedlang.driver import Compilation
    from schedlang.report.diff import Difference


@click.command()
@click.argument("old", type=click.Path())
@click.argument("new", type=click.Path())
@html_option
@library_option
@format_option
@exits_with
def diff(old: str, new: str, html: Path | None, libraries: tuple[Path, ...], form: Format) -> int:
    """Compare two policies: guarantees, words, and a run in which they choose differently.

    \b
    Exit status 9: a guarantee of OLD is weaker in NEW, or cannot be compared.
    0: all are as strong, or stronger.
    """
    from schedlang.driver import Phase, Request, run

    if old == new == "-":
        raise click.UsageError("only one of the two can be standard input")
    sides = [run(Request(path, Phase.PROVE, libraries=libraries)) for path in (old, new)]
    # What does not hold is what is compared; it is no failure of the comparison.
    findings = [_other_findings(side) for side in sides]
    if any(side.policy is None or side.proof is None for side in sides):
        print_findings(findings, form)
        return exit_for(tuple(d for f in findings for d in f.diagnostics))
    found = _difference(sides[0], sides[1])
    problems = _write(found, html)
    findings.append(Findings(str(html), problems))
    _print(found, findings, form)
    return exit_for(problems) or (Exit.WEAKER if found.is_weaker else Exit.FINE)


def _other_findings(side: Compilation) -> Findings:
    kept = tuple(d for d in side.diagnostics if d.code[1:3] != "03")
    return Findings(side.request.path, kept, side.sources)


def _difference(old: Compilation, new: Compilation) -> Difference:
    from schedlang.report.diff import Side, difference

    assert old.policy is not None
    assert old.proof is not None
    assert new.policy is not None
    assert new.proof is not None
    return difference(Side(old.policy, old.proof), Side(new.policy, new.proof))


def _write(found: Difference, html: Path | None) -> tuple[Diagnostic, ...]:
    from schedlang.backend import EnvironmentProblem
    from schedlang.driver import describe_problem
    from schedlang.files import write_file
    from schedlang.report.diff import difference_page

    if html is None:
        return ()
    try:
        write_file(html, difference_page(found).encode())
    except EnvironmentProblem as problem:
        return (describe_problem(problem),)
    return ()


def _print(found: Difference, findings: list[Findings], form: Format) -> None:
    from schedlang.report.diff import difference_json, difference_text

    if form is Format.JSON:
        print_findings(findings, form, {"diff": difference_json(found)})
        return
    print_findings(findings, form)
    colour = wants_colour(sys.stdout)
    # Two columns less: what is drawn is indented.
    text = difference_text(found, pen(sys.stdout, colour, indent=2), colour=colour)
    click.echo(text, nl=False, color=True)
