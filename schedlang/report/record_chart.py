"""A simulated run as a chart. Pure: what is drawn is what happened, nothing more."""

from __future__ import annotations

from schedlang.ir.nodes import Policy
from schedlang.report.chart import Bar, Chart, Wait
from schedlang.simulate.record import Record
from schedlang.workload.model import Workload


def record_chart(policy: Policy, workload: Workload, cpus: int, record: Record) -> Chart:
    """Threads bear their group's name, and their number where the group has several."""
    return Chart(
        f"{workload.name} under {policy.name}",
        tuple(f"CPU {cpu}" for cpu in range(cpus)),
        _names(workload, record),
        tuple(queue.name for queue in policy.queues),
        tuple(Bar(t.cpu, t.start_ns, t.end_ns, t.thread, t.queue) for t in record.turns),
        tuple(
            Wait(w.thread, w.start_ns, w.end_ns, w.queue)
            for w in record.waits
            if w.start_ns < w.end_ns
        ),
        record.end_ns,
    )


def _names(workload: Workload, record: Record) -> tuple[str, ...]:
    sizes = [0] * len(workload.groups)
    for thread in record.threads:
        sizes[thread.group] += 1
    return tuple(
        f"{workload.groups[thread.group].name}#{thread.number}"
        if sizes[thread.group] > 1
        else workload.groups[thread.group].name
        for thread in record.threads
    )
