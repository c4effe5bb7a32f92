"""`schedc prove`: what holds of a policy, with bounds, assumptions and counterexamples."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from schedlang.cli.exits import exit_for
from schedlang.cli.options import (
    exits_with,
    format_option,
    policy_argument,
    print_timings,
    time_option,
)
from schedlang.cli.output import Findings, Format, findings_of, print_findings, wants_colour

if TYPE_CHECKING:
    from schedlang.driver import Compilation


@click.command()
@policy_argument
@format_option
@time_option
@exits_with
def prove(policy: str, form: Format, time_passes: bool) -> int:
    """Prove what POLICY guarantees, or show a run that breaks it.

    Exit status 3: something is refuted. 4: something could not be decided.
    """
    from schedlang.driver import Phase, Request, run

    done = run(Request(policy, through=Phase.PROVE))
    _print(done, form)
    if time_passes:
        print_timings(done)
    return exit_for(done.diagnostics)


def _print(done: Compilation, form: Format) -> None:
    if done.policy is None or done.proof is None:
        print_findings([findings_of(done)], form)
        return
    from schedlang.report.proof_json import proof_json
    from schedlang.report.proof_text import proof_text

    if form is Format.HUMAN:
        # The report tells the proofs' own findings, each where it belongs.
        others = tuple(d for d in done.diagnostics if d.code[1:3] != "03")
        print_findings([Findings(done.request.path, others, done.sources)], form)
        text = proof_text(done.proof, done.policy, colour=wants_colour(sys.stdout))
        click.echo(text, nl=False, color=True)
    else:
        more = {"proof": proof_json(done.proof, done.policy)}
        print_findings([findings_of(done)], form, more)
