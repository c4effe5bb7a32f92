"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec

import click

from schedlang.cli.output import Format

if TYPE_CHECKING:
    from schedlang.driver import Compilation
    from schedlang.ir.nodes import Policy
    from schedlang.tuning import Tune

P = ParamSpec("P")

policy_argument = click.argument("policy", type=click.Path())
"""No existence check of click's: a missing file is a diagnostic like any other."""

policies_argument = click.argument("policies", type=click.Path(), nargs=-1, required=True)


def format_option(command: Callable[P, None]) -> Callable[P, None]:
    """`--format`, whose variable is called after the option and not after the parameter `form`."""
    return click.option(
        "--format",
        "form",
        type=click.Choice([form.value for form in Format]),
        default=Format.HUMAN.value,
        show_default=True,
        envvar=f"SCHEDC_{command.__name__.strip('_').upper()}_FORMAT",
        callback=lambda _context, _option, value: Format(value),
        help="How findings are told.",
    )(command)


output_option = click.option(
    "-o",
    "--output-dir",
    metavar="DIRECTORY",
    type=click.Path(path_type=Path),
    default=Path("build"),
    show_default=True,
    help="Results go to a folder in it that has the policy's name.",
)

library_option = click.option(
    "--library",
    "libraries",
    metavar="DIRECTORY",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    multiple=True,
    help="Look for libraries there, too, after the policy's own folder. Repeatable.",
)

time_option = click.option(
    "--time-passes", is_flag=True, help="Print how long each phase took, to standard error."
)


html_option = click.option(
    "--html",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write a page that stands for itself.",
)


MOST_SEED = 2**64 - 1

seed_option = click.option(
    "--seed", type=click.IntRange(0, MOST_SEED), default=0, show_default=True
)

param_option = click.option(
    "--param",
    "param_texts",
    multiple=True,
    allow_from_autoenv=False,
    metavar="NAME=VALUE",
    help="A param's value. Repeatable.",
)


tune_option = click.option(
    "--tune",
    "tune_texts",
    multiple=True,
    allow_from_autoenv=False,
    metavar="TIME:NAME=VALUE",
    help="A param's value from then on, such as `2s:quantum=8ms`. Repeatable.",
)


def read_tunes(texts: tuple[str, ...], policy: Policy) -> tuple[Tune, ...]:
    """The changes that `--tune` asks for. Raises click's BadParameter."""
    from schedlang.cli.workload import BadText, read_tune

    try:
        return tuple(read_tune(text, policy) for text in texts)
    except BadText as error:
        raise click.BadParameter(str(error), param_hint="--tune") from error


def read_params(texts: tuple[str, ...], policy: Policy) -> tuple[tuple[str, int], ...]:
    """The values that `--param` gives. Raises click's BadParameter."""
    from schedlang.cli.workload import BadText, read_param

    try:
        return tuple(read_param(text, policy) for text in texts)
    except BadText as error:
        raise click.BadParameter(str(error), param_hint="--param") from error


def print_timings(compilation: Compilation) -> None:
    for timing in compilation.timings:
        click.echo(f"{timing.phase.value:>6} {timing.seconds * 1000:9.1f} ms", err=True)
    total = sum(timing.seconds for timing in compilation.timings)
    click.echo(f"{'total':>6} {total * 1000:9.1f} ms", err=True)


def exits_with(command: Callable[P, int]) -> Callable[P, None]:
    """Make a command's return value the process's exit code."""

    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        click.get_current_context().exit(int(command(*args, **kwargs)))

    run.__doc__ = command.__doc__
    run.__name__ = command.__name__
    return run
