"""What came of a workload, simulated or run in a kernel, as text and as JSON values. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from schedlang.diagnostics.render_json import JsonObject
from schedlang.report.chart_html import Table
from schedlang.report.tables import NOTHING, table
from schedlang.units import duration
from schedlang.workload.outcome import GroupOutcome, Latencies, Outcome

_USES: Final = (
    *("group", "threads", "ended", "ran", "share", "switches", "migrations"),
    *("passes", "missed"),
)


def outcome_text(outcome: Outcome, cpus: int, waits: tuple[Latencies, ...] = ()) -> str:
    """Two tables: who got how much, and who waited how long.

    `waits`, by group, are those before every turn, where they are known.
    """
    tables = outcome_tables(outcome, cpus, waits)
    return "".join(f"{line}\n" for part in tables for line in table(part.head, part.rows))


def outcome_tables(
    outcome: Outcome, cpus: int, waits: tuple[Latencies, ...] = ()
) -> tuple[Table, ...]:
    capacity_ns = outcome.makespan_ns * cpus
    uses = [_use(group, capacity_ns) for group in outcome.groups]
    shown = [n for n, _ in enumerate(_USES) if any(use[n] != NOTHING for use in uses)]
    rows = tuple(tuple(use[n] for n in shown) for use in uses)
    latencies = tuple(
        row for n, group in enumerate(outcome.groups) for row in _latencies(group, waits[n : n + 1])
    )
    return (
        Table("CPU time", tuple(_USES[n] for n in shown), rows),
        Table("Latencies", ("latency of", "", "count", "median", "99%", "longest"), latencies),
    )


def _use(group: GroupOutcome, capacity_ns: int) -> tuple[str, ...]:
    return (
        group.group,
        str(group.threads),
        str(group.ended),
        duration(group.run_ns),
        f"{group.run_ns * 100 / capacity_ns:.1f}%" if capacity_ns else NOTHING,
        str(group.switches),
        str(group.migrations),
        str(group.passes or NOTHING),
        str(group.missed or NOTHING),
    )


def _latencies(group: GroupOutcome, waits: tuple[Latencies, ...]) -> Iterator[tuple[str, ...]]:
    known = [("wake-up", group.wakeups), *(("wait", wait) for wait in waits)]
    known += [(f"request {name}", taken) for name, taken in group.requests]
    for what, found in known:
        if found.count:
            times = (found.p50_ns, found.p99_ns, found.max_ns)
            yield (group.group, what, str(found.count), *map(duration, times))


# --- JSON


def outcome_json(outcome: Outcome) -> JsonObject:
    return {
        "workload": outcome.workload,
        "scheduler": outcome.scheduler,
        "makespan_ns": outcome.makespan_ns,
        "groups": [_group_json(group) for group in outcome.groups],
    }


def _group_json(group: GroupOutcome) -> JsonObject:
    return {
        "group": group.group,
        "threads": group.threads,
        "ended": group.ended,
        "ended_ns": group.ended_ns,
        "run_ns": group.run_ns,
        "wait_ns": group.wait_ns,
        "switches": group.switches,
        "migrations": group.migrations,
        "passes": group.passes,
        "wakeups": latencies_json(group.wakeups),
        "requests": {name: latencies_json(taken) for name, taken in group.requests},
        "missed": group.missed,
    }


def latencies_json(found: Latencies) -> JsonObject:
    return {
        "count": found.count,
        "p50_ns": found.p50_ns,
        "p99_ns": found.p99_ns,
        "max_ns": found.max_ns,
        "total_ns": found.total_ns,
    }
