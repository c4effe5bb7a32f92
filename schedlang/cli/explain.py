"""`schedc explain`: the page of a diagnostic code."""

from __future__ import annotations

import sys

import click

from schedlang.cli.output import wants_colour


@click.command()
@click.argument("code", required=False, shell_complete=lambda _c, _p, text: _completions(text))
def explain(code: str | None) -> None:
    """Print what a diagnostic's CODE means and how to mend it.

    Without CODE, list all codes.
    """
    from schedlang.diagnostics.codes import CODES
    from schedlang.diagnostics.pages import page
    from schedlang.diagnostics.suggest import did_you_mean

    if code is None:
        click.echo("\n".join(f"{entry.code}  {entry.title}" for entry in CODES.values()))
        return
    wanted = code.strip().upper()
    if wanted not in CODES:
        near = did_you_mean(wanted, CODES)
        hint = f"; did you mean {near}?" if near else ""
        raise click.BadParameter(f"there is no code {code!r}{hint}", param_hint="CODE")
    _print(page(wanted))


def _completions(text: str) -> list[str]:
    from schedlang.diagnostics.codes import CODES

    return [code for code in CODES if code.startswith(text.upper())]


def _print(markdown: str) -> None:
    if not wants_colour(sys.stdout):
        click.echo(markdown, nl=False)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console()
    console.print(Markdown(markdown), width=min(console.width, 100))
