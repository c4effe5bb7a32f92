"""`schedc conform`: whether the C that is emitted for a policy does what the policy means."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from schedlang.cli.exits import exit_for
from schedlang.cli.options import (
    exits_with,
    format_option,
    library_option,
    policy_argument,
    seed_option,
)
from schedlang.cli.output import Findings, Format, findings_of, print_findings, print_problem
from schedlang.cli.vm import kernel_option
from schedlang.diagnostics.model import has_errors

if TYPE_CHECKING:
    from schedlang.backend import KernelReport
    from schedlang.conform.check import Plan
    from schedlang.driver import Compilation
    from schedlang.ir.nodes import Policy
    from schedlang.workload.model import Workload

_VM_SECONDS = 2.0


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
@click.option("--vm", is_flag=True, help="Follow a run of a real kernel, in a micro-VM, instead.")
@click.option(
    "--workload",
    "-w",
    "workload_name",
    metavar="NAME|FILE",
    help="With --vm: what runs; a shape, or a TOML file; see docs/workloads.md.",
)
@kernel_option
@library_option
@format_option
@exits_with
def conform(
    policy: str,
    traces: int,
    events: int,
    seed: int,
    vm: bool,
    workload_name: str | None,
    kernel: str,
    libraries: tuple[Path, ...],
    form: Format,
) -> int:
    """Compare the C of POLICY with the reference machine, decision by decision.

    The C is compiled as a program of this machine, where nothing of it is loaded into a kernel, and
    called back as a kernel would on random traces. A divergence is told with a trace made short.
    With --vm a kernel runs a workload under it, and each of its choices is compared.
    """
    from schedlang.backend import EnvironmentProblem
    from schedlang.conform.check import Plan
    from schedlang.driver import Phase, Request, run

    if workload_name is not None and not vm:
        raise click.UsageError("--workload is for --vm")
    done = run(Request(policy, through=Phase.LOWER, libraries=libraries))
    if done.policy is None:
        print_findings([findings_of(done)], form)
        return exit_for(done.diagnostics)
    try:
        if vm:
            return _in_kernel(done, done.policy, workload_name, kernel, seed, form)
        return _natively(done, done.policy, Plan(traces, events, seed), form)
    except EnvironmentProblem as problem:
        return exit_for(print_problem(problem, policy, form))


def _natively(done: Compilation, policy: Policy, plan: Plan, form: Format) -> int:
    """Raises EnvironmentProblem."""
    from schedlang.conform.check import check
    from schedlang.driver import load_backend
    from schedlang.prover.verdict import ProofReport
    from schedlang.report.conformance import (
        conformance_json,
        conformance_text,
        divergence_finding,
    )

    backend = load_backend()
    if uncovered := backend.uncovered(policy):
        print_findings([findings_of(done.told(*uncovered))], form)
        return exit_for(uncovered)
    (twin,) = backend.twins([(backend.emit(policy, ProofReport(())), policy)])
    checked = check(policy, twin, plan)
    if form is Format.HUMAN:
        click.echo(conformance_text(policy, plan, checked), nl=False)
    if checked.failure is not None:
        done = done.told(divergence_finding(policy, checked.failure))
    print_findings([findings_of(done)], form, {"conformance": conformance_json(plan, checked)})
    return exit_for(done.diagnostics)


def _in_kernel(
    done: Compilation, policy: Policy, name: str | None, kernel: str, seed: int, form: Format
) -> int:
    """Raises EnvironmentProblem."""
    from schedlang.conform.observed import apart, follow, obstacle
    from schedlang.report.observed import observed_json, observed_text, parting_finding

    workload, found = _workload(policy, name)
    if workload is None:
        print_findings([found], form)
        return exit_for(found.diagnostics)
    why = obstacle(policy, workload)
    if why:
        raise click.UsageError(f"this cannot be followed: {why}")
    followed_policy = apart(policy, workload)
    report = _stay(done, followed_policy, workload, kernel, seed)
    if has_errors(report.diagnostics) or report.ran is None or report.ran.trace is None:
        done = done.told(*report.diagnostics)
        print_findings([findings_of(done)], form)
        return exit_for(done.diagnostics)
    followed = follow(followed_policy, workload, report.ran.trace)
    if form is Format.HUMAN:
        click.echo(observed_text(policy, workload, report.kernel, followed), nl=False)
    if followed.parting is not None:
        done = done.told(parting_finding(followed_policy, followed.parting))
    print_findings([findings_of(done)], form, {"observed": observed_json(report.kernel, followed)})
    return exit_for(done.diagnostics)


def _workload(policy: Policy, name: str | None) -> tuple[Workload | None, Findings]:
    """What `name` says; else tasks that between them reach every queue."""
    from schedlang.cli.workload import default_tasks, task_workload
    from schedlang.conform.observed import ONE_CPU
    from schedlang.shapes import load_workload
    from schedlang.workload.check import check_cpus
    from schedlang.workload.format import describe

    if name is None:
        return task_workload(default_tasks(policy), _VM_SECONDS), Findings("", ())
    loaded = load_workload(name)
    if loaded.workload is None or loaded.source is None:
        return None, Findings(name, loaded.diagnostics, ())
    problems = describe(check_cpus(loaded.workload, ONE_CPU.cpus), loaded.source)
    workload = None if problems else loaded.workload
    return workload, Findings(name, problems, (loaded.source,))


def _stay(
    done: Compilation, policy: Policy, workload: Workload, kernel: str, seed: int
) -> KernelReport:
    """Raises EnvironmentProblem."""
    from schedlang.backend import Built, RunRequest
    from schedlang.cli.vm import stay_in_vm
    from schedlang.conform.observed import ONE_CPU
    from schedlang.driver import load_backend
    from schedlang.prover.verdict import ProofReport

    backend = load_backend()
    built = backend.build(backend.emit(policy, ProofReport(()), traced=True), policy)
    assert isinstance(built, Built), "what is emitted compiles"
    request = RunRequest(
        ONE_CPU, workload, kernel=kernel, seed=seed, deterministic=True, trace=True
    )
    return stay_in_vm(replace(done, policy=policy, built=built), request)
