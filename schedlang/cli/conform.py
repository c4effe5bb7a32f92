"""`schedc conform`: whether the C that is emitted for a policy does what the policy means."""

from __future__ import annotations

from pathlib import Path

import click

from schedlang.cli.exits import exit_for
from schedlang.cli.options import (
    exits_with,
    format_option,
    library_option,
    policy_argument,
    seed_option,
)
from schedlang.cli.output import Format, findings_of, print_findings, print_problem


@click.command()
@policy_argument
@click.option(
    "--traces",
    type=click.IntRange(1, 1_000_000),
    default=500,
    show_default=True,
    help="How many random traces.",
)
@click.option(
    "--events",
    type=click.IntRange(1, 10_000),
    default=120,
    show_default=True,
    help="How much happens in each.",
)
@seed_option
@library_option
@format_option
@exits_with
def conform(
    policy: str, traces: int, events: int, seed: int, libraries: tuple[Path, ...], form: Format
) -> int:
    """Compare the C of POLICY with the reference machine, decision by decision.

    The C is compiled as a program of this machine, where nothing of it is loaded into a kernel, and
    called back as a kernel would on random traces. A divergence is told with a trace made short.
    """
    from dataclasses import replace

    from schedlang.backend import EnvironmentProblem
    from schedlang.conform.check import Plan, check
    from schedlang.driver import Phase, Request, load_backend, run
    from schedlang.prover.verdict import ProofReport
    from schedlang.report.conformance import (
        conformance_json,
        conformance_text,
        divergence_finding,
    )

    done = run(Request(policy, Phase.LOWER, libraries=libraries))
    if done.policy is None:
        print_findings([findings_of(done)], form)
        return exit_for(done.diagnostics)
    typed = done.policy
    plan = Plan(traces, events, seed)
    try:
        backend = load_backend()
        if uncovered := backend.uncovered(typed):
            done = done.told(*uncovered)
            print_findings([findings_of(done)], form)
            return exit_for(done.diagnostics)
        c = backend.emit(typed, ProofReport(()))
        (twin,) = backend.twins([(c, typed)])
    except EnvironmentProblem as problem:
        return exit_for(print_problem(problem, policy, form))
    checked = check(typed, twin, plan)
    if form is Format.HUMAN:
        click.echo(conformance_text(typed, plan, checked), nl=False)
    if checked.failure is not None:
        found = divergence_finding(typed, checked.failure)
        done = replace(done, diagnostics=(*done.diagnostics, found))
    print_findings([findings_of(done)], form, {"conformance": conformance_json(plan, checked)})
    return exit_for(done.diagnostics)
