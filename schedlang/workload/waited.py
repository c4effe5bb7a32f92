"""When a kernel's threads were runnable without a CPU, as a trace tells of them. Pure.

What a thread waited for before the first event that names it is not known and not told.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from schedlang.workload.trace import IDLE, Left, Switch, Trace, Wakeup


class Waited(NamedTuple):
    """Thread `tid`, by then called `comm`, was runnable from `since_ns` and ran at `until_ns`, or
    the run ended then.
    """

    tid: int
    comm: str
    since_ns: int
    until_ns: int


def waited(trace: Trace, end_ns: int) -> Iterator[Waited]:
    """Every wait of a run that ended at `end_ns`, in the order in which they ended."""
    since: dict[int, int] = {}
    running: dict[int, int] = {}
    comms: dict[int, str] = {}
    for event in trace.events:
        match event:
            case Wakeup(tid=tid, at_ns=at_ns):
                comms[tid] = event.comm
                if tid not in running.values():
                    since.setdefault(tid, at_ns)
            case Switch(before=before, after=after, at_ns=at_ns):
                comms[before], comms[after] = event.before_comm, event.after_comm
                if event.left is Left.RUNNABLE and before != IDLE:
                    since[before] = at_ns
                running[event.cpu] = after
                if after in since:
                    yield Waited(after, event.after_comm, since.pop(after), at_ns)
            case _:
                pass
    for tid, since_ns in since.items():
        if since_ns < end_ns:
            yield Waited(tid, comms[tid], since_ns, end_ns)
