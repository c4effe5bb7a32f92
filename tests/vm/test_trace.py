"""Reading the kernel's trace: what is not understood, or was lost, is never passed over."""

from __future__ import annotations

from pathlib import Path

import pytest

from schedlang.report.kernel_chart import kernel_chart
from schedlang.workload.trace import (
    Asked,
    Exited,
    Forked,
    Left,
    Other,
    Step,
    Switch,
    Trace,
    Wakeup,
    Waking,
)
from schedlang_vm.trace import parse_trace

TEXT = (Path(__file__).parent / "logs" / "switches.trace").read_text()
STATS = """\
/sys/kernel/tracing/per_cpu/cpu0/stats:entries: 7
/sys/kernel/tracing/per_cpu/cpu0/stats:overrun: 0
/sys/kernel/tracing/per_cpu/cpu0/stats:commit overrun: 0
/sys/kernel/tracing/per_cpu/cpu0/stats:dropped events: 0
"""
BEGIN_NS, END_NS = 10_000_000_500, 10_000_100_000


def parsed(text: str = TEXT, stats: str = STATS) -> Trace:
    return parse_trace(text, stats, BEGIN_NS, END_NS)


def test_each_kind_of_event() -> None:
    assert parsed() == Trace(
        (
            Waking(9_500, 0, 120, "a b"),
            Wakeup(11_500, 0, 120, "a b", 1, False),
            Switch(19_500, 1, 0, "swapper/1", Left.RUNNABLE, 120, "a b pid"),
            Forked(29_500, 1, 120, 121, "x=y"),
            Wakeup(30_500, 1, 121, "x=y", 0, True),
            Switch(39_500, 0, 119, "player", Left.BLOCKED, 121, "x=y"),
            Switch(49_500, 1, 120, "a b pid", Left.RUNNABLE, 30, "kworker/1:0H"),
            Exited(59_500, 0, 121, "x=y"),
            Other(69_500, 1, "sched_ext_event", "name SCX_EV_X delta 1"),
            Switch(79_500, 0, 121, "x=y", Left.ENDED, 0, "swapper/0"),
        ),
        dropped=0,
        before=(Waking(0, 0, 7, "early"),),
    )


def test_what_a_traced_policy_is_asked() -> None:
    line = "  bpftool-99 [001] d..2. 10.000020: bpf_trace_printk: leaves 120 2729302396\n"
    assert parsed(line).events == (Asked(19_500, 1, 120, Step.LEAVES, 2729302396),)


def test_the_kernel_rounds_the_begin_down() -> None:
    text = TEXT.replace("10.000010", "10.000000")
    assert parsed(text).events[0] == Waking(0, 0, 120, "a b")


@pytest.mark.parametrize(
    ("text", "stats", "lost"),
    [
        (TEXT, STATS.replace("cpu0/stats:overrun: 0", "cpu0/stats:overrun: 5"), 5),
        (TEXT, STATS.replace("dropped events: 0", "dropped events: 2"), 2),
        (TEXT + "CPU:1 [LOST 42 EVENTS]\n", STATS, 42),
    ],
)
def test_what_is_lost_is_counted(text: str, stats: str, lost: int) -> None:
    assert parsed(text, stats).dropped == lost


@pytest.mark.parametrize(
    ("old", "new"),
    [("sched_switch: prev_comm", "sched_switch: comm"), ("[001]", "001"), (" pid=120 ", " pid=x ")],
)
def test_what_is_not_understood_is_refused(old: str, new: str) -> None:
    with pytest.raises(ValueError, match="not "):
        parsed(TEXT.replace(old, new))


def test_a_trace_is_drawn() -> None:
    chart = kernel_chart("t", 2, 99_500, parsed())
    names = {name: number for number, name in enumerate(chart.tasks)}
    bars = {(bar.task, bar.cpu, bar.start_ns, bar.end_ns) for bar in chart.bars}
    assert bars == {
        (names["a b pid[120]"], 1, 19_500, 49_500),
        (names["x=y[121]"], 0, 39_500, 79_500),
        (names["kworker/1:0H[30]"], 1, 49_500, 99_500),
    }
    waits = {(wait.task, wait.start_ns, wait.end_ns) for wait in chart.waits}
    assert waits == {
        (names["a b pid[120]"], 11_500, 19_500),
        (names["x=y[121]"], 30_500, 39_500),
        (names["a b pid[120]"], 49_500, 99_500),
    }
