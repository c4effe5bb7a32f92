"""Raw samples: what every run of a comparison gave, and what it depends on.

`check` says of each run whether it counts. Nothing is told of a comparison in which one does not:
a scheduler that loses its tasks, or its place, would look the better for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

from schedlang.backend import Provenance
from schedlang.compare.plan import Entry, Setup
from schedlang.diagnostics.model import Diagnostic
from schedlang.workload.model import Workload
from schedlang.workload.outcome import GroupOutcome, Outcome


@final
@dataclass(frozen=True, slots=True)
class Sample:
    """One run. `kernel` is its release and `provenance` what it was run with: "" and None on the
    reference machine. `attached`: the scheduler was in charge from beginning to end.
    """

    entry: Entry
    outcome: Outcome
    longest_waits_ns: tuple[int, ...]
    all_ended: bool
    attached: bool
    kernel: str
    provenance: Provenance | None


@final
@dataclass(frozen=True, slots=True)
class Samples:
    """All runs of a setup, each once, in the order in which they were run."""

    setup: Setup
    samples: tuple[Sample, ...]


def check(samples: Samples) -> tuple[Diagnostic, ...]:
    """Everything for which the comparison does not count."""
    workloads = {workload.name: workload for workload in samples.setup.workloads}
    return tuple(
        Diagnostic("E1001", f"{describe(sample.entry)}: {fault}")
        for sample in samples.samples
        for fault in _faults(workloads[sample.entry.workload], sample)
    )


def describe(entry: Entry) -> str:
    role = ", the control" if entry.is_control else ""
    return f"`{entry.workload}` under {entry.contender}{role}, seed {entry.seed}"


def _faults(workload: Workload, sample: Sample) -> Iterator[str]:
    if not sample.attached:
        yield "the scheduler did not stay attached"
    if workload.duration_ns is None:
        if not sample.all_ended:
            unfinished = ", ".join(_unfinished(sample.outcome.groups))
            yield f"not all work was done; threads that had not ended: {unfinished}"
        return
    waits = zip(sample.outcome.groups, sample.longest_waits_ns, strict=True)
    for group, longest_ns in waits:
        if group.threads and not group.run_ns:
            yield f"`{group.group}` starved: it did not run at all"
        elif longest_ns * 2 >= workload.duration_ns:
            yield f"`{group.group}` starved: a thread waited {longest_ns // 10**6} ms for a CPU"


def _unfinished(groups: tuple[GroupOutcome, ...]) -> Iterator[str]:
    for group in groups:
        if group.ended < group.threads:
            yield f"{group.threads - group.ended} of {group.group}"
