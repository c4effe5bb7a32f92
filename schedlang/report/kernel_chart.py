"""A run that a kernel's trace tells of, as a chart. Pure: what is drawn is what was seen.

All threads of the machine are drawn, for all of them take time from each other. What a CPU ran, or
a thread waited for, before the first event that names it is not known and not drawn.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import final

from schedlang.report.chart import Bar, Chart, Wait
from schedlang.workload.trace import IDLE, Switch, Trace, Wakeup
from schedlang.workload.waited import waited


def kernel_chart(title: str, cpus: int, end_ns: int, trace: Trace) -> Chart:
    """Threads bear the name that they had last, and their kernel's number."""
    drawing = _Drawing()
    for event in trace.events:
        match event:
            case Switch():
                drawing.switch(event)
            case Wakeup():
                drawing.number(event.tid, event.comm)
            case _:
                pass
    for cpu in range(cpus):
        drawing.leave(cpu, end_ns)
    waits = (
        Wait(drawing.numbers[tid], since_ns, until_ns, None)
        for tid, _, since_ns, until_ns in waited(trace, end_ns)
        if since_ns < until_ns
    )
    return Chart(
        title,
        tuple(f"CPU {cpu}" for cpu in range(cpus)),
        tuple(f"{drawing.comms[tid]}[{tid}]" for tid in drawing.numbers),
        (),
        tuple(drawing.bars),
        tuple(waits),
        end_ns,
    )


@final
@dataclass(slots=True)
class _Drawing:
    """`running` is what each CPU runs and since when."""

    numbers: dict[int, int] = field(default_factory=dict)
    comms: dict[int, str] = field(default_factory=dict)
    running: dict[int, tuple[int, int]] = field(default_factory=dict)
    bars: list[Bar] = field(default_factory=list)

    def number(self, tid: int, comm: str) -> None:
        self.comms[tid] = comm
        self.numbers.setdefault(tid, len(self.numbers))

    def switch(self, event: Switch) -> None:
        self.leave(event.cpu, event.at_ns)
        if event.before != IDLE:
            self.number(event.before, event.before_comm)
        if event.after != IDLE:
            self.number(event.after, event.after_comm)
            self.running[event.cpu] = (event.after, event.at_ns)

    def leave(self, cpu: int, now_ns: int) -> None:
        """The turn on `cpu` ends, if there is one."""
        tid, since_ns = self.running.pop(cpu, (IDLE, now_ns))
        if tid != IDLE and since_ns < now_ns:
            self.bars.append(Bar(cpu, since_ns, now_ns, self.numbers[tid], None))
