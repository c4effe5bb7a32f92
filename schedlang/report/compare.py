"""A comparison as text, as JSON values and as tables. Pure: the same samples, the same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Final, assert_never

from schedlang.compare.metrics import Unit
from schedlang.compare.plan import Setup
from schedlang.compare.statistics import PERCENT
from schedlang.compare.verdict import ALPHA, Figure, Found, Report
from schedlang.diagnostics.render_json import JsonObject
from schedlang.report.tables import table
from schedlang.units import duration

HEAD: Final = ("policy", "figure", "baseline", "policy's", "gain", "interval", "p", "")


def compare_text(report: Report) -> str:
    lines = [f"{headline(report)}", *_notes(report)]
    for workload in report.setup.workloads:
        rows = figure_rows(report, workload.name)
        if rows:
            lines += ["", workload.name, *table(HEAD, rows)]
    lines += ["", *conclusions(report)]
    return "".join(f"{line}\n" for line in lines)


def headline(report: Report) -> str:
    setup = report.setup
    policies = ", ".join(contender.name for contender in setup.contenders[1:])
    cpus = setup.topology.cpus
    place = "micro-VM" if setup.kernel else "reference machine"
    version = f" (kernel {report.kernel})" if report.kernel else ""
    seeds = len(setup.seeds)
    return (
        f"{policies} against {setup.baseline.name}: {place}{version}, {_count(cpus, 'CPU')}, "
        f"{_count(seeds, 'seed')}"
    )


def _notes(report: Report) -> Iterator[str]:
    setup = report.setup
    if not setup.kernel:
        yield f"simulated: EEVDF is not among them, {setup.baseline.name} stands in its place"
    yield f"control: {setup.baseline.name} against itself, no difference in {_figures(report)}"
    if not report.is_large_enough:
        least = f"p could not be less than {float(report.least_p):.2g}"
        yield f"too few seeds for so many figures: {least}"


def _figures(report: Report) -> str:
    return _count(len(report.control), "figure")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def figure_rows(report: Report, workload: str) -> list[tuple[str, ...]]:
    return [_row(figure) for figure in report.figures if figure.workload == workload]


def _row(figure: Figure) -> tuple[str, ...]:
    unit = figure.metric.unit
    return (
        figure.contender,
        figure.metric.name,
        amount(figure.before, unit),
        amount(figure.after, unit),
        ratio_text(figure.ratio),
        f"[{float(figure.low):.3f}, {float(figure.high):.3f}]",
        f"{float(figure.p):.2g}",
        figure.found.value,
    )


def ratio_text(ratio: Fraction) -> str:
    return f"{float(ratio):.3f}x"


def amount(value: Fraction, unit: Unit) -> str:
    match unit:
        case Unit.TIME:
            return duration(round(value))
        case Unit.SHARE:
            return f"{float(value / 10**4):.2f}%"
        case Unit.COUNT:
            return f"{float(value):g}"
        case _:
            assert_never(unit)


def conclusions(report: Report) -> Iterator[str]:
    """What it comes to, a sentence for each policy; at last, if so, that nothing helps."""
    if not report.is_large_enough:
        yield "nothing can be told with so few seeds"
        return
    baseline = report.setup.baseline.name
    for contender in report.setup.contenders[1:]:
        figures = report.of(contender.name)
        better = sum(figure.found is Found.BETTER for figure in figures)
        worse = sum(figure.found is Found.WORSE for figure in figures)
        of = f"of {_count(len(figures), 'figure')}"
        if better or worse:
            than = f"{contender.name} is better than {baseline}"
            yield f"{than} in {better} and worse in {worse} {of}"
        else:
            yield f"{contender.name}: no difference to {baseline} in any {of}"
    if not report.helps:
        yield f"nothing helps: no policy is better than {baseline} in any figure"


def compare_json(report: Report) -> JsonObject:
    return {
        **_setup_json(report.setup),
        "kernel_release": report.kernel,
        "level_percent": PERCENT,
        "alpha": float(ALPHA),
        "enough_seeds": report.is_large_enough,
        "least_p": float(report.least_p),
        "control": [_figure_json(figure) for figure in report.control],
        "figures": [_figure_json(figure) for figure in report.figures],
        "helps": report.helps,
    }


def _setup_json(setup: Setup) -> JsonObject:
    topology = setup.topology
    return {
        "machine": {
            "cpus": topology.cpus,
            "llcs": topology.llcs,
            "nodes": topology.nodes,
            "smt": topology.smt,
        },
        "kernel": setup.kernel or None,
        "baseline": setup.baseline.name,
        "contenders": [{"name": c.name, "sha256": c.digest or None} for c in setup.contenders],
        "workloads": [workload.name for workload in setup.workloads],
        "seeds": setup.seeds,
    }


def _figure_json(figure: Figure) -> JsonObject:
    return {
        "workload": figure.workload,
        "contender": figure.contender,
        "metric": figure.metric.name,
        "unit": figure.metric.unit.value,
        "wanted": figure.metric.wanted.value,
        "baseline_median": float(figure.before),
        "median": float(figure.after),
        "ratio": float(figure.ratio),
        "low": float(figure.low),
        "high": float(figure.high),
        "p": float(figure.p),
        "found": figure.found.value,
        "ratios": [float(ratio) for ratio in figure.ratios],
    }
