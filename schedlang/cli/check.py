"""`schedc check`: is the text a policy? Everything before the solver."""

from __future__ import annotations

from pathlib import Path

import click

from schedlang.cli.exits import exit_for
from schedlang.cli.options import (
    exits_with,
    format_option,
    library_option,
    policies_argument,
    print_timings,
    time_option,
)
from schedlang.cli.output import Format, findings_of, print_findings


@click.command()
@policies_argument
@library_option
@format_option
@time_option
@exits_with
def check(
    policies: tuple[str, ...], libraries: tuple[Path, ...], form: Format, time_passes: bool
) -> int:
    """Check the syntax, names and types of POLICIES; prove nothing.

    `-` reads standard input.
    """
    from schedlang.driver import Phase, Request, run

    results = [run(Request(path, Phase.LOWER, libraries=libraries)) for path in policies]
    print_findings([findings_of(result) for result in results], form)
    for result in results:
        if time_passes:
            print_timings(result)
    return exit_for(tuple(d for result in results for d in result.diagnostics))
