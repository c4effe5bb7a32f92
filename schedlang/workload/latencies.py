"""Sets of durations, summed up as `Latencies`."""

from __future__ import annotations

from collections.abc import Sequence

from schedlang.workload.outcome import Latencies


def latencies(samples_ns: Sequence[int]) -> Latencies:
    """All 0 if there are none."""
    ordered = sorted(samples_ns)
    if not ordered:
        return Latencies(0, 0, 0, 0, 0)
    return Latencies(
        len(ordered), percentile(ordered, 50), percentile(ordered, 99), ordered[-1], sum(ordered)
    )


def percentile(ordered_ns: Sequence[int], percent: int) -> int:
    """The nearest-rank percentile: the least that `percent` of 100 do not exceed."""
    return ordered_ns[-(-len(ordered_ns) * percent // 100) - 1]
