"""`schedc compare`: policies against the kernel's own scheduler, measured."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

import click

from schedlang.cli.exits import exit_for
from schedlang.cli.options import exits_with, format_option, html_option, library_option
from schedlang.cli.output import Findings, Format, findings_of, print_findings, print_problem
from schedlang.cli.vm import machine_options, read_topology
from schedlang.diagnostics.model import Diagnostic, has_errors

if TYPE_CHECKING:
    from schedlang.compare.collect import Loadable
    from schedlang.compare.plan import Contender
    from schedlang.compare.samples import Samples
    from schedlang.driver import Compilation
    from schedlang.shapes import Loaded
    from schedlang.topology import Topology
    from schedlang.workload.model import Workload

_MOST_SEED = 2**63 - 1
_MOST_BYTES = 1 << 28


@click.command()
@click.argument("policies", type=click.Path(), nargs=-1)
@click.option(
    "--workload",
    "-w",
    "workload_names",
    multiple=True,
    metavar="NAME|FILE",
    type=click.Path(),
    help="A shape, or a TOML file: see docs/workloads.md. Repeatable.",
)
@machine_options
@click.option("--seed", type=click.IntRange(0, _MOST_SEED), default=0, show_default=True)
@click.option(
    "--seeds",
    type=click.IntRange(1, 1000),
    default=12,
    show_default=True,
    help="How many seeds, from --seed on.",
)
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    metavar="TEXT",
    help="Only figures with this in the name, such as makespan. Repeatable.",
)
@click.option("--sim", is_flag=True, help="On the reference machine, without EEVDF.")
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write the raw samples there, as lines of JSON.",
)
@click.option(
    "--replay",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Measure nothing: tell of the samples in that file.",
)
@html_option
@library_option
@format_option
@exits_with
def compare(
    policies: tuple[str, ...],
    workload_names: tuple[str, ...],
    cpus: int,
    llcs: int,
    nodes: int,
    smt: int,
    kernel: str,
    seed: int,
    seeds: int,
    metrics: tuple[str, ...],
    sim: bool,
    out: Path | None,
    replay: Path | None,
    html: Path | None,
    libraries: tuple[Path, ...],
    form: Format,
) -> int:
    """Measure POLICIES and the kernel's default, EEVDF, on the same workloads.

    In a micro-VM with virtual time: the same command gives the same figures. Tells a difference
    only where chance would rarely make one, and refuses to tell anything if a run does not count.
    """
    from schedlang.backend import EnvironmentProblem

    asked = _Asked(
        policies,
        workload_names,
        read_topology(cpus, llcs, nodes, smt),
        "" if sim else kernel,
        range(seed, seed + seeds),
        libraries,
    )
    told = _Told(metrics, html, form)
    if replay is not None:
        if policies or workload_names or out is not None:
            raise click.UsageError("--replay takes no policies, workloads or --out: all is there")
        return _replay(replay, told)
    _require(asked)
    try:
        found = _measure(asked)
        if isinstance(found, tuple):
            print_findings(found, form)
            return exit_for(tuple(d for f in found for d in f.diagnostics))
        if out is not None:
            _keep(found, out)
    except EnvironmentProblem as problem:
        return exit_for(print_problem(problem, policies[0], form))
    return _tell(found, told)


@final
@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be measured. `kernel` is "" on the reference machine."""

    policies: tuple[str, ...]
    workloads: tuple[str, ...]
    topology: Topology
    kernel: str
    seeds: range
    libraries: tuple[Path, ...]


@final
@dataclass(frozen=True, slots=True)
class _Told:
    """How it is told."""

    metrics: tuple[str, ...]
    html: Path | None
    form: Format


def _require(asked: _Asked) -> None:
    if not asked.policies:
        raise click.UsageError("name a policy, or several; or --replay FILE")
    if not asked.workloads:
        raise click.UsageError("say on what: --workload NAME|FILE")
    if not asked.kernel and len(asked.policies) < 2:
        raise click.UsageError("--sim has no EEVDF: name two policies, the first is the baseline")


# --- measuring


def _measure(asked: _Asked) -> Samples | tuple[Findings, ...]:
    """The samples, or what is wrong with a policy, a workload or a run."""
    from schedlang.driver import Phase, Request, run
    from schedlang.shapes import load_workload

    through = Phase.BUILD if asked.kernel else Phase.LOWER
    compiled = [run(Request(path, through, libraries=asked.libraries)) for path in asked.policies]
    loaded = [load_workload(name) for name in asked.workloads]
    findings = [findings_of(done) for done in compiled]
    findings += [
        _findings(name, one, asked.topology)
        for name, one in zip(asked.workloads, loaded, strict=True)
    ]
    if any(has_errors(one.diagnostics) for one in findings):
        return tuple(findings)
    workloads = [one.workload for one in loaded if one.workload is not None]
    _require_names([workload.name for workload in workloads], "workloads")
    _require_names([done.policy.name for done in compiled if done.policy is not None], "policies")
    return _run(asked, compiled, workloads)


def _findings(name: str, loaded: Loaded, topology: Topology) -> Findings:
    from schedlang.workload.check import check_cpus
    from schedlang.workload.format import describe

    if loaded.workload is None or loaded.source is None:
        sources = () if loaded.source is None else (loaded.source,)
        return Findings(name, loaded.diagnostics, sources)
    problems = describe(check_cpus(loaded.workload, topology.cpus), loaded.source)
    return Findings(name, problems, (loaded.source,))


def _require_names(names: Sequence[str], what: str) -> None:
    if len(set(names)) < len(names):
        raise click.UsageError(f"two of the {what} have the same name: {', '.join(names)}")


def _run(
    asked: _Asked, compiled: list[Compilation], workloads: list[Workload]
) -> Samples | tuple[Findings, ...]:
    from schedlang.compare.collect import Missing, in_kernel, on_reference_machine
    from schedlang.compare.plan import EEVDF, Contender, Setup
    from schedlang.driver import load_backend

    policies = {done.policy.name: done.policy for done in compiled if done.policy is not None}
    contenders = [_contender(done) for done in compiled]
    if asked.kernel:
        contenders.insert(0, Contender(EEVDF, ""))
    setup = Setup(
        asked.topology, asked.kernel, tuple(contenders), tuple(workloads), tuple(asked.seeds)
    )
    if not asked.kernel:
        return on_reference_machine(setup, policies, lambda _place: None)
    loadable = dict(map(_loadable, compiled))
    try:
        return in_kernel(
            setup, loadable, load_backend(), lambda place: _progress(setup.seeds, place)
        )
    except Missing as missing:
        sources = compiled[0].sources if len(compiled) == 1 else ()
        return (Findings(asked.policies[0], missing.diagnostics, sources),)


def _contender(done: Compilation) -> Contender:
    from schedlang.compare.plan import Contender
    from schedlang.report.certificates import digest, source_digests

    assert done.policy is not None
    digests = [its for _, its in source_digests(done.policy)]
    return Contender(done.policy.name, digest("\n".join(digests).encode()))


def _loadable(done: Compilation) -> tuple[str, Loadable]:
    from schedlang.compare.collect import Loadable

    assert done.policy is not None
    assert done.built is not None
    return done.policy.name, Loadable(done.policy, done.built.object)


def _progress(seeds: Sequence[int], place: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"seed {seeds[place]} ({place + 1} of {len(seeds)})", err=True)


def _keep(samples: Samples, out: Path) -> None:
    """Raises EnvironmentProblem."""
    from schedlang.compare.lines import write_samples
    from schedlang.files import write_file

    write_file(out, write_samples(samples))


# --- telling


def _replay(path: Path, told: _Told) -> int:
    samples = _read(path)
    if isinstance(samples, Diagnostic):
        print_findings([Findings(str(path), (samples,))], told.form)
        return exit_for((samples,))
    return _tell(samples, told)


def _read(path: Path) -> Samples | Diagnostic:
    from schedlang.compare.lines import read_samples

    try:
        if not path.is_file():
            return Diagnostic("E1003", f"cannot use `{path}`: there is no such file")
        with path.open("rb") as file:
            return read_samples(str(path), file.read(_MOST_BYTES))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        return Diagnostic("E1003", f"cannot use `{path}`: {why}")


def _tell(samples: Samples, told: _Told) -> int:
    """The report, or why there is none."""
    from schedlang.backend import EnvironmentProblem
    from schedlang.compare.samples import check
    from schedlang.compare.verdict import check_control, judge
    from schedlang.files import write_file
    from schedlang.report.compare import compare_json, compare_text
    from schedlang.report.compare_page import compare_page

    problems = check(samples)
    report = judge(samples, told.metrics)
    problems = problems or check_control(report)
    if problems:
        print_findings([Findings("", problems)], told.form)
        return exit_for(problems)
    if not report.figures:
        raise click.UsageError("no run measured a figure with such a name")
    if told.form is Format.HUMAN:
        click.echo(compare_text(report), nl=False)
    try:
        if told.html is not None:
            write_file(told.html, compare_page(samples, report).encode())
    except EnvironmentProblem as problem:
        return exit_for(print_problem(problem, "", told.form))
    print_findings([Findings("", ())], told.form, {"comparison": compare_json(report)})
    return exit_for(())
