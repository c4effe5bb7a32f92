"""A replayed run as a chart. Pure: what is drawn is what the interpreter did, nothing more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

from schedlang.ir.nodes import Policy
from schedlang.machine.replay import Happening, Replay, What
from schedlang.machine.scenario import Run, Turn
from schedlang.machine.timeline import task_names
from schedlang.report.chart import Bar, Chart, Loop, Wait
from schedlang.report.units import duration


def run_chart(policy: Policy, run: Run, replay: Replay, title: str) -> Chart:
    """The steps before the loop and its first pass, or the whole run if it has an end."""
    names = task_names(run)
    drawn = _Drawn()
    blocks = (step.blocks for step in run.steps if isinstance(step, Turn))
    for happening in replay.happenings:
        drawn.take(happening, blocks)
    end_ns = drawn.end_ns
    loop = None
    if replay.loop_at is not None:
        starts = [h.at_ns for h in replay.happenings[replay.loop_at :] if h.what is not What.WAKES]
        loop = Loop(starts[0], end_ns)
    waits = f"{names[run.victim]} waits in `{policy.queues[run.queue].name}`"
    if loop is None:
        note = f"{waits} for {duration(replay.end_ns - replay.victim_since_ns)}"
    else:
        note = f"{waits} from {duration(replay.victim_since_ns)} on, for ever"
    return Chart(
        title,
        ("CPU 0",),
        names,
        tuple(queue.name for queue in policy.queues),
        tuple(drawn.bars),
        (*drawn.waits, *drawn.still_waiting()),
        end_ns,
        loop=loop,
        highlighted=run.victim,
        notes=(note,),
    )


@final
class _Drawn:
    """Bars and waits so far; `_since` is from when each task waits, and in which queue."""

    def __init__(self) -> None:
        self.bars: list[Bar] = []
        self.waits: list[Wait] = []
        self.end_ns = 0
        self._since: dict[int, tuple[int, int | None]] = {}

    def take(self, happening: Happening, blocks: Iterator[bool]) -> None:
        at_ns, task, queue = happening.at_ns, happening.task, happening.queue
        self.end_ns = max(self.end_ns, at_ns + happening.ns)
        match happening.what:
            case What.WAKES if task is not None:
                self._since[task] = at_ns, queue
            case What.RUNS if task is not None:
                self._end_wait(task, at_ns)
                self.bars.append(Bar(0, at_ns, at_ns + happening.ns, task, queue))
                if not next(blocks):
                    self._since[task] = at_ns + happening.ns, queue
            case _:
                pass

    def still_waiting(self) -> Iterator[Wait]:
        for task, (since_ns, queue) in self._since.items():
            if since_ns < self.end_ns:
                yield Wait(task, since_ns, self.end_ns, queue)

    def _end_wait(self, task: int, at_ns: int) -> None:
        since_ns, queue = self._since.pop(task, (at_ns, None))
        if since_ns < at_ns:
            self.waits.append(Wait(task, since_ns, at_ns, queue))
