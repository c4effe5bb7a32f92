"""`schedc manual`: the manual of the language, as it is installed."""

from __future__ import annotations

import click

PAGES = ("language", "stdlib")


@click.command()
@click.argument("page", type=click.Choice(PAGES), default="language")
def manual(page: str) -> None:
    """Print the manual of the language: all that is needed to write a policy.

    PAGE `stdlib` is about the standard library.
    """
    from schedlang.resources import data_root

    click.echo((data_root("docs") / f"{page}.md").read_text("utf-8"), nl=False)
