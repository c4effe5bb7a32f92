"""A comparison as a page: an interval for each figure, drawn, and the tables. Pure.

Ratios are drawn on a logarithmic axis; what is beyond `_MOST_REACH` stands at its edge. Python
decides where everything goes, in percent of the plot's width; the template places it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, final

from schedlang.compare.samples import Samples
from schedlang.compare.verdict import Figure, Found, Report
from schedlang.report.chart_html import Table, render_page
from schedlang.report.compare import (
    HEAD,
    conclusions,
    figure_rows,
    headline,
    ratio_text,
)

_ROW: Final = 20
_LEAST_REACH: Final = 1.25
_MOST_REACH: Final = 12.0
_MARKS: Final = (1.1, 1.2, 1.5, 2, 3, 5, 10)
_KINDS: Final = {
    Found.BETTER: "better",
    Found.WORSE: "worse",
    Found.MORE: "other",
    Found.LESS: "other",
    Found.SAME: "unclear",
}


@final
@dataclass(frozen=True, slots=True)
class Bar:
    """An interval from `x` on, `width` wide, around `middle`; `dots` are the single ratios."""

    kind: str
    name: str
    y: int
    x: float
    width: float
    middle: float
    dots: tuple[float, ...]
    told: str


@final
@dataclass(frozen=True, slots=True)
class Plot:
    title: str
    height: int
    bars: tuple[Bar, ...]
    marks: tuple[tuple[float, str], ...]


def compare_page(samples: Samples, report: Report) -> str:
    """The same samples give the same page."""
    names = [workload.name for workload in report.setup.workloads]
    plots = tuple(
        _plot(name, figures)
        for name in names
        if (figures := [figure for figure in report.figures if figure.workload == name])
    )
    tables = tuple(Table(name, HEAD, tuple(figure_rows(report, name))) for name in names)
    return render_page(
        "compare.html.j2",
        headline(report),
        plots=plots,
        conclusions=tuple(conclusions(report)),
        tables=(*tables, _provenance(samples)),
    )


@final
@dataclass(frozen=True, slots=True)
class _Scale:
    """From 1/reach to reach, 1 in the middle."""

    reach: float

    @classmethod
    def around(cls, figures: Sequence[Figure]) -> _Scale:
        ends = [end for figure in figures for end in (figure.ratios[0], figure.ratios[-1])]
        farthest = max(float(max(end, 1 / end)) for end in ends)
        return cls(min(max(_LEAST_REACH, farthest * 1.05), _MOST_REACH))

    def percent(self, ratio: Fraction | float) -> float:
        place = 50 + 50 * math.log(float(ratio)) / math.log(self.reach)
        return round(min(max(place, 0), 100), 3)

    def marks(self) -> tuple[tuple[float, str], ...]:
        least = self.reach ** (1 / 8)
        chosen = [mark for mark in _MARKS if least < mark < self.reach]
        placed = [(self.percent(1), "1")]
        placed += [(self.percent(mark), f"{mark:g}") for mark in chosen]
        placed += [(self.percent(1 / mark), f"1/{mark:g}") for mark in chosen]
        return tuple(sorted(placed))


def _plot(title: str, figures: Sequence[Figure]) -> Plot:
    scale = _Scale.around(figures)
    bars = tuple(_bar(figure, number * _ROW, scale) for number, figure in enumerate(figures))
    return Plot(title, len(bars) * _ROW, bars, scale.marks())


def _bar(figure: Figure, y: int, scale: _Scale) -> Bar:
    low, high = scale.percent(figure.low), scale.percent(figure.high)
    span = f"{ratio_text(figure.ratio)} from {ratio_text(figure.low)} to {ratio_text(figure.high)}"
    return Bar(
        _KINDS[figure.found],
        f"{figure.contender}: {figure.metric.name}",
        y,
        low,
        round(high - low, 3),
        scale.percent(figure.ratio),
        tuple(map(scale.percent, figure.ratios)),
        f"{figure.contender}, {figure.metric.name}: {span}, {figure.found.value}",
    )


def _provenance(samples: Samples) -> Table:
    """What the runs depend on. A boot's image holds all its runs: one digest a seed."""
    rows = [(f"policy {c.name}", c.digest) for c in samples.setup.contenders if c.digest]
    images: dict[tuple[str, str], None] = {}
    for sample in samples.samples:
        known = sample.provenance
        if known is not None:
            images[f"QEMU {known.qemu_version}", known.qemu] = None
            images[f"kernel {sample.kernel}", known.kernel] = None
            images[f"image, seed {sample.entry.seed}", known.image] = None
    return Table("SHA-256 of what was run", ("what", "digest"), (*rows, *images))
