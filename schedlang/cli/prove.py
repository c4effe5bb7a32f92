"""`schedc prove`: what holds of a policy, with bounds, assumptions and counterexamples."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from schedlang.cli.exits import exit_for
from schedlang.cli.options import (
    exits_with,
    format_option,
    html_option,
    library_option,
    print_timings,
    time_option,
)
from schedlang.cli.output import Findings, Format, findings_of, pen, print_findings, wants_colour

if TYPE_CHECKING:
    from schedlang.diagnostics.model import Diagnostic
    from schedlang.driver import Compilation

_FOLDER = click.Path(path_type=Path)


@click.command()
@click.argument("policy", type=click.Path(), required=False)
@click.option("--trace", is_flag=True, help="Draw the runs that refute, or come near a bound.")
@html_option
@click.option(
    "--proofs",
    metavar="DIRECTORY",
    type=_FOLDER,
    help="Write each query as an SMT-LIB file there, with an index.",
)
@click.option(
    "--recheck",
    metavar="DIRECTORY",
    type=_FOLDER,
    help="Let cvc5 decide the files of --proofs again.",
)
@library_option
@format_option
@time_option
@exits_with
def prove(
    policy: str | None,
    trace: bool,
    html: Path | None,
    proofs: Path | None,
    recheck: Path | None,
    libraries: tuple[Path, ...],
    form: Format,
    time_passes: bool,
) -> int:
    """Prove what POLICY guarantees, or show a run that breaks it.

    \b
    Exit status 3: something is refuted. 4: something could not be decided.
    8: a certificate was changed, or cvc5 contradicts it.

    With --recheck nothing is proved; POLICY, if given, is what the certificates have to be of.
    """
    from schedlang.driver import Phase, Request, run

    if recheck is not None:
        from schedlang.cli.recheck import recheck_folder

        if trace or time_passes or html is not None or proofs is not None:
            raise click.UsageError("--recheck proves nothing: it goes with POLICY and --format")
        expected = None if policy is None else Request(policy, Phase.PROVE, libraries=libraries)
        return recheck_folder(recheck, expected, form)
    if policy is None:
        raise click.UsageError("POLICY is missing")
    if proofs is not None:
        _require_own_folder(proofs)
    request = Request(policy, Phase.PROVE, attain=True, libraries=libraries)
    done = _write(run(request), html, proofs)
    _print(done, form, trace)
    if time_passes:
        print_timings(done)
    return exit_for(done.diagnostics)


def _require_own_folder(proofs: Path) -> None:
    """The folder is replaced as a whole: it must not be one that somebody is in."""
    here = Path.cwd()
    if proofs.absolute().resolve() in (here, *here.parents):
        raise click.BadParameter("it has to be a folder of its own", param_hint="--proofs")


def _write(done: Compilation, html: Path | None, proofs: Path | None) -> Compilation:
    """The files that were asked for; what cannot be written becomes a finding."""
    from schedlang.backend import EnvironmentProblem
    from schedlang.driver import describe_problem
    from schedlang.files import replace_certificates, write_file

    if done.policy is None or done.proof is None:
        return done
    problems: list[Diagnostic] = []
    try:
        if proofs is not None:
            from schedlang.report.certificates import certificates

            replace_certificates(proofs, certificates(done.proof, done.policy))
        if html is not None:
            from schedlang.report.proof_page import proof_page

            write_file(html, proof_page(done.proof, done.policy).encode())
    except EnvironmentProblem as problem:
        problems.append(describe_problem(problem))
    return done.told(*problems)


def _print(done: Compilation, form: Format, trace: bool) -> None:
    if done.policy is None or done.proof is None:
        print_findings([findings_of(done)], form)
        return
    from schedlang.report.proof_json import proof_json
    from schedlang.report.proof_text import proof_text

    if form is Format.HUMAN:
        # The report tells the proofs' own findings, each where it belongs.
        others = tuple(d for d in done.diagnostics if d.code[1:3] != "03")
        print_findings([Findings(done.request.path, others, done.sources)], form)
        colour = wants_colour(sys.stdout)
        draw = pen(sys.stdout, colour, indent=2) if trace else None
        text = proof_text(done.proof, done.policy, colour=colour, draw=draw)
        click.echo(text, nl=False, color=True)
    else:
        more = {"proof": proof_json(done.proof, done.policy)}
        print_findings([findings_of(done)], form, more)
