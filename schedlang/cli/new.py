"""`schedc new`: a commented policy to start from, which compiles as it stands."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import click

from schedlang.cli.exits import exit_for
from schedlang.cli.options import exits_with, format_option
from schedlang.cli.output import Format, print_problem

TEMPLATES = ("fifo", "fair", "interactive")
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")


@click.command()
@click.argument("name")
@click.option(
    "--template",
    type=click.Choice(TEMPLATES),
    default="fair",
    show_default=True,
    help="What to start from.",
)
@format_option
@exits_with
def new(name: str, template: str, form: Format) -> int:
    """Write NAME.sched, a policy that compiles."""
    from schedlang.backend import EnvironmentProblem
    from schedlang.files import create_file

    text = template_text(template, name)
    if not _is_name(name, text):
        raise click.BadParameter(
            f"{name!r} cannot be a policy's name: write small letters, digits and `_`, no keyword",
            param_hint="NAME",
        )
    path = Path(f"{name}.sched")
    try:
        create_file(path, text.encode())
    except EnvironmentProblem as problem:
        return exit_for(print_problem(problem, str(path), form))
    click.echo(f"{path}: now `schedc compile {path}`")
    return 0


def template_text(template: str, name: str) -> str:
    text = (files("schedlang.cli") / "templates" / f"{template}.sched").read_text("utf-8")
    return text.replace("policy NAME", f"policy {name}", 1)


def _is_name(name: str, text: str) -> bool:
    """A name by its letters, and no keyword: the parser is asked."""
    from schedlang.source import Source
    from schedlang.syntax.parse import parse

    return bool(_NAME.fullmatch(name)) and parse(Source(name, text))[0] is not None
