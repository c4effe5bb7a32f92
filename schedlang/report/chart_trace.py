"""A chart as a trace file: the JSON that Perfetto and Chrome's tracing page read. Pure.

CPUs are the threads of one process, with the turns on them; the tasks are those of another, with
their waits. Times are in microseconds, of which the format allows parts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from schedlang.diagnostics.printable import printable
from schedlang.diagnostics.render_json import JsonObject
from schedlang.report.chart import Chart

_CPUS: Final = 1
_TASKS: Final = 2


def chart_trace(chart: Chart) -> str:
    """The same chart gives the same bytes; one event a line."""
    lines = ",\n".join(json.dumps(event, separators=(",", ":")) for event in _events(chart))
    title = json.dumps(printable(chart.title))
    head = f'{{"displayTimeUnit":"ns","otherData":{{"title":{title}}},"traceEvents":['
    return f"{head}\n{lines}\n]}}\n"


def _events(chart: Chart) -> Iterator[JsonObject]:
    yield _name("process_name", _CPUS, 0, "CPUs")
    yield _name("process_name", _TASKS, 0, "waiting")
    for cpu, name in enumerate(chart.cpus):
        yield _name("thread_name", _CPUS, cpu, name)
    for task in sorted({wait.task for wait in chart.waits}):
        yield _name("thread_name", _TASKS, task, chart.tasks[task])
    for bar in chart.bars:
        told = chart.tasks[bar.task]
        yield _slice(chart, _CPUS, bar.cpu, told, bar.start_ns, bar.end_ns, bar.queue)
    for wait in chart.waits:
        yield _slice(chart, _TASKS, wait.task, "waits", wait.start_ns, wait.end_ns, wait.queue)
    for mark in chart.marks:
        text = printable(mark.text)
        at = mark.at_ns / 1000
        yield {"ph": "i", "s": "g", "pid": _CPUS, "tid": 0, "ts": at, "name": text}


def _name(what: str, process: int, thread: int, name: str) -> JsonObject:
    args: JsonObject = {"name": printable(name)}
    return {"ph": "M", "name": what, "pid": process, "tid": thread, "args": args}


def _slice(
    chart: Chart,
    process: int,
    thread: int,
    name: str,
    start_ns: int,
    end_ns: int,
    queue: int | None,
) -> JsonObject:
    args: JsonObject = {} if queue is None else {"queue": printable(chart.queues[queue])}
    return {
        "ph": "X",
        "pid": process,
        "tid": thread,
        "ts": start_ns / 1000,
        "dur": (end_ns - start_ns) / 1000,
        "name": printable(name),
        "args": args,
    }
