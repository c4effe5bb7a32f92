"""`schedc sim`: a workload under a policy, on the reference machine. Nothing is loaded anywhere."""

from __future__ import annotations

import sys
from dataclasses import dataclass
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
from schedlang.cli.output import (
    Findings,
    Format,
    draws_ascii,
    findings_of,
    line_columns,
    print_findings,
    wants_colour,
)
from schedlang.cli.vm import read_topology, topology_options
from schedlang.diagnostics.model import Diagnostic

if TYPE_CHECKING:
    from schedlang.ir.nodes import Policy
    from schedlang.report.chart import Chart
    from schedlang.shapes import Loaded
    from schedlang.simulate.engine import Setting, Simulation
    from schedlang.topology import Topology
    from schedlang.workload.model import Workload

_LEAST_TICK_NS, _MOST_TICK_NS = 100_000, 100_000_000
_TURNS_SHOWN = 60


@click.command()
@policy_argument
@click.option(
    "--workload",
    "-w",
    "workload_name",
    required=True,
    metavar="NAME|FILE",
    type=click.Path(),
    help="A shape that comes with schedc, or a TOML file: see docs/workloads.md.",
)
@topology_options
@seed_option
@param_option
@tune_option
@click.option(
    "--tick", "tick_text", default="4ms", show_default=True, help="How often slices are enforced."
)
@click.option(
    "--trace",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write a trace for Perfetto or Chrome.",
)
@html_option
@library_option
@format_option
@exits_with
def sim(
    policy: str,
    workload_name: str,
    cpus: int,
    llcs: int,
    nodes: int,
    smt: int,
    seed: int,
    param_texts: tuple[str, ...],
    tune_texts: tuple[str, ...],
    tick_text: str,
    trace: Path | None,
    html: Path | None,
    libraries: tuple[Path, ...],
    form: Format,
) -> int:
    """Run a workload under POLICY on the reference machine.

    Who got how much, who waited how long, and a drawing of the run's beginning. The same command
    gives the same output; another --seed draws other lengths.
    """
    from schedlang.driver import Phase, Request, run
    from schedlang.shapes import load_workload
    from schedlang.simulate.engine import Setting, simulate

    topology = read_topology(cpus, llcs, nodes, smt)
    tick_ns = _read_tick(tick_text)
    done = run(Request(policy, Phase.LOWER, libraries=libraries))
    loaded = load_workload(workload_name)
    problems = _problems(loaded, topology)
    if done.policy is None or loaded.workload is None or problems:
        told = (findings_of(done), _findings(workload_name, loaded, problems))
        print_findings(told, form)
        return exit_for((*done.diagnostics, *problems))
    params, tunes = _params(param_texts, done.policy), read_tunes(tune_texts, done.policy)
    setting = Setting(topology, params, seed, tick_ns, tunes)
    is_drawn = form is Format.HUMAN or trace is not None or html is not None
    simulation = simulate(done.policy, loaded.workload, setting, recorded=is_drawn)
    ran = _Ran(done.policy, loaded.workload, setting, simulation)
    problems = (*_stood_still(simulation), *_write(ran, trace, html))
    told = (findings_of(done), _findings(workload_name, loaded, problems))
    _print(ran, told, form)
    return exit_for((*done.diagnostics, *problems))


@final
@dataclass(frozen=True, slots=True)
class _Ran:
    policy: Policy
    workload: Workload
    setting: Setting
    simulation: Simulation

    def chart(self) -> Chart:
        from schedlang.report.record_chart import record_chart

        assert self.simulation.record is not None
        cpus = self.setting.topology.cpus
        return record_chart(self.policy, self.workload, cpus, self.simulation.record)


# --- what was asked for


def _read_tick(text: str) -> int:
    from schedlang.workload.phrases import read_time

    tick_ns = read_time(text)
    if not isinstance(tick_ns, int) or not _LEAST_TICK_NS <= tick_ns <= _MOST_TICK_NS:
        raise click.BadParameter("a time from 100us to 100ms, such as 4ms", param_hint="--tick")
    return tick_ns


def _params(texts: tuple[str, ...], policy: Policy) -> tuple[int, ...]:
    chosen = dict(read_params(texts, policy))
    return tuple(chosen.get(param.name, param.default) for param in policy.params)


def _problems(loaded: Loaded, topology: Topology) -> tuple[Diagnostic, ...]:
    from schedlang.workload.check import check_cpus
    from schedlang.workload.format import describe

    if loaded.workload is None or loaded.source is None:
        return loaded.diagnostics
    return describe(check_cpus(loaded.workload, topology.cpus), loaded.source)


def _findings(name: str, loaded: Loaded, problems: tuple[Diagnostic, ...]) -> Findings:
    return Findings(name, problems, () if loaded.source is None else (loaded.source,))


# --- what came of it


def _stood_still(simulation: Simulation) -> tuple[Diagnostic, ...]:
    from schedlang.units import duration

    if not simulation.stuck:
        return ()
    at = duration(simulation.outcome.makespan_ns)
    message = f"the run stands still from {at} on: all threads that are left wait for each other"
    return (Diagnostic("E0707", message),)


def _write(ran: _Ran, trace: Path | None, html: Path | None) -> tuple[Diagnostic, ...]:
    """The files that were asked for; what cannot be written becomes a finding."""
    from schedlang.backend import EnvironmentProblem
    from schedlang.driver import describe_problem
    from schedlang.files import write_file

    try:
        if trace is not None:
            from schedlang.report.chart_trace import chart_trace

            write_file(trace, chart_trace(ran.chart()).encode())
        if html is not None:
            write_file(html, _page(ran).encode())
    except EnvironmentProblem as problem:
        return (describe_problem(problem),)
    return ()


def _page(ran: _Ran) -> str:
    from schedlang.report.chart_html import chart_page, listing
    from schedlang.report.outcome import outcome_tables
    from schedlang.workload.format import format_workload

    listings = (
        *(listing(f"s{n}", file.name, file.text) for n, file in enumerate(ran.policy.sources)),
        listing("workload", ran.workload.name, format_workload(ran.workload)),
    )
    chart = ran.chart()
    cpus = ran.setting.topology.cpus
    tables = outcome_tables(ran.simulation.outcome, cpus, ran.simulation.waits)
    return chart_page(chart.title, (chart,), listings, tables)


def _print(ran: _Ran, told: tuple[Findings, ...], form: Format) -> None:
    from schedlang.report.simulation import simulation_json, simulation_text

    setting, simulation = ran.setting, ran.simulation
    if form is Format.HUMAN:
        click.echo(simulation_text(setting, simulation), nl=False)
        _draw(ran.chart())
    more = {"simulation": simulation_json(ran.policy, setting, simulation)}
    print_findings(told, form, more)


def _draw(whole: Chart) -> None:
    """The run's beginning, as far as it can be told apart."""
    from schedlang.report.chart import beginning
    from schedlang.report.chart_text import chart_text

    chart = beginning(whole, _TURNS_SHOWN)
    colour, ascii_only = wants_colour(sys.stdout), draws_ascii(sys.stdout)
    text = chart_text(chart, line_columns(sys.stdout), colour=colour, ascii_only=ascii_only)
    click.echo(f"\n{text}", nl=False, color=True)
