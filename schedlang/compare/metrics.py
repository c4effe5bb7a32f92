"""The figures that are compared: which ones a workload has, and what a run gives for each. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, final

from schedlang.workload.model import Group, Tick, Workload
from schedlang.workload.outcome import GroupOutcome, Latencies, Outcome
from schedlang.workload.walk import numbered

LEAST_LATENCY_NS: Final = 1000
"""Shorter latencies count as this long: nobody can tell them apart, and a ratio needs no zeros."""


class Unit(StrEnum):
    TIME = "ns"
    COUNT = ""
    SHARE = "ppm"


class Wanted(StrEnum):
    """Which way is better."""

    LESS = "less"
    MORE = "more"
    NEITHER = "neither"


@final
@dataclass(frozen=True, slots=True)
class Metric:
    name: str
    unit: Unit
    wanted: Wanted


@final
@dataclass(frozen=True, slots=True)
class Measured:
    """`value` is above 0."""

    metric: Metric
    value: int


def measured(workload: Workload, cpus: int, outcome: Outcome) -> Iterator[Measured]:
    """All figures of a run that say something of the scheduler."""
    if workload.duration_ns is None:
        makespan = Metric("makespan", Unit.TIME, Wanted.LESS)
        yield Measured(makespan, max(1, outcome.makespan_ns))
    capacity_ns = max(1, outcome.makespan_ns * cpus)
    for group, got in zip(workload.groups, outcome.groups, strict=False):
        yield from _latencies("wakeup", group.name, got.wakeups)
        for request, taken in got.requests:
            yield from _latencies(f"request {request}", group.name, taken)
        yield from _counts(group, got)
        if workload.duration_ns is not None:
            share = Metric(f"share {group.name}", Unit.SHARE, Wanted.NEITHER)
            yield Measured(share, max(1, got.run_ns * 10**6 // capacity_ns))
            if got.passes:
                passes = Metric(f"passes {group.name}", Unit.COUNT, Wanted.MORE)
                yield Measured(passes, got.passes)


def _latencies(what: str, group: str, taken: Latencies) -> Iterator[Measured]:
    if not taken.count:
        return
    figures = (("p50", taken.p50_ns), ("p99", taken.p99_ns), ("max", taken.max_ns))
    for figure, ns in figures:
        metric = Metric(f"{figure} {what} {group}", Unit.TIME, Wanted.LESS)
        yield Measured(metric, max(LEAST_LATENCY_NS, ns))


def _counts(group: Group, got: GroupOutcome) -> Iterator[Measured]:
    """Missed periods and one more, so that none is a number to divide by."""
    if any(isinstance(phase, Tick) for _, phase in numbered(group.phases)):
        yield Measured(Metric(f"missed {group.name}", Unit.COUNT, Wanted.LESS), got.missed + 1)
