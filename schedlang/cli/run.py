"""`schedc run`: tasks under a policy in a micro-VM, or, in so many words, on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from schedlang.cli.exits import exit_for
from schedlang.cli.options import exits_with, format_option, policy_argument
from schedlang.cli.output import Findings, Format, print_findings, print_problem
from schedlang.cli.vm import (
    compile_for_kernel,
    machine_options,
    read_topology,
    tell_failure,
    tell_stay,
)

if TYPE_CHECKING:
    from schedlang.backend import GuestTask
    from schedlang.driver import Compilation
    from schedlang.machine.topology import Topology

_VM_SECONDS = 5.0
_IN_WORDS = "--i-know-this-replaces-the-running-scheduler"


@click.command()
@policy_argument
@machine_options
@click.option("--seconds", type=click.FloatRange(0.5, 3600), help="How long (in the VM: 5).")
@click.option(
    "--task",
    "task_texts",
    multiple=True,
    allow_from_autoenv=False,
    metavar="COMM:COUNT:NICE:BODY",
    help="Tasks, such as `nginx:6:0:runs 300us every 5ms` or `make:8:10:hog`. Repeatable.",
)
@click.option(
    "--param",
    "param_texts",
    multiple=True,
    allow_from_autoenv=False,
    metavar="NAME=VALUE",
    help="A param's value at load.",
)
@click.option(
    "--unproved",
    is_flag=True,
    allow_from_autoenv=False,
    help="In the VM only: past refuted properties, to watch it starve.",
)
@click.option(
    "--host",
    is_flag=True,
    allow_from_autoenv=False,
    help="Replace THIS machine's scheduler; see docs/cli.md.",
)
@click.option(_IN_WORDS, "is_known", is_flag=True, hidden=True, allow_from_autoenv=False)
@format_option
@exits_with
def run(
    policy: str,
    cpus: int,
    llcs: int,
    nodes: int,
    smt: int,
    kernel: str,
    seconds: float | None,
    task_texts: tuple[str, ...],
    param_texts: tuple[str, ...],
    unproved: bool,
    host: bool,
    is_known: bool,
    form: Format,
) -> int:
    """Run tasks under POLICY in a micro-VM.

    Says who got how much. Without --task: two hogs, two sleepers, and whatever else it takes to
    reach every queue.
    """
    topology = read_topology(cpus, llcs, nodes, smt)
    tasks = tuple(_read_task(text) for text in task_texts)
    if host:
        _require_words(seconds, is_known, unproved, bool(tasks or param_texts))
    done = compile_for_kernel(policy, unproved)
    if done.built is None or done.policy is None:
        return tell_failure(done, form)
    if host:
        assert seconds is not None
        return _on_host(done, seconds, form)
    params = _read_params(param_texts, done)
    return _in_vm(done, topology, seconds or _VM_SECONDS, tasks, kernel, params, form)


def _require_words(seconds: float | None, is_known: bool, unproved: bool, has_guests: bool) -> None:
    if not is_known:
        raise click.UsageError(
            f"--host replaces the scheduler of this running machine; say so with {_IN_WORDS}"
        )
    if seconds is None:
        raise click.UsageError("--host needs --seconds: after that many it reverts by itself")
    if unproved:
        raise click.UsageError("an unproved policy runs in the micro-VM only")
    if has_guests:
        raise click.UsageError("--task and --param are for the micro-VM; a host has its own tasks")


def _read_task(text: str) -> GuestTask:
    from schedlang.cli.workload import BadText, read_task

    try:
        return read_task(text)
    except BadText as error:
        raise click.BadParameter(str(error), param_hint="--task") from error


def _read_params(texts: tuple[str, ...], done: Compilation) -> tuple[tuple[str, int], ...]:
    from schedlang.cli.workload import BadText, read_param

    assert done.policy is not None
    try:
        return tuple(read_param(text, done.policy) for text in texts)
    except BadText as error:
        raise click.BadParameter(str(error), param_hint="--param") from error


def _in_vm(
    done: Compilation,
    topology: Topology,
    seconds: float,
    tasks: tuple[GuestTask, ...],
    kernel: str,
    params: tuple[tuple[str, int], ...],
    form: Format,
) -> int:
    from schedlang.backend import RunRequest
    from schedlang.cli.workload import default_tasks, missed_queues
    from schedlang.report.proof_text import UNPROVED

    assert done.policy is not None
    chosen = tasks or default_tasks(done.policy)
    if form is Format.HUMAN:
        if any(d.code in ("E0301", "E0302") for d in done.diagnostics):
            click.echo(UNPROVED)
        for queue in missed_queues(done.policy, chosen):
            click.echo(
                f"no task is expected to reach queue `{queue}`; add one with --task", err=True
            )
    request = RunRequest(topology, seconds, chosen, kernel, params)
    return tell_stay(done, request, form, was_run=True)


def _on_host(done: Compilation, seconds: float, form: Format) -> int:
    from schedlang.backend import EnvironmentProblem
    from schedlang.cli.host import run_on_host, this_host

    assert done.built is not None
    assert done.policy is not None
    click.echo(f"this replaces the scheduler of this machine for {seconds:g} s", err=True)
    try:
        problems = run_on_host(this_host(), done.built.object, done.policy.name, seconds)
    except EnvironmentProblem as problem:
        return exit_for(print_problem(problem, done.request.path, form))
    told = (*done.diagnostics, *problems)
    print_findings([Findings(done.request.path, told, done.sources)], form)
    click.echo("the kernel's own scheduler is back", err=True)
    return exit_for(told)
