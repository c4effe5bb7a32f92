"""Charts of replayed runs: what the interpreter did, to the nanosecond."""

from __future__ import annotations

from pathlib import Path

import pytest

from schedlang.driver import Phase, Request, run
from schedlang.ir.nodes import Policy
from schedlang.machine.replay import Mismatch, Replay, replay
from schedlang.machine.scenario import Delay, Lasso, Run, Step, TaskSpec, Turn, Wake
from schedlang.report.chart import Bar, Chart, Wait
from schedlang.report.run_chart import run_chart
from tests.support.command_line import FIFO, STARVING

MS = 1_000_000
TWO = (TaskSpec("a", nice=-1), TaskSpec("b"))
DELAY = Delay(
    TWO,
    (
        Wake(0),
        Turn(0, 4 * MS, blocks=False),
        Wake(1),
        Turn(1, 3 * MS, blocks=True),
        Turn(0, MS, blocks=True),
    ),
    0,
    0,
    (),
    0,
)
LASSO = Lasso(TWO, (Wake(1), Wake(0), Turn(0, 2 * MS, blocks=False)), 2, 1, 1, ())


def drawn(text: str, scenario: Run, folder: Path) -> tuple[Chart, Replay]:
    path = folder / "p.sched"
    path.write_text(text)
    policy = run(Request(str(path), through=Phase.LOWER)).policy
    assert isinstance(policy, Policy)
    replayed = replay(policy, scenario, 10)
    assert not isinstance(replayed, Mismatch), replayed.what
    return run_chart(policy, scenario, replayed, "title"), replayed


def test_a_run_that_ends(tmp_path: Path) -> None:
    chart, _ = drawn(FIFO, DELAY, tmp_path)
    assert chart.bars == (
        Bar(0, 0, 4 * MS, 0, 0),
        Bar(0, 4 * MS, 7 * MS, 1, 0),
        Bar(0, 7 * MS, 8 * MS, 0, 0),
    )
    assert chart.waits == (Wait(0, 4 * MS, 7 * MS, 0),)
    assert (chart.loop, chart.end_ns) == (None, 8 * MS)
    assert chart.notes == ("a waits in `tasks` for 3ms",)


@pytest.mark.parametrize("before", range(0, 30, 7))
def test_a_loop_is_drawn_so_often_that_it_can_be_seen(tmp_path: Path, before: int) -> None:
    steps: list[Step] = [Wake(1), Wake(0)]
    steps += [Turn(0, 2 * MS, blocks=False)] * (before + 1)
    lasso = Lasso(TWO, tuple(steps), len(steps) - 1, 1, 1, ())
    chart, _ = drawn(STARVING, lasso, tmp_path)
    assert chart.loop is not None
    assert chart.loop.start_ns == 2 * MS * before
    looped = chart.loop.end_ns - chart.loop.start_ns
    assert looped == chart.end_ns - chart.loop.start_ns
    assert looped >= min(chart.end_ns // 3, 24 * MS)
    for one, other in zip(chart.bars, chart.bars[1:], strict=False):
        assert one.end_ns == other.start_ns
    assert chart.waits == (Wait(1, 0, chart.end_ns, 1),)


def test_who_the_chart_is_about(tmp_path: Path) -> None:
    chart, replayed = drawn(STARVING, LASSO, tmp_path)
    assert chart.highlighted == 1
    assert chart.notes == ("b waits in `rest` from 0ns on, for ever",)
    assert replayed.period_ns == 2 * MS
