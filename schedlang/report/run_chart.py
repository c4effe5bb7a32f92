"""A replayed run as a chart. Pure: what is drawn is what the interpreter did, nothing more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, assert_never, final

from schedlang.ir.nodes import Policy
from schedlang.machine.replay import Happening, Replay, What
from schedlang.machine.scenario import Delay, Lasso, Run, Shortfall, Turn
from schedlang.machine.timeline import task_names
from schedlang.report.chart import Bar, Chart, Loop, Wait
from schedlang.units import duration

_MOST_PASSES: Final = 12


def run_chart(policy: Policy, run: Run, replay: Replay, title: str) -> Chart:
    """The steps before the loop and its first passes, or the whole run if it has an end."""
    names = task_names(run)
    drawn = _Drawn()
    for happening, blocks in _happenings(run, replay):
        drawn.take(happening, blocks)
    end_ns = drawn.end_ns
    loop = None
    if replay.loop_at is not None:
        starts = [h.at_ns for h in replay.happenings[replay.loop_at :] if h.what is not What.WAKES]
        loop = Loop(starts[0], end_ns)
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
        notes=(_note(policy, run, replay, names),),
    )


def _happenings(run: Run, replay: Replay) -> Iterator[tuple[Happening, bool]]:
    """Each with whether its task blocks at its end; the loop so often that it can be seen.

    Every pass does the same, for the same time: that is what the replay has shown.
    """
    turns = [step.blocks for step in run.steps if isinstance(step, Turn)]
    ends = iter(turns)
    before = replay.happenings[: replay.loop_at]
    again = replay.happenings[len(before) :]
    yield from ((h, h.what is What.RUNS and next(ends)) for h in before)
    length_ns = sum(happening.ns for happening in again)
    loop_ends = list(ends)
    for number in range(_passes(sum(happening.ns for happening in before), length_ns)):
        ends = iter(loop_ends)
        for happening in again:
            later = replace(happening, at_ns=happening.at_ns + number * length_ns)
            yield later, happening.what is What.RUNS and next(ends)


def _passes(before_ns: int, length_ns: int) -> int:
    """The loop fills at least a third of the chart, unless that takes too many passes."""
    return min(max(-(-before_ns // max(2 * length_ns, 1)), 2), _MOST_PASSES)


def _note(policy: Policy, run: Run, replay: Replay, names: tuple[str, ...]) -> str:
    """What the run is about."""
    queue = policy.queues[run.queue].name
    waits = f"{names[run.victim]} waits in `{queue}`"
    match run:
        case Lasso():
            return f"{waits} from {duration(replay.victim_since_ns)} on, for ever"
        case Delay():
            return f"{waits} for {duration(replay.end_ns - replay.victim_since_ns)}"
        case Shortfall():
            assert replay.served_ns is not None
            assert replay.period_ns is not None
            served, period = duration(replay.served_ns), duration(replay.period_ns)
            return f"`{queue}` gets {served} of every {period}, less than {run.percent}%"
        case _:
            assert_never(run)


@final
class _Drawn:
    """Bars and waits so far; `_since` is from when each task waits, and in which queue."""

    def __init__(self) -> None:
        self.bars: list[Bar] = []
        self.waits: list[Wait] = []
        self.end_ns = 0
        self._since: dict[int, tuple[int, int | None]] = {}

    def take(self, happening: Happening, blocks: bool) -> None:
        at_ns, task, queue = happening.at_ns, happening.task, happening.queue
        self.end_ns = max(self.end_ns, at_ns + happening.ns)
        match happening.what:
            case What.WAKES if task is not None:
                self._since[task] = at_ns, queue
            case What.RUNS if task is not None:
                self._end_wait(task, at_ns)
                self.bars.append(Bar(0, at_ns, at_ns + happening.ns, task, queue))
                if not blocks:
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
