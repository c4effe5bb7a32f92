"""A chart as inline SVG, and pages of charts, listings and tables: one file each, nothing fetched.

Pure. Python decides where everything goes, the templates place it. Jinja escapes every text, and
the page's security policy lets only the page's own script run, so that nothing which a policy, a
task's name or a workload holds can break out. Without the script a page is still and complete.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Final, final

from jinja2 import Environment, PackageLoader, StrictUndefined

from schedlang.diagnostics.printable import printable
from schedlang.report.chart import (
    Bar,
    Chart,
    Wait,
    beginning,
    ticks,
    waited_ns,
    waiting_tasks,
)
from schedlang.units import duration

WIDTH: Final = 100_000
"""A plot's width in its own units, whatever time it spans: enough for zooming in far."""

MOST_TURNS: Final = 20_000
_WAIT_LANES: Final = 40
_CPU_LANE, _WAIT_LANE, _GAP = 26, 14, 4
_PIXELS: Final = 900  # how wide a plot is taken to be before the script knows
_CHARACTER: Final = 7
_DENSE: Final = 6  # pixels
_PALETTE: Final = 8
_MOST_NAME: Final = 34


@final
@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in the plot. `kind` are its classes, `told` what is said of it."""

    kind: str
    x: float
    y: int
    width: float
    height: int
    told: str
    label: str


@final
@dataclass(frozen=True, slots=True)
class LaneName:
    text: str
    y: int


@final
@dataclass(frozen=True, slots=True)
class AxisTick:
    percent: float
    text: str


@final
@dataclass(frozen=True, slots=True)
class ChartView:
    """What the template places: `start_ns` and `end_ns` are what the whole plot spans.

    `dense`: most bars are too narrow for edges, which would hide them.
    """

    title: str
    start_ns: int
    end_ns: int
    cpus: int
    dense: bool
    height: int
    names: tuple[LaneName, ...]
    names_width: int
    boxes: tuple[Box, ...]
    labels: tuple[tuple[float, int, str], ...]
    loop: tuple[float, float] | None
    marks: tuple[tuple[float, str], ...]
    axis: tuple[AxisTick, ...]
    legend: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    hatch: float = WIDTH / _PIXELS


@final
@dataclass(frozen=True, slots=True)
class Line:
    """A line of a listing; `links` are other places about the same, an address and its words."""

    text: str
    marked: bool = False
    links: tuple[tuple[str, str], ...] = ()


@final
@dataclass(frozen=True, slots=True)
class Listing:
    """A text beside the charts. Its line N, from 1, has the address `#KEY-N`."""

    key: str
    name: str
    lines: tuple[Line, ...]


@final
@dataclass(frozen=True, slots=True)
class Table:
    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def chart_page(
    title: str,
    charts: tuple[Chart, ...],
    listings: tuple[Listing, ...] = (),
    tables: tuple[Table, ...] = (),
) -> str:
    """A page of charts with tables below and listings beside them."""
    views = tuple(map(chart_view, charts))
    return render_page("run.html.j2", title, charts=views, listings=listings, tables=tables)


def listing(key: str, name: str, text: str, marked: frozenset[int] = frozenset()) -> Listing:
    """A whole text; `marked` are the numbers of the lines that matter."""
    lines = (line.rstrip("\r") for line in text.removesuffix("\n").split("\n"))
    shown = tuple(Line(line, n in marked) for n, line in enumerate(lines, 1))
    return Listing(key, name, shown)


def render_page(template: str, title: str, **parts: object) -> str:
    """Fill a template that extends `page.html.j2`. The same parts give the same bytes."""
    pages = _pages()
    style, script = (_text(pages, name) for name in ("style.css", "page.js"))
    return pages.get_template(template).render(
        title=title,
        style=style,
        script=script,
        policy=f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'",
        **parts,
    )


@cache
def _pages() -> Environment:
    return Environment(
        loader=PackageLoader("schedlang.report"),
        undefined=StrictUndefined,
        autoescape=True,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _shown(value: object) -> object:
    """No text reaches a page with a character that hides or turns others."""
    is_text = isinstance(value, str) and not hasattr(value, "__html__")
    return printable(str(value)) if is_text else value


def _text(pages: Environment, name: str) -> str:
    assert pages.loader is not None
    return pages.loader.get_source(pages, name)[0]


def _digest(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


# --- one chart


def chart_view(whole: Chart) -> ChartView:
    chart = beginning(whole, MOST_TURNS)
    waiting = waiting_tasks(chart, _WAIT_LANES)
    tops = _tops(len(chart.cpus), len(waiting))
    names = _names(chart, waiting, tops)
    boxes = [_bar(chart, bar, tops[bar.cpu]) for bar in chart.bars]
    top_of = dict(zip(waiting, tops[len(chart.cpus) : -1], strict=True))
    boxes += [_wait(chart, wait, top_of[wait.task]) for wait in chart.waits if wait.task in top_of]
    loop = None
    if chart.loop is not None:
        start = _x(chart, chart.loop.start_ns)
        loop = start, _x(chart, chart.loop.end_ns) - start
    return ChartView(
        chart.title,
        chart.start_ns,
        chart.end_ns,
        len(chart.cpus),
        len(chart.bars) * _DENSE > len(chart.cpus) * _PIXELS,
        tops[-1],
        names,
        min(max((len(name.text) for name in names), default=0), _MOST_NAME) * _CHARACTER + 8,
        tuple(boxes),
        tuple(label for box in boxes for label in _label(box)),
        loop,
        tuple((_x(chart, mark.at_ns), mark.text) for mark in chart.marks),
        tuple(AxisTick(_x(chart, at) * 100 / WIDTH, duration(at)) for at in _axis(chart)),
        _legend(chart),
        _notes(chart, len(waiting)),
    )


def _tops(cpus: int, waits: int) -> list[int]:
    """The upper edge of each lane, and at last the height of all."""
    heights = [_CPU_LANE] * cpus + [_WAIT_LANE] * waits
    tops = [_GAP]
    for height in heights:
        tops.append(tops[-1] + height + _GAP)
    return tops


def _x(chart: Chart, ns: int) -> float:
    return round((ns - chart.start_ns) * WIDTH / chart.span_ns, 3)


def _bar(chart: Chart, bar: Bar, top: int) -> Box:
    queue = bar.task if bar.queue is None else bar.queue
    kind = f"bar q{queue % _PALETTE} s{bar.task % 3} t{bar.task}"
    if bar.task == chart.highlighted:
        kind += " victim"
    name = printable(chart.tasks[bar.task])
    source = "" if bar.queue is None else f" from {chart.queues[bar.queue]}"
    times = f"{duration(bar.start_ns)}, for {duration(bar.end_ns - bar.start_ns)}"
    told = f"{name}{source} on {chart.cpus[bar.cpu]} at {times}"
    return _box(chart, kind, bar, top, _CPU_LANE, told, name)


def _wait(chart: Chart, wait: Wait, top: int) -> Box:
    kind = f"wait t{wait.task}" + (" victim" if wait.task == chart.highlighted else "")
    place = "" if wait.queue is None else f" in {chart.queues[wait.queue]}"
    times = f"{duration(wait.end_ns - wait.start_ns)} from {duration(wait.start_ns)}"
    told = f"{chart.tasks[wait.task]} waits{place} {times}"
    return _box(chart, kind, wait, top, _WAIT_LANE, told, "")


def _box(
    chart: Chart, kind: str, of: Bar | Wait, top: int, height: int, told: str, label: str
) -> Box:
    x = _x(chart, of.start_ns)
    return Box(kind, x, top, round(_x(chart, of.end_ns) - x, 3), height, told, label)


def _label(box: Box) -> list[tuple[float, int, str]]:
    """Where the label goes, in percent, if the bar has room for it."""
    room = box.width * _PIXELS / WIDTH
    if not box.label or room < len(box.label) * _CHARACTER + 6:
        return []
    return [(round(box.x * 100 / WIDTH, 3), box.y + 17, box.label)]


def _names(chart: Chart, waiting: list[int], tops: list[int]) -> tuple[LaneName, ...]:
    names = [*chart.cpus, *(f"{chart.tasks[task]} waits" for task in waiting)]
    down = [17] * len(chart.cpus) + [11] * len(waiting)
    return tuple(
        LaneName(name, top + rest) for name, top, rest in zip(names, tops[:-1], down, strict=True)
    )


def _axis(chart: Chart) -> list[int]:
    return ticks(chart.start_ns, chart.end_ns, 8)


def _legend(chart: Chart) -> tuple[tuple[str, str], ...]:
    """Colours are queues'; where a chart has none they are the tasks', which bear their names."""
    about: list[tuple[str, str]] = []
    if chart.highlighted is not None:
        about.append(("bar victim", chart.tasks[chart.highlighted]))
    if any(bar.queue is None for bar in chart.bars):
        return tuple(about)
    used = sorted({bar.queue for bar in chart.bars if bar.queue is not None})
    return (*((f"q{queue % _PALETTE}", chart.queues[queue]) for queue in used), *about)


def _notes(chart: Chart, shown: int) -> tuple[str, ...]:
    hidden = len(waited_ns(chart)) - shown
    more = (f"the waits of {hidden} more tasks have no lane",) if hidden > 0 else ()
    return (*chart.notes, *more)
