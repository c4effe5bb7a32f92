"""`schedc doctor`: what is installed, what is missing, and the command that mends it."""

from __future__ import annotations

import json
import platform
from typing import TYPE_CHECKING

import click

from schedlang.cli.exits import Exit
from schedlang.cli.options import exits_with, format_option
from schedlang.cli.output import Format, print_problem
from schedlang.diagnostics.printable import printable
from schedlang.diagnostics.render_json import SCHEMA_VERSION, JsonValue

if TYPE_CHECKING:
    from schedlang.backend import Check


@click.command()
@format_option
@exits_with
def doctor(form: Format) -> int:
    """Say what is installed here and what is missing."""
    from schedlang.backend import EnvironmentProblem
    from schedlang.driver import load_backend

    try:
        checks = (*_own_checks(), *load_backend().doctor())
    except EnvironmentProblem as problem:
        print_problem(problem, "", form)
        return Exit.ENVIRONMENT
    if form is Format.JSON:
        found: list[JsonValue] = [
            {"name": c.name, "found": c.found, "remedy": c.remedy or None} for c in checks
        ]
        click.echo(json.dumps({"schema_version": SCHEMA_VERSION, "checks": found}, indent=2))
    else:
        _print(checks)
    return Exit.ENVIRONMENT if any(check.remedy for check in checks) else Exit.FINE


def _own_checks() -> tuple[Check, ...]:
    from importlib.metadata import version

    from schedlang.backend import Check

    return (
        Check("schedc", version("schedlang"), ""),
        Check("python", platform.python_version(), ""),
        Check("z3", version("z3-solver"), ""),
        Check("cvc5", _second_solver(), ""),
    )


def _second_solver() -> str:
    """It is optional, so that its absence is nothing to mend."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("cvc5")
    except PackageNotFoundError:
        return "not there; optional: pip install 'schedlang[recheck]'"


def _print(checks: tuple[Check, ...]) -> None:
    width = max(len(check.name) for check in checks)
    for check in checks:
        mark = "missing" if check.remedy else "ok"
        click.echo(f"{mark:>7}  {check.name:{width}}  {printable(check.found)}".rstrip())
        if check.remedy:
            click.echo(f"{'':>7}  {'':{width}}  mend it: {printable(check.remedy)}")
