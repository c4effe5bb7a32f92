"""`schedc`: the commands, and the rim where exceptions become exit codes.

Commands import what is slow only when they run, so that `--help`, `check` and `fmt` stay quick.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
import traceback
from collections.abc import Sequence

import click
from click.shell_completion import shell_complete

from schedlang.cli.check import check
from schedlang.cli.compare import compare
from schedlang.cli.compile import compile_
from schedlang.cli.completions import COMPLETE_VARIABLE, PROGRAM, completions
from schedlang.cli.conform import conform
from schedlang.cli.diff import diff
from schedlang.cli.doctor import doctor
from schedlang.cli.exits import Exit
from schedlang.cli.explain import explain
from schedlang.cli.fmt import fmt
from schedlang.cli.import_ import import_
from schedlang.cli.manual import manual
from schedlang.cli.new import new
from schedlang.cli.prove import prove
from schedlang.cli.review import review
from schedlang.cli.run import run
from schedlang.cli.sim import sim
from schedlang.cli.test import test
from schedlang.cli.tune import tune
from schedlang.cli.verify import verify


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="schedlang", prog_name=PROGRAM, message="%(prog)s %(version)s")
def cli() -> None:
    """A language for Linux CPU schedulers: proofs, readable BPF, a kernel to try it in.

    \b
    check, prove and compile work on text; nothing is loaded.
    verify and run use a micro-VM; this machine's scheduler is never touched unless
    `run --host` is asked for in so many words.
    """


_COMMANDS = (
    check,
    prove,
    review,
    diff,
    compile_,
    verify,
    run,
    sim,
    test,
    compare,
    conform,
    tune,
    fmt,
    explain,
    manual,
    new,
    import_,
    doctor,
    completions,
)

for command in _COMMANDS:
    cli.add_command(command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; the process's exit code."""
    # A command needs nearly all that it makes until its end: looking for garbage is time wasted,
    # and so is freeing everything piece by piece when the process ends.
    gc.set_threshold(100_000)
    atexit.register(gc.freeze)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    if instruction := os.environ.get(COMPLETE_VARIABLE):
        return shell_complete(cli, {}, PROGRAM, COMPLETE_VARIABLE, instruction)
    try:
        status = _run(list(sys.argv[1:] if arguments is None else arguments))
        sys.stdout.flush()
    except (KeyboardInterrupt, click.Abort):
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # Python flushes standard output once more at its end: let that go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.BROKEN_PIPE
    return status


def _run(arguments: list[str]) -> int:
    try:
        with cli.make_context(PROGRAM, arguments, auto_envvar_prefix=PROGRAM.upper()) as context:
            cli.invoke(context)
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (BrokenPipeError, click.Abort):
        raise
    except Exception as error:  # noqa: BLE001 - the last resort: users see no traceback
        return _internal_error(error)
    return Exit.FINE


def _internal_error(error: Exception) -> int:
    from importlib.metadata import version

    from schedlang.cli.output import Findings, Format, print_findings
    from schedlang.diagnostics.model import Diagnostic

    if os.environ.get("SCHEDC_DEBUG") == "1":
        traceback.print_exception(error)
    message = f"internal error: {type(error).__name__}: {error}"
    notes = (
        f"a bug of schedc {version('schedlang')}: please report the policy and the command",
        "SCHEDC_DEBUG=1 prints where it happened",
    )
    finding = Diagnostic("E0901", message, notes=notes)
    print_findings([Findings("", (finding,))], Format.HUMAN)
    return Exit.INTERNAL
