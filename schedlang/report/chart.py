"""A run as something to draw: who had which CPU when, and who waited.

Pure, and below its renderers: `chart_text` draws lanes for a terminal, `chart_html` a page. It
knows nothing of policies or machines; `run_chart` makes one of a replayed run.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final


@final
@dataclass(frozen=True, slots=True)
class Bar:
    """A turn of `task` on `cpu`. Tasks, CPUs and queues are indices into the chart's names."""

    cpu: int
    start_ns: int
    end_ns: int
    task: int
    queue: int | None


@final
@dataclass(frozen=True, slots=True)
class Wait:
    """`task` is runnable and has no CPU."""

    task: int
    start_ns: int
    end_ns: int
    queue: int | None


@final
@dataclass(frozen=True, slots=True)
class Mark:
    """Something to see at one moment, such as a missed deadline."""

    at_ns: int
    text: str


@final
@dataclass(frozen=True, slots=True)
class Loop:
    """What happens from `start_ns` to `end_ns` repeats for ever."""

    start_ns: int
    end_ns: int


@final
@dataclass(frozen=True, slots=True)
class Chart:
    """`cpus`, `tasks` and `queues` are names; whatever they hold, the renderers make it fit.

    Bars of one CPU do not overlap, nor do the waits of one task; all lie within `start_ns` and
    `end_ns`. `highlighted` is the task that the chart is about.
    """

    title: str
    cpus: tuple[str, ...]
    tasks: tuple[str, ...]
    queues: tuple[str, ...]
    bars: tuple[Bar, ...]
    waits: tuple[Wait, ...]
    end_ns: int
    start_ns: int = 0
    marks: tuple[Mark, ...] = ()
    loop: Loop | None = None
    highlighted: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def span_ns(self) -> int:
        return max(self.end_ns - self.start_ns, 1)


def window(chart: Chart, start_ns: int, end_ns: int) -> Chart:
    """What is to be seen of the chart between two moments, and a note where that is not all."""
    if start_ns <= chart.start_ns and end_ns >= chart.end_ns:
        return chart
    first, last = max(start_ns, chart.start_ns), min(end_ns, chart.end_ns)
    bars = tuple(
        replace(b, start_ns=max(b.start_ns, first), end_ns=min(b.end_ns, last))
        for b in chart.bars
        if max(b.start_ns, first) < min(b.end_ns, last)
    )
    waits = tuple(
        replace(w, start_ns=max(w.start_ns, first), end_ns=min(w.end_ns, last))
        for w in chart.waits
        if max(w.start_ns, first) < min(w.end_ns, last)
    )
    marks = tuple(mark for mark in chart.marks if first <= mark.at_ns <= last)
    loop = chart.loop
    if loop is not None:
        cut = Loop(max(loop.start_ns, first), min(loop.end_ns, last))
        loop = cut if cut.start_ns < cut.end_ns else None
    note = f"a part of the run: {len(bars)} of {len(chart.bars)} turns"
    return replace(
        chart,
        bars=bars,
        waits=waits,
        marks=marks,
        start_ns=first,
        end_ns=max(first, last),
        loop=loop,
        notes=(*chart.notes, note),
    )


def beginning(chart: Chart, turns: int) -> Chart:
    """The chart up to where more than `turns` turns, or waits, would have started."""
    ends = sorted(bar.start_ns for bar in chart.bars)[turns : turns + 1]
    ends += sorted(wait.start_ns for wait in chart.waits)[turns : turns + 1]
    return window(chart, chart.start_ns, min(ends)) if ends else chart


def excerpts(chart: Chart, turns: int) -> tuple[Chart, ...]:
    """The whole chart, or where it has more than twice so many turns its beginning and its end."""
    if len(chart.bars) <= 2 * turns:
        return (chart,)
    starts = sorted(bar.start_ns for bar in chart.bars)
    first = window(chart, chart.start_ns, starts[turns])
    last = window(chart, starts[-turns], chart.end_ns)
    return (
        replace(first, title=f"{chart.title}: the beginning"),
        replace(last, title=f"{chart.title}: the end"),
    )


def waited_ns(chart: Chart) -> dict[int, int]:
    """The longest wait of each task that waits at all."""
    longest: dict[int, int] = {}
    for wait in chart.waits:
        longest[wait.task] = max(longest.get(wait.task, 0), wait.end_ns - wait.start_ns)
    return longest


def waiting_tasks(chart: Chart, limit: int) -> list[int]:
    """The tasks whose waits are worth a lane: the highlighted one, then the longest waits."""
    longest = waited_ns(chart)
    first = [] if chart.highlighted is None else [chart.highlighted]
    others = sorted((t for t in longest if t not in first), key=lambda t: (-longest[t], t))
    return (first + others)[:limit]


def ticks(start_ns: int, end_ns: int, about: int) -> list[int]:
    """Round moments for an axis, about `about` of them."""
    rough = max((end_ns - start_ns) // max(about, 1), 1)
    power = 10 ** (len(str(rough)) - 1)
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    first = -(-start_ns // step) * step
    return list(range(first, end_ns + 1, step))
