"""`schedc compile`: a proved policy becomes C and an object; an unproved one becomes a report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from schedlang.cli.exits import Exit, exit_for
from schedlang.cli.options import (
    exits_with,
    format_option,
    library_option,
    output_option,
    policy_argument,
    print_timings,
    time_option,
)
from schedlang.cli.output import Format, findings_of, print_findings

if TYPE_CHECKING:
    from schedlang.diagnostics.render_json import JsonObject
    from schedlang.driver import Compilation

STAGES = ("ast", "ir", "c", "obj")


@click.command("compile")
@policy_argument
@output_option
@click.option(
    "--emit",
    type=click.Choice(STAGES),
    help="Write this one form to standard output, and nothing to the output folder.",
)
@library_option
@format_option
@time_option
@exits_with
def compile_(
    policy: str,
    output_dir: Path,
    libraries: tuple[Path, ...],
    emit: str | None,
    form: Format,
    time_passes: bool,
) -> int:
    """Prove POLICY and compile it to sched_ext BPF.

    Writes policy.bpf.c, policy.bpf.o, proof.json and report.txt. There is an object only if every
    property that the policy needs is proved, or accepted by the policy itself.
    """
    from schedlang.driver import Phase, Request, run

    through = {"ast": Phase.PARSE, "ir": Phase.LOWER, "c": Phase.EMIT}.get(emit or "", Phase.BUILD)
    output = None if emit else output_dir
    done = run(Request(policy, through, output, libraries=libraries))
    if emit is None:
        print_findings([findings_of(done)], form, _product(done))
        if form is Format.HUMAN:
            _say_where(done)
    elif exit_for(done.diagnostics) is Exit.FINE:
        print_findings([findings_of(done)], Format.HUMAN if form is Format.JSON else form)
        _emit(done, emit)
    else:
        print_findings([findings_of(done)], form)
    if time_passes:
        print_timings(done)
    return exit_for(done.diagnostics)


def _emit(done: Compilation, stage: str) -> None:
    from schedlang.cli.dump import dump
    from schedlang.ir.text import print_ir

    match stage:
        case "ast":
            click.echo(dump(done.tree))
        case "ir":
            assert done.policy is not None
            click.echo(print_ir(done.policy), nl=False)
        case "c":
            click.echo(done.c, nl=False)
        case _:
            assert done.built is not None
            sys.stdout.buffer.write(done.built.object)


def _say_where(done: Compilation) -> None:
    if done.folder is None:
        return
    if done.built is not None:
        click.echo(f"{done.folder}/policy.bpf.o: every property proved or accepted, see report.txt")
    else:
        click.echo(f"{done.folder}/report.txt: no object was written", err=True)


def _product(done: Compilation) -> JsonObject:
    from schedlang.report.kernel import object_json
    from schedlang.report.proof_json import proof_json

    proof = proof_json(done.proof, done.policy) if done.proof and done.policy else None
    return {
        "folder": str(done.folder) if done.folder else None,
        "proof": proof,
        "object": object_json(done.built) if done.built else None,
    }
