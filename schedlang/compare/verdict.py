"""What the samples say: figures with intervals, and whether anything helps. Pure.

Each figure of a policy is set against the baseline's of the same seed. A ratio above 1 is better
(for a share, which is neither good nor bad: more). The values of p of one policy, over all
workloads and metrics, are corrected together. A difference is told only if the corrected p is at
most `ALPHA` and the interval does not hold 1. The control is judged in the same way, and may show
no difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final, final

from schedlang.compare.metrics import Metric, Wanted, measured
from schedlang.compare.plan import Setup
from schedlang.compare.samples import Sample, Samples
from schedlang.compare.statistics import holm, interval, least_p, median, signed_rank
from schedlang.diagnostics.model import Diagnostic

ALPHA: Final = Fraction(1, 20)


class Found(StrEnum):
    BETTER = "better"
    WORSE = "worse"
    MORE = "more"
    LESS = "less"
    SAME = "no difference"


@final
@dataclass(frozen=True, slots=True)
class Figure:
    """One metric of one contender against the baseline. `before` and `after` are the medians of
    both; `ratio` is the median over the seeds, `low` to `high` its interval; `p` is corrected.
    """

    workload: str
    contender: str
    metric: Metric
    before: Fraction
    after: Fraction
    ratios: tuple[Fraction, ...]
    ratio: Fraction
    low: Fraction
    high: Fraction
    p: Fraction
    found: Found


@final
@dataclass(frozen=True, slots=True)
class Report:
    """`kernel` is the release that ran, "" on the reference machine. `least_p` is the least that a
    corrected p could be with so many seeds; above `ALPHA` they are too few to find anything.
    """

    setup: Setup
    kernel: str
    figures: tuple[Figure, ...]
    control: tuple[Figure, ...]
    least_p: Fraction

    @property
    def is_large_enough(self) -> bool:
        return self.least_p <= ALPHA

    def of(self, contender: str) -> tuple[Figure, ...]:
        return tuple(figure for figure in self.figures if figure.contender == contender)

    @property
    def helps(self) -> bool:
        return any(figure.found is Found.BETTER for figure in self.figures)


Key = tuple[str, Metric]


def judge(samples: Samples, wanted: tuple[str, ...] = ()) -> Report:
    """`wanted` are texts of which a metric's name has to have one; none: all metrics."""
    setup = samples.setup
    tables = {
        (name, is_control): _table(samples, name, is_control)
        for name, is_control in [(c.name, False) for c in setup.contenders]
        + [(setup.baseline.name, True)]
    }
    keys = [key for key in _common(setup, list(tables.values())) if _is_wanted(key[1], wanted)]
    base = tables[setup.baseline.name, False]
    figures = tuple(
        figure
        for contender in setup.contenders[1:]
        for figure in _figures(contender.name, keys, base, tables[contender.name, False])
    )
    control = _figures(setup.baseline.name, keys, base, tables[setup.baseline.name, True])
    strongest = min(Fraction(1), least_p(len(setup.seeds)) * max(1, len(keys)))
    kernel = samples.samples[0].kernel if samples.samples else ""
    return Report(setup, kernel, figures, control, strongest)


def check_control(report: Report) -> tuple[Diagnostic, ...]:
    """The baseline against itself: where that shows a difference, no other can be believed."""
    return tuple(
        Diagnostic(
            "E1002",
            f"`{figure.workload}`, {figure.metric.name}: {figure.contender} differs from itself by "
            f"{float(figure.ratio):.3f} (p = {float(figure.p):.2g})",
        )
        for figure in report.control
        if figure.found is not Found.SAME
    )


# --- from samples to figures

_Table = dict[Key, dict[int, int]]
"""By workload and metric, and by seed."""


def _table(samples: Samples, contender: str, is_control: bool) -> _Table:
    found: _Table = {}
    for sample in samples.samples:
        entry = sample.entry
        if (entry.contender, entry.is_control) == (contender, is_control):
            for metric, value in _measured(samples.setup, sample):
                found.setdefault((entry.workload, metric), {})[entry.seed] = value
    return found


def _measured(setup: Setup, sample: Sample) -> Iterator[tuple[Metric, int]]:
    workload = next(w for w in setup.workloads if w.name == sample.entry.workload)
    for one in measured(workload, setup.topology.cpus, sample.outcome):
        yield one.metric, one.value


def _common(setup: Setup, tables: list[_Table]) -> list[Key]:
    """What every run under every contender has measured, in the order of the setup and the run."""
    runs = len(setup.seeds)
    places = {workload.name: place for place, workload in enumerate(setup.workloads)}
    known = [key for key in tables[0] if all(len(table.get(key, {})) == runs for table in tables)]
    return sorted(known, key=lambda key: places[key[0]])


def _is_wanted(metric: Metric, wanted: tuple[str, ...]) -> bool:
    return not wanted or any(text in metric.name for text in wanted)


def _figures(contender: str, keys: list[Key], before: _Table, after: _Table) -> tuple[Figure, ...]:
    ratios = [_ratios(key[1], before[key], after[key]) for key in keys]
    corrected = holm([signed_rank(values) for values in ratios])
    return tuple(
        _figure(contender, key, (before[key], after[key]), values, p)
        for key, values, p in zip(keys, ratios, corrected, strict=True)
    )


def _ratios(metric: Metric, before: dict[int, int], after: dict[int, int]) -> list[Fraction]:
    pairs = [(before[seed], after[seed]) for seed in sorted(before)]
    if metric.wanted is Wanted.LESS:
        return sorted(Fraction(old, new) for old, new in pairs)
    return sorted(Fraction(new, old) for old, new in pairs)


def _figure(
    contender: str,
    key: Key,
    values: tuple[dict[int, int], dict[int, int]],
    ratios: list[Fraction],
    p: Fraction,
) -> Figure:
    workload, metric = key
    before, after = (median([Fraction(v) for v in by_seed.values()]) for by_seed in values)
    ratio, (low, high) = median(ratios), interval(ratios)
    found = Found.SAME
    if p <= ALPHA and not low <= 1 <= high:
        found = _direction(metric, is_above=ratio > 1)
    return Figure(
        workload, contender, metric, before, after, tuple(ratios), ratio, low, high, p, found
    )


def _direction(metric: Metric, *, is_above: bool) -> Found:
    if metric.wanted is Wanted.NEITHER:
        return Found.MORE if is_above else Found.LESS
    return Found.BETTER if is_above else Found.WORSE
