"""`schedc run`: tasks under a policy in a micro-VM, or, in so many words, on this machine."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, final

import click

from schedlang.cli.exits import exit_for
from schedlang.cli.options import (
    exits_with,
    format_option,
    html_option,
    library_option,
    param_option,
    policy_argument,
    read_params,
    read_tunes,
    seed_option,
    tune_option,
)
from schedlang.cli.output import Findings, Format, print_findings, print_problem
from schedlang.cli.vm import (
    compile_for_kernel,
    machine_options,
    read_topology,
    tell_failure,
    tell_stay,
)

if TYPE_CHECKING:
    from schedlang.backend import KernelReport, RunRequest
    from schedlang.cli.workload import GuestTask
    from schedlang.driver import Compilation
    from schedlang.shapes import Loaded
    from schedlang.workload.model import Workload

_VM_SECONDS = 5.0
_IN_WORDS = "--i-know-this-replaces-the-running-scheduler"


@click.command()
@policy_argument
@machine_options
@click.option("--seconds", type=click.FloatRange(0.1, 3600), help="How long (in the VM: 5).")
@click.option(
    "--task",
    "task_texts",
    multiple=True,
    allow_from_autoenv=False,
    metavar="COMM:COUNT:NICE:BODY",
    help="Tasks, such as `nginx:6:0:runs 300us every 5ms` or `make:8:10:hog`. Repeatable.",
)
@click.option(
    "--workload",
    "-w",
    "workload_name",
    metavar="NAME|FILE",
    help="Run this instead: a shape, or a TOML file; see docs/workloads.md.",
)
@click.option(
    "--command",
    "command_text",
    allow_from_autoenv=False,
    metavar="'CMD ARGS'",
    help="A program of this machine to run beside the tasks, or alone.",
)
@seed_option
@click.option(
    "--deterministic", is_flag=True, help="Virtual time: the same command gives the same figures."
)
@param_option
@tune_option
@click.option(
    "--trace",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write what the kernel did as a trace for Perfetto or Chrome.",
)
@html_option
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
@library_option
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
    workload_name: str | None,
    command_text: str | None,
    seed: int,
    deterministic: bool,
    param_texts: tuple[str, ...],
    tune_texts: tuple[str, ...],
    trace: Path | None,
    html: Path | None,
    unproved: bool,
    host: bool,
    is_known: bool,
    libraries: tuple[Path, ...],
    form: Format,
) -> int:
    """Run tasks, or a workload, under POLICY in a micro-VM.

    Says who got how much. Without --task, --workload and --command: two hogs, two sleepers, and
    whatever else it takes to reach every queue.
    """
    topology = read_topology(cpus, llcs, nodes, smt)
    wanted = _Wanted(
        tasks=tuple(_read_task(text) for text in task_texts),
        workload=workload_name,
        command=_read_command(command_text),
        seconds=seconds,
        trace=trace,
        html=html,
    )
    if wanted.tasks and wanted.workload is not None:
        raise click.UsageError("--task and --workload exclude each other")
    if host:
        has_guests = wanted.is_for_guests or bool(param_texts or tune_texts)
        _require_words(seconds, is_known, unproved, has_guests)
    loaded = _load(wanted)
    if loaded is not None and loaded.workload is None:
        return _tell_bad_workload(wanted, loaded, form)
    done = compile_for_kernel(policy, libraries, unproved)
    if done.built is None or done.policy is None:
        return tell_failure(done, form)
    if host:
        assert seconds is not None
        return _on_host(done, seconds, form)
    from schedlang.backend import RunRequest

    request = RunRequest(
        topology=topology,
        workload=_workload(wanted, loaded, done, form),
        kernel=kernel,
        params=read_params(param_texts, done.policy),
        tunes=read_tunes(tune_texts, done.policy),
        seed=seed,
        deterministic=deterministic,
        trace=trace is not None or html is not None,
        command=wanted.command,
    )
    return _in_vm(done, request, wanted, form)


@final
@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the options say of the run."""

    tasks: tuple[GuestTask, ...]
    workload: str | None
    command: tuple[str, ...]
    seconds: float | None
    trace: Path | None
    html: Path | None

    @property
    def is_for_guests(self) -> bool:
        return bool(self.tasks or self.workload or self.command or self.trace or self.html)


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
        raise click.UsageError(
            "a host has its own tasks; params, workloads and traces are for the VM"
        )


def _read_task(text: str) -> GuestTask:
    from schedlang.cli.workload import BadText, read_task

    try:
        return read_task(text)
    except BadText as error:
        raise click.BadParameter(str(error), param_hint="--task") from error


def _read_command(text: str | None) -> tuple[str, ...]:
    if text is None:
        return ()
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--command") from error
    if not words:
        raise click.BadParameter("no command is in it", param_hint="--command")
    return words


# --- what runs


def _load(wanted: _Wanted) -> Loaded | None:
    from schedlang.shapes import load_workload

    return load_workload(wanted.workload) if wanted.workload is not None else None


def _tell_bad_workload(wanted: _Wanted, loaded: Loaded, form: Format) -> int:
    sources = () if loaded.source is None else (loaded.source,)
    print_findings([Findings(wanted.workload or "", loaded.diagnostics, sources)], form)
    return exit_for(loaded.diagnostics)


def _workload(wanted: _Wanted, loaded: Loaded | None, done: Compilation, form: Format) -> Workload:
    """`--seconds` cuts a workload off; without it a command has the time that it takes."""
    from schedlang.cli.workload import default_tasks, missed_queues, task_workload
    from schedlang.workload.model import Workload

    assert done.policy is not None
    if loaded is not None and loaded.workload is not None:
        if wanted.seconds is None:
            return loaded.workload
        return replace(loaded.workload, duration_ns=round(wanted.seconds * 1e9))
    if wanted.command and not wanted.tasks:
        duration_ns = None if wanted.seconds is None else round(wanted.seconds * 1e9)
        return Workload("command", "", (), duration_ns=duration_ns)
    chosen = wanted.tasks or default_tasks(done.policy)
    if form is Format.HUMAN:
        for queue in missed_queues(done.policy, chosen):
            told = f"no task is expected to reach queue `{queue}`; add one with --task"
            click.echo(told, err=True)
    return task_workload(chosen, wanted.seconds or _VM_SECONDS)


def _in_vm(done: Compilation, request: RunRequest, wanted: _Wanted, form: Format) -> int:
    from schedlang.report.proof_text import UNPROVED

    is_unproved = any(d.code in ("E0301", "E0302") for d in done.diagnostics)
    if form is Format.HUMAN and is_unproved:
        click.echo(UNPROVED)

    def write(report: KernelReport) -> None:
        _write_drawings(request, wanted, report)

    return tell_stay(done, request, form, was_run=True, write=write)


def _write_drawings(request: RunRequest, wanted: _Wanted, report: KernelReport) -> None:
    """The files that were asked for. Raises EnvironmentProblem."""
    from schedlang.files import write_file
    from schedlang.report.chart_html import chart_page
    from schedlang.report.chart_trace import chart_trace
    from schedlang.report.kernel_chart import kernel_chart
    from schedlang.report.outcome import outcome_tables

    ran = report.ran
    if ran is None or ran.trace is None:
        return
    outcome, cpus = ran.outcome, request.topology.cpus
    title = f"{outcome.workload} under {outcome.scheduler}, kernel {report.kernel}"
    chart = kernel_chart(title, cpus, outcome.makespan_ns, ran.trace)
    if wanted.trace is not None:
        write_file(wanted.trace, chart_trace(chart).encode())
    if wanted.html is not None:
        page = chart_page(title, (chart,), (), outcome_tables(outcome, cpus))
        write_file(wanted.html, page.encode())


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
