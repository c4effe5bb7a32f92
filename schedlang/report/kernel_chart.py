"""A run that a kernel's trace tells of, as a chart. Pure: what is drawn is what was seen.

All threads of the machine are drawn, for all of them take time from each other. What a CPU ran, or
a thread waited for, before the first event that names it is not known and not drawn.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import final

from schedlang.report.chart import Bar, Chart, Wait
from schedlang.workload.trace import Left, Switch, Trace, Wakeup

_IDLE = 0


def kernel_chart(title: str, cpus: int, end_ns: int, trace: Trace) -> Chart:
    """Threads bear the name that they had last, and their kernel's number."""
    drawing = _Drawing()
    for event in trace.events:
        match event:
            case Switch():
                drawing.switch(event)
            case Wakeup():
                drawing.wake(event)
            case _:
                pass
    drawing.finish(end_ns)
    return Chart(
        title,
        tuple(f"CPU {cpu}" for cpu in range(cpus)),
        tuple(f"{drawing.comms[tid]}[{tid}]" for tid in drawing.numbers),
        (),
        tuple(drawing.bars),
        tuple(drawing.waits),
        end_ns,
    )


@final
@dataclass(slots=True)
class _Drawing:
    """`running` is what each CPU runs and since when, `waiting` since when a thread waits."""

    numbers: dict[int, int] = field(default_factory=dict)
    comms: dict[int, str] = field(default_factory=dict)
    running: dict[int, tuple[int, int]] = field(default_factory=dict)
    waiting: dict[int, int] = field(default_factory=dict)
    bars: list[Bar] = field(default_factory=list)
    waits: list[Wait] = field(default_factory=list)

    def number(self, tid: int, comm: str) -> int:
        self.comms[tid] = comm
        return self.numbers.setdefault(tid, len(self.numbers))

    def switch(self, event: Switch) -> None:
        self.leave(event.cpu, event.at_ns)
        if event.before != _IDLE:
            self.number(event.before, event.before_comm)
            if event.left is Left.RUNNABLE:
                self.waiting[event.before] = event.at_ns
        if event.after != _IDLE:
            number = self.number(event.after, event.after_comm)
            self.running[event.cpu] = (event.after, event.at_ns)
            since_ns = self.waiting.pop(event.after, None)
            if since_ns is not None and since_ns < event.at_ns:
                self.waits.append(Wait(number, since_ns, event.at_ns, None))

    def wake(self, event: Wakeup) -> None:
        self.number(event.tid, event.comm)
        if all(tid != event.tid for tid, _ in self.running.values()):
            self.waiting.setdefault(event.tid, event.at_ns)

    def leave(self, cpu: int, now_ns: int) -> None:
        """The turn on `cpu` ends, if there is one."""
        tid, since_ns = self.running.pop(cpu, (_IDLE, now_ns))
        if tid != _IDLE and since_ns < now_ns:
            self.bars.append(Bar(cpu, since_ns, now_ns, self.numbers[tid], None))

    def finish(self, end_ns: int) -> None:
        for cpu in list(self.running):
            self.leave(cpu, end_ns)
        for tid, since_ns in self.waiting.items():
            if since_ns < end_ns:
                self.waits.append(Wait(self.numbers[tid], since_ns, end_ns, None))
