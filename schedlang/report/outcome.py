"""What came of a workload, as text and as JSON values, whether simulated or run in a kernel. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from schedlang.diagnostics.render_json import JsonObject
from schedlang.report.tables import NOTHING, table
from schedlang.report.units import duration
from schedlang.workload.outcome import GroupOutcome, Latencies, Outcome


def outcome_text(outcome: Outcome, cpus: int, waits: tuple[Latencies, ...] = ()) -> str:
    """Two tables: who got how much, and who waited how long.

    `waits`, by group, are those before every turn, where they are known.
    """
    capacity_ns = outcome.makespan_ns * cpus
    lines = [f"makespan {duration(outcome.makespan_ns)}"]
    head = ("group", "threads", "ended", "ran", "share", "switches", "migrations", "passes")
    has_missed = any(group.missed for group in outcome.groups)
    rows = [_use(group, capacity_ns) for group in outcome.groups]
    if has_missed:
        head = (*head, "missed")
        rows = [(*r, str(g.missed)) for r, g in zip(rows, outcome.groups, strict=True)]
    lines += table(head, rows)
    lines += table(
        ("latency of", "", "count", "median", "99%", "longest"),
        [row for n, group in enumerate(outcome.groups) for row in _latencies(group, waits[n : n + 1])],
    )
    return "\n".join(lines) + "\n"


def _use(group: GroupOutcome, capacity_ns: int) -> tuple[str, ...]:
    return (
        group.group,
        str(group.threads),
        str(group.ended),
        duration(group.run_ns),
        f"{group.run_ns * 100 / capacity_ns:.1f}%" if capacity_ns else NOTHING,
        str(group.switches),
        str(group.migrations),
        str(group.passes) if group.passes else NOTHING,
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
