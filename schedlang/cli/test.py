"""`schedc test`: what policies expect of themselves, on the reference machine or in a kernel."""

from __future__ import annotations

import sys
from collections.abc import Iterator
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
    policies_argument,
    seed_option,
)
from schedlang.cli.output import (
    Findings,
    Format,
    draws_ascii,
    line_columns,
    print_findings,
    print_problem,
)
from schedlang.cli.vm import kernel_option
from schedlang.diagnostics.model import has_errors

if TYPE_CHECKING:
    from schedlang.diagnostics.model import Diagnostic
    from schedlang.driver import Compilation
    from schedlang.ir.nodes import Policy
    from schedlang.ir.testing import Test
    from schedlang.report.chart import Chart
    from schedlang.report.trials import Tried
    from schedlang.testing.judge import Judged
    from schedlang.testing.run import Trial


@click.command("test")
@policies_argument
@seed_option
@click.option(
    "--seeds",
    type=click.IntRange(1, 1000),
    default=1,
    show_default=True,
    help="How many seeds, from --seed on; a test passes if it does with all of them.",
)
@click.option("--vm", is_flag=True, help="Run them in a real kernel, in a micro-VM.")
@kernel_option
@click.option("-k", "--only", metavar="TEXT", default="", help="Only tests with this in the name.")
@click.option(
    "--junit",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write the results as JUnit's XML.",
)
@html_option
@library_option
@format_option
@exits_with
def test(
    policies: tuple[str, ...],
    seed: int,
    seeds: int,
    vm: bool,
    kernel: str,
    only: str,
    junit: Path | None,
    html: Path | None,
    libraries: tuple[Path, ...],
    form: Format,
) -> int:
    """Run the tests of POLICIES, on the reference machine or in a kernel.

    A failed expectation is shown where it stands, with what was measured and the part of the run
    that it is about. The same seeds give the same results everywhere.
    """
    from schedlang.backend import EnvironmentProblem
    from schedlang.report.trials import trials_text, tried_json

    findings, tried, charts = [], [], []
    wanted = _Wanted(range(seed, seed + seeds), only, kernel if vm else None, libraries)
    try:
        for path in policies:
            done, outcome, told = _try(path, wanted)
            if outcome is not None and done.policy is not None:
                tried.append(outcome)
                failures = list(_failures(done.policy, outcome))
                told += tuple(diagnostic for diagnostic, _ in failures)
                charts += [chart for _, chart in failures]
                if form is Format.HUMAN:
                    click.echo(trials_text(outcome) or f"{path}: no test\n", nl=False)
            findings.append(Findings(path, (*done.diagnostics, *told), done.sources))
        _write(tried, charts, junit, html)
    except EnvironmentProblem as problem:
        return exit_for(print_problem(problem, policies[0], form))
    print_findings(findings, form, {"tests": [tried_json(one) for one in tried]})
    return exit_for(tuple(d for f in findings for d in f.diagnostics))


@final
@dataclass(frozen=True, slots=True)
class _Wanted:
    """`kernel` is the micro-VM's; None: the reference machine."""

    seeds: range
    only: str
    kernel: str | None
    libraries: tuple[Path, ...]


def _try(path: str, wanted: _Wanted) -> tuple[Compilation, Tried | None, tuple[Diagnostic, ...]]:
    """The policy, its trials, and what kept some of them from being run."""
    from schedlang.driver import Phase, Request, run

    through = Phase.LOWER if wanted.kernel is None else Phase.BUILD
    done = run(Request(path, through, libraries=wanted.libraries))
    if done.policy is None:
        return done, None, ()
    chosen = [test for test in done.policy.tests if wanted.only in test.name]
    pairs = [(test, seed) for test in chosen for seed in wanted.seeds]
    if wanted.kernel is None:
        return done, _simulate(path, done.policy, pairs), ()
    if done.built is None:
        return done, None, ()
    return done, *_run_in_vm(done, pairs, wanted.kernel)


def _simulate(path: str, policy: Policy, pairs: list[tuple[Test, int]]) -> Tried:
    from schedlang.report.trials import Tried
    from schedlang.testing.run import simulated

    trials = tuple(simulated(policy, test, seed) for test, seed in pairs)
    return Tried(path, "the reference machine", trials)


def _run_in_vm(
    done: Compilation, pairs: list[tuple[Test, int]], kernel: str
) -> tuple[Tried, tuple[Diagnostic, ...]]:
    """Raises EnvironmentProblem."""
    from schedlang.backend import KernelRun
    from schedlang.driver import load_backend
    from schedlang.report.trials import Tried
    from schedlang.testing.kernel import request_of, trial_of

    assert done.policy is not None
    assert done.built is not None
    policy, obj = done.policy, done.built.object
    requests = [request_of(policy, test, seed, kernel) for test, seed in pairs]
    runs = [KernelRun(request, policy, obj) for request in requests]
    reports = load_backend().run_many(runs) if runs else ()
    trials = tuple(
        trial_of(test, seed, report.ran)
        for (test, seed), report in zip(pairs, reports, strict=True)
        if report.ran is not None and not has_errors(report.diagnostics)
    )
    told = tuple(dict.fromkeys(d for report in reports for d in report.diagnostics))
    where = f"kernel {reports[0].kernel}" if reports else "a kernel"
    return Tried(done.request.path, where, trials), told


def _failures(policy: Policy, tried: Tried) -> Iterator[tuple[Diagnostic, Chart]]:
    """Of each test the first seed that fails, with a drawing."""
    from schedlang.report.chart_text import chart_text
    from schedlang.report.trials import failure, offending

    told: set[str] = set()
    for trial in tried.trials:
        if trial.holds or trial.test.name in told:
            continue
        told.add(trial.test.name)
        whole, groups = _chart(policy, trial)
        for judged in trial.judged:
            if not judged.holds:
                chart = offending(whole, judged, groups)
                drawing = chart_text(
                    chart,
                    line_columns(sys.stderr) - 16,
                    colour=False,
                    ascii_only=draws_ascii(sys.stderr),
                )
                yield failure(trial, judged, tried.where, drawing.rstrip()), chart


def _chart(policy: Policy, trial: Trial) -> tuple[Chart, list[str]]:
    """The whole run, and the group of each of its tasks."""
    from schedlang.report.kernel_chart import kernel_chart
    from schedlang.report.record_chart import record_chart
    from schedlang.testing.run import rerun

    test = trial.test
    if trial.trace is not None:
        title = f"{test.name} under {policy.name}"
        end_ns = max((event.at_ns for event in trial.trace.events), default=0)
        chart = kernel_chart(title, test.topology.cpus, end_ns, trial.trace)
        return chart, [name.rpartition("[")[0] for name in chart.tasks]
    record = rerun(policy, test, trial.seed, recorded=True).record
    assert record is not None
    groups = [test.workload.groups[thread.group].name for thread in record.threads]
    return record_chart(policy, test.workload, test.topology.cpus, record), groups


def _write(tried: list[Tried], charts: list[Chart], junit: Path | None, html: Path | None) -> None:
    """Raises EnvironmentProblem."""
    from schedlang.files import write_file
    from schedlang.report.chart_html import Table, chart_page
    from schedlang.report.trials import expectation_text, junit_xml

    if junit is not None:
        write_file(junit, junit_xml(tried))
    if html is not None:
        head = ("policy", "test", "seed", "expected", "")
        rows = tuple(
            (one.path, t.test.name, str(t.seed), expectation_text(j.expectation), _word(j))
            for one in tried
            for t in one.trials
            for j in t.judged
        )
        page = chart_page("schedc test", tuple(charts), tables=(Table("Results", head, rows),))
        write_file(html, page.encode())


def _word(judged: Judged) -> str:
    return "holds" if judged.holds else "fails"
