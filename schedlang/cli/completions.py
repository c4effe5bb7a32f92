"""`schedc completions`: the script that makes a shell complete schedc's commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

PROGRAM = "schedc"
COMPLETE_VARIABLE = "_SCHEDC_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completions(context: click.Context, shell: str) -> None:
    """Print the completion script for SHELL.

    \b
    bash:  schedc completions bash >~/.local/share/bash-completion/completions/schedc
    zsh:   schedc completions zsh  >a folder of $fpath/_schedc
    fish:  schedc completions fish >~/.config/fish/completions/schedc.fish
    """
    completion = get_completion_class(shell)
    assert completion is not None
    root = context.find_root().command
    click.echo(completion(root, {}, PROGRAM, COMPLETE_VARIABLE).source())
