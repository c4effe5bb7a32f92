"""A chart as lanes of characters: one per CPU, one for each of the longest waits, an axis below.

Pure. A turn is a bar with the task's name in it; where turns are too short for one character each,
a character stands for several. Nothing in a name can leave its lane.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, final

from schedlang.diagnostics.printable import printable, width
from schedlang.report.chart import Bar, Chart, Loop, ticks, waiting_tasks
from schedlang.units import duration

WAIT_LANES: Final = 6
_LEAST_COLUMNS: Final = 20
_WIDEST_LABEL: Final = 24
_COLUMNS_OF_A_TICK: Final = 14


@final
@dataclass(frozen=True, slots=True)
class Signs:
    """`edge` begins a bar, `rule` fills it, `many` stands for several bars; `mark` is a moment."""

    edge: str
    rule: str
    many: str
    wait: str
    back: str
    line: str
    forth: str
    tick: str
    mark: str


UNICODE: Final = Signs("│", "─", "▒", "░", "↺", "─", "▸", "╵", "▲")
ASCII: Final = Signs("|", "-", "#", "~", "<-", "-", ">", "'", "^")

_COLOURS: Final = ("36", "32", "35", "34", "33", "96", "92", "95")
_HIGHLIGHT: Final = "1;31"


def chart_text(
    chart: Chart, columns: int, *, colour: bool = False, ascii_only: bool = False
) -> str:
    """The chart in lines of at most `columns` columns, notes apart."""
    lanes = _Lanes(chart, columns, ASCII if ascii_only else UNICODE, colour)
    return "".join(f"{line.rstrip()}\n" for line in lanes.lines())


@final
class _Lanes:
    """How a chart's moments fall on columns."""

    def __init__(self, chart: Chart, columns: int, signs: Signs, colour: bool) -> None:
        self._chart = chart
        self._signs = signs
        self._colour = colour
        self._waiting = waiting_tasks(chart, WAIT_LANES)
        # All tasks, not only those shown: so charts of the same tasks stand under each other.
        names = [*chart.cpus, *(f"{task} waits" for task in chart.tasks)]
        longest = max((width(printable(name)) for name in names), default=0)
        self._label = min(longest, _WIDEST_LABEL)
        self._columns = max(columns - self._label - 2, _LEAST_COLUMNS)

    def lines(self) -> Iterator[str]:
        chart = self._chart
        yield printable(chart.title)
        for cpu, name in enumerate(chart.cpus):
            yield self._lane(name, self._turns(bar for bar in chart.bars if bar.cpu == cpu))
        for task in self._waiting:
            yield self._lane(f"{chart.tasks[task]} waits", self._waits(task))
        if chart.loop is not None:
            yield self._lane("", self._loop(chart.loop))
        yield from self._axis()
        for mark in chart.marks:
            yield f"  {self._signs.mark} {duration(mark.at_ns)}: {printable(mark.text)}"
        yield from (f"  {printable(note)}" for note in chart.notes)

    def _lane(self, name: str, cells: str) -> str:
        return f"{_fit(printable(name), self._label)}  {cells}"

    def _at(self, ns: int) -> int:
        """The column in which a moment falls."""
        return (ns - self._chart.start_ns) * self._columns // self._chart.span_ns

    def _cells(self, start_ns: int, end_ns: int) -> range:
        """At least one column, also of what takes no time or ends the chart."""
        first = min(self._at(start_ns), self._columns - 1)
        return range(first, max(min(self._at(end_ns), self._columns), first + 1))

    def _turns(self, bars: Iterable[Bar]) -> str:
        owner: list[Bar | int] = [0] * self._columns  # a bar, or how many share the column
        for bar in bars:
            for column in self._cells(bar.start_ns, bar.end_ns):
                owner[column] = bar if owner[column] == 0 else 2
        shown, column = "", 0
        while column < self._columns:
            cell = owner[column]
            end = column + 1
            while end < self._columns and owner[end] is cell:
                end += 1
            shown += self._bar(cell, end - column)
            column = end
        return shown

    def _bar(self, cell: Bar | int, size: int) -> str:
        match cell:
            case Bar():
                name = printable(self._chart.tasks[cell.task])
                text = _fit(self._signs.edge + name, size, self._signs.rule)
                return self._painted(text, cell)
            case 0:
                return " " * size
            case _:
                return self._signs.many * size

    def _painted(self, text: str, bar: Bar) -> str:
        if not self._colour:
            return text
        code = _COLOURS[(bar.task if bar.queue is None else bar.queue) % len(_COLOURS)]
        return f"\x1b[{_HIGHLIGHT if bar.task == self._chart.highlighted else code}m{text}\x1b[0m"

    def _waits(self, task: int) -> str:
        cells = [" "] * self._columns
        for wait in self._chart.waits:
            if wait.task == task and wait.end_ns > wait.start_ns:
                for column in self._cells(wait.start_ns, wait.end_ns):
                    cells[column] = self._signs.wait
        shown = "".join(cells)
        is_painted = self._colour and task == self._chart.highlighted
        return f"\x1b[{_HIGHLIGHT}m{shown}\x1b[0m" if is_painted else shown

    def _loop(self, loop: Loop) -> str:
        cells = self._cells(loop.start_ns, loop.end_ns)
        words = f"{self._signs.back} repeats for ever "
        text = words if len(words) < len(cells) else self._signs.back
        body = text + self._signs.line * (len(cells) - len(text) - 1) + self._signs.forth
        return (
            " " * cells.start + body[-len(cells) :] if len(cells) > 1 else " " * cells.start + text
        )

    def _axis(self) -> Iterator[str]:
        chart = self._chart
        numbers, signs = [" "] * self._columns, [" "] * self._columns
        for at_ns in ticks(chart.start_ns, chart.end_ns, self._columns // _COLUMNS_OF_A_TICK):
            column = min(self._at(at_ns), self._columns - 1)
            signs[column] = self._signs.tick
            text = duration(at_ns)
            first = min(column, self._columns - len(text))
            numbers[first : first + len(text)] = text
        for mark in chart.marks:
            signs[min(self._at(mark.at_ns), self._columns - 1)] = self._signs.mark
        indent = " " * (self._label + 2)
        yield indent + "".join(signs)
        yield indent + "".join(numbers)


def _fit(text: str, columns: int, filler: str = " ") -> str:
    """`text` in exactly `columns` columns: cut, or filled up."""
    kept = _cut(text, columns, width)
    return kept + filler * (columns - width(kept))


def _cut(text: str, columns: int, measure: Callable[[str], int]) -> str:
    while measure(text) > columns:
        text = text[:-1]
    return text
