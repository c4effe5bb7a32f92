"""Whether a run was what a test expects. Pure; the run may be a simulation's or a kernel's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never, final

from schedlang.ir.testing import Before, Expectation, Limit, Measure, Statistic, Test
from schedlang.workload.outcome import GroupOutcome, Latencies, Outcome
from schedlang.workload.walk import is_endless


@final
@dataclass(frozen=True, slots=True)
class Seen:
    """A run with `seed`. `waits`, by group, are those before every turn."""

    seed: int
    outcome: Outcome
    waits: tuple[Latencies, ...]


@final
@dataclass(frozen=True, slots=True)
class Judged:
    """`measured` is in the expectation's unit, a share in percent; None: there was nothing to
    measure, and `why` says why not. What was not measured is not met.
    """

    expectation: Expectation
    holds: bool
    measured: float | None
    why: str = ""


def judge(test: Test, seen: Seen) -> tuple[Judged, ...]:
    return tuple(_judge(expectation, test, seen) for expectation in test.expectations)


def _judge(expectation: Expectation, test: Test, seen: Seen) -> Judged:
    match expectation:
        case Limit():
            return _limit(expectation, test, seen)
        case Before():
            return _before(expectation, seen)
        case _:
            assert_never(expectation)


def _limit(limit: Limit, test: Test, seen: Seen) -> Judged:
    match limit.measure:
        case Measure.WAIT:
            return _latency(limit, seen.waits[_index(test, limit.group)])
        case Measure.WAKEUP:
            return _latency(limit, _group(seen, limit.group).wakeups)
        case Measure.SHARE:
            capacity_ns = seen.outcome.makespan_ns * test.topology.cpus
            used_ns = 100 * _group(seen, limit.group).run_ns
            holds = limit.relation.holds(used_ns, limit.value * capacity_ns)
            return Judged(limit, holds, used_ns / max(capacity_ns, 1))
        case Measure.PASSES:
            return _compared(limit, _group(seen, limit.group).passes)
        case Measure.MAKESPAN:
            return _makespan(limit, test, seen)
        case Measure.BEFORE:
            raise AssertionError(limit)
        case _:
            assert_never(limit.measure)


def _compared(limit: Limit, measured: int) -> Judged:
    return Judged(limit, limit.relation.holds(measured, limit.value), measured)


def _latency(limit: Limit, latencies: Latencies) -> Judged:
    if not latencies.count:
        return Judged(limit, False, None, f'"{limit.group}" never waited for a turn')
    assert limit.statistic is not None
    match limit.statistic:
        case Statistic.P50:
            return _compared(limit, latencies.p50_ns)
        case Statistic.P99:
            return _compared(limit, latencies.p99_ns)
        case Statistic.MAX:
            return _compared(limit, latencies.max_ns)
        case _:
            assert_never(limit.statistic)


def _makespan(limit: Limit, test: Test, seen: Seen) -> Judged:
    jobs = [group.name for group in test.workload.groups if not any(map(is_endless, group.phases))]
    ends = [_group(seen, name).ended_ns for name in jobs]
    known = [end_ns for end_ns in ends if end_ns is not None]
    if len(known) < len(jobs):
        return Judged(limit, False, None, "a job had not ended when the test did")
    return _compared(limit, max(known))


def _before(order: Before, seen: Seen) -> Judged:
    first, second = (_group(seen, name).ended_ns for name in (order.first, order.second))
    if first is None:
        return Judged(order, False, None, f'"{order.first}" had not ended when the test did')
    if second is None:
        return Judged(order, True, first)
    return Judged(order, first < second, first, f'"{order.second}" ended first')


def _group(seen: Seen, name: str | None) -> GroupOutcome:
    return next(group for group in seen.outcome.groups if group.group == name)


def _index(test: Test, name: str | None) -> int:
    return next(n for n, group in enumerate(test.workload.groups) if group.name == name)
