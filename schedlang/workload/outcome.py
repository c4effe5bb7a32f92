"""What came of a workload: the same figures whether it was simulated or run in a kernel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, slots=True)
class Latencies:
    """Figures of a set of durations. `p50_ns` and `p99_ns` are nearest-rank percentiles."""

    count: int
    p50_ns: int
    p99_ns: int
    max_ns: int
    total_ns: int


@final
@dataclass(frozen=True, slots=True)
class GroupOutcome:
    """`wakeups`: from the moment a thread was woken, or its sleep was over, to its running.

    `run_ns` and `wait_ns` are the group's CPU time and the time it was runnable without a CPU.
    `ended` threads came to their end, the last at `ended_ns` since the run's start (None if some
    did not). `passes` counts the rounds of the threads' outermost loops. `requests` are the
    latencies between `Begin` and `End`, by name; `missed` counts the late `Tick`s.
    """

    group: str
    threads: int
    ended: int
    ended_ns: int | None
    run_ns: int
    wait_ns: int
    switches: int
    migrations: int
    passes: int
    wakeups: Latencies
    requests: tuple[tuple[str, Latencies], ...]
    missed: int


@final
@dataclass(frozen=True, slots=True)
class Outcome:
    """`scheduler` is the policy's name, or `EEVDF`. `makespan_ns` is when the last thread ended, or
    when the run was cut off.
    """

    workload: str
    scheduler: str
    makespan_ns: int
    groups: tuple[GroupOutcome, ...]
