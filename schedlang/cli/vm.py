"""What `verify` and `run` share: the micro-VM that the options describe, and a stay in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec

import click

from schedlang.cli.exits import Exit, exit_for
from schedlang.cli.output import Findings, Format, findings_of, print_findings, print_problem
from schedlang.diagnostics.model import Diagnostic, has_errors

if TYPE_CHECKING:
    from schedlang.backend import KernelReport, RunRequest
    from schedlang.driver import Compilation
    from schedlang.topology import Topology

P = ParamSpec("P")
_LARGEST = 64


kernel_option = click.option(
    "--kernel",
    default="newest",
    show_default=True,
    metavar="newest|6.12|PATH",
    help="The kernel of the micro-VM; PATH is a bzImage.",
)


def machine_options(command: Callable[P, None]) -> Callable[P, None]:
    """The micro-VM's options: its CPUs and its kernel."""
    return topology_options(kernel_option(command))


def topology_options(command: Callable[P, None]) -> Callable[P, None]:
    """A machine's CPUs; `read_topology` checks that they fit together."""
    size = click.IntRange(1, _LARGEST)
    for option in (
        click.option("--smt", type=size, default=1, show_default=True, help="Threads per core."),
        click.option("--nodes", type=size, default=1, show_default=True, help="NUMA nodes."),
        click.option("--llcs", type=size, default=1, show_default=True, help="Last-level caches."),
        click.option("--cpus", type=size, default=2, show_default=True, help="CPUs in all."),
    ):
        command = option(command)
    return command


def read_topology(cpus: int, llcs: int, nodes: int, smt: int) -> Topology:
    from schedlang.topology import Topology

    if cpus % (llcs * smt) or llcs % nodes:
        raise click.UsageError(
            "--cpus must be a multiple of --llcs times --smt, and --llcs one of --nodes"
        )
    return Topology(cpus, llcs, nodes, smt)


def compile_for_kernel(
    policy: str, libraries: tuple[Path, ...], unproved: bool = False
) -> Compilation:
    from schedlang.driver import Request, run

    return run(Request(policy, unproved=unproved, libraries=libraries))


def stay_in_vm(done: Compilation, request: RunRequest) -> KernelReport:
    """Load the object in the micro-VM and run the workload under it. Raises EnvironmentProblem."""
    from schedlang.driver import load_backend

    assert done.built is not None
    assert done.policy is not None
    report = load_backend().run(done.built.object, done.policy, request)
    return replace(report, diagnostics=(*report.diagnostics, *_missed(report, request)))


def _missed(report: KernelReport, request: RunRequest) -> tuple[Diagnostic, ...]:
    """What did not happen though nothing failed."""
    if has_errors(report.diagnostics):
        return ()
    if not report.attached_throughout:
        what = "the scheduler did not stay attached"
        return (Diagnostic("E0503", what, notes=(report.log,)),)
    ran = report.ran
    if ran is not None and request.workload.duration_ns is None and not ran.all_ended:
        groups = (group for group in ran.outcome.groups if group.ended < group.threads)
        left = ", ".join(f"{group.threads - group.ended} of {group.group}" for group in groups)
        cut = f"the workload was cut off after {ran.outcome.makespan_ns // 10**6} ms"
        return (Diagnostic("E0506", f"{cut}; threads that had not ended: {left}"),)
    return ()


def tell_stay(
    done: Compilation,
    request: RunRequest,
    form: Format,
    *,
    was_run: bool,
    write: Callable[[KernelReport], None] = lambda _report: None,
) -> int:
    """Do it, print what came of it, and note that the object passed if it did.

    `write` writes the files that were asked for; like the rest it may raise EnvironmentProblem.
    """
    from schedlang.backend import EnvironmentProblem
    from schedlang.cli.passes import record_pass
    from schedlang.report.kernel import kernel_json, kernel_text, object_json

    assert done.built is not None
    try:
        report = stay_in_vm(done, request)
        if not has_errors(report.diagnostics) and not done.request.unproved:
            record_pass(done.built.object, report.kernel)
        write(report)
    except EnvironmentProblem as problem:
        return exit_for(print_problem(problem, done.request.path, form))
    told = (*done.diagnostics, *report.diagnostics)
    more = {"object": object_json(done.built), "kernel": kernel_json(report)}
    if form is Format.HUMAN:
        click.echo(kernel_text(report, request.topology.cpus, was_run=was_run), nl=False)
    print_findings([Findings(done.request.path, told, done.sources)], form, more)
    return exit_for(told)


def tell_failure(done: Compilation, form: Format) -> Exit:
    """A compilation that gave no object."""
    print_findings([findings_of(done)], form)
    return exit_for(done.diagnostics)
