"""Reads the kernel's trace, as tracefs prints it, into `schedlang.workload.trace`. Pure.

What is no event of a kind that was asked for is a ValueError: nothing is passed over in silence.
"""

from __future__ import annotations

import re
from typing import Final

from schedlang.workload.trace import (
    Asked,
    Event,
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

_LINE: Final = re.compile(
    r"\s*.{1,16}-\d+\s+\[(?P<cpu>\d+)\] \S+\s+(?P<s>\d+)\.(?P<us>\d{6}): "
    r"(?P<name>\w+): (?P<text>.*)"
)
_SWITCH: Final = re.compile(
    r"prev_comm=(?P<before_comm>.*) prev_pid=(?P<before>\d+) prev_prio=-?\d+ "
    r"prev_state=(?P<state>\S+) ==> "
    r"next_comm=(?P<after_comm>.*) next_pid=(?P<after>\d+) next_prio=-?\d+"
)
_WAKE: Final = re.compile(
    r"comm=(?P<comm>.*) pid=(?P<tid>\d+) prio=-?\d+ target_cpu=(?P<target>\d+)"
)
_FORK: Final = re.compile(
    r"comm=.* pid=(?P<parent>\d+) child_comm=(?P<comm>.*) child_pid=(?P<child>\d+)"
)
_EXIT: Final = re.compile(r"comm=(?P<comm>.*) pid=(?P<tid>\d+) prio=-?\d+.*")
_ASKED: Final = re.compile(rf"(?P<step>{'|'.join(Step)}) (?P<tid>\d+) (?P<now>\d+)")
_LOST: Final = re.compile(r"(?:overrun|commit overrun|dropped events): (\d+)$", re.MULTILINE)
_LOST_HERE: Final = re.compile(r"CPU:\d+ \[LOST (\d+) EVENTS\]")


def parse_trace(text: str, stats: str, begin_ns: int, end_ns: int) -> Trace:
    """`stats` is what tracefs says of its buffers. Events after `end_ns` are left out."""
    dropped = sum(map(int, _LOST.findall(stats))) + sum(map(int, _LOST_HERE.findall(text)))
    before: list[Event] = []
    events: list[Event] = []
    for line in text.splitlines():
        if line.startswith(("#", "CPU:")) or not line:
            continue
        found = _LINE.fullmatch(line)
        if found is None:
            raise ValueError(f"not an event: {line!r}")
        at_ns = int(found["s"]) * 10**9 + int(found["us"]) * 1000
        # The kernel cuts its times off to a microsecond.
        if at_ns <= end_ns:
            since_ns = max(at_ns - begin_ns, 0)
            event = _event(since_ns, int(found["cpu"]), found["name"], found["text"])
            (events if begin_ns - 1000 < at_ns else before).append(event)
    return Trace(tuple(events), dropped, tuple(before))


def _event(at_ns: int, cpu: int, name: str, text: str) -> Event:
    match name:
        case "sched_switch":
            m = _matched(_SWITCH, text)
            return Switch(
                at_ns=at_ns,
                cpu=cpu,
                before=int(m["before"]),
                before_comm=m["before_comm"],
                left=_left(m["state"]),
                after=int(m["after"]),
                after_comm=m["after_comm"],
            )
        case "sched_waking":
            m = _matched(_WAKE, text)
            return Waking(at_ns, cpu, int(m["tid"]), m["comm"])
        case "sched_wakeup" | "sched_wakeup_new":
            m = _matched(_WAKE, text)
            is_new = name == "sched_wakeup_new"
            return Wakeup(at_ns, cpu, int(m["tid"]), m["comm"], int(m["target"]), is_new)
        case "sched_process_fork":
            m = _matched(_FORK, text)
            return Forked(at_ns, cpu, int(m["parent"]), int(m["child"]), m["comm"])
        case "sched_process_exit":
            m = _matched(_EXIT, text)
            return Exited(at_ns, cpu, int(m["tid"]), m["comm"])
        case "bpf_trace_printk":
            m = _matched(_ASKED, text)
            return Asked(at_ns, cpu, int(m["tid"]), Step(m["step"]), int(m["now"]))
        case _:
            return Other(at_ns, cpu, name, text)


def _matched(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    found = pattern.fullmatch(text)
    if found is None:
        raise ValueError(f"not the fields of an event: {text!r}")
    return found


def _left(state: str) -> Left:
    """As the kernel letters states: `R`, `R+` (preempted), `S`, `D`, …, `Z` and `X` at the end."""
    if state.startswith("R"):
        return Left.RUNNABLE
    return Left.ENDED if state.startswith(("Z", "X", "x")) else Left.BLOCKED
