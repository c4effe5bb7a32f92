"""Ways through a workload: its phases by number, and how often what is done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from schedlang.workload.model import Fork, Group, Loop, Phase, Workload

Times = int | None
"""How often; None: without end."""


def numbered(phases: tuple[Phase, ...], first: int = 0) -> Iterator[tuple[int, Phase]]:
    """Every phase with its number, the loops' own phases after the loops."""
    for phase in phases:
        yield first, phase
        first += 1
        if isinstance(phase, Loop):
            yield from numbered(phase.phases, first)
            first += sum(1 for _ in numbered(phase.phases))


def is_endless(phase: Phase) -> bool:
    return isinstance(phase, Loop) and (
        phase.times is None or any(is_endless(p) for p in phase.phases)
    )


def product(a: Times, b: Times) -> Times:
    if a == 0 or b == 0:
        return 0
    return None if a is None or b is None else a * b


def plus(a: Times, b: Times) -> Times:
    return None if a is None or b is None else a + b


def total(values: Iterable[Times]) -> Times:
    found: Times = 0
    for value in values:
        found = plus(found, value)
    return found


def exceeds(a: Times, b: Times) -> bool:
    return b is not None and (a is None or a > b)


def repeated(
    phases: tuple[Phase, ...], times: Times = 1, first: int = 0
) -> Iterator[tuple[int, Phase, Times]]:
    """Every phase with its number and how often a thread goes through it; None: without end."""
    for phase in phases:
        yield first, phase, times
        first += 1
        if isinstance(phase, Loop):
            yield from repeated(phase.phases, product(times, phase.times), first)
            first += sum(1 for _ in numbered(phase.phases))


def thread_counts(workload: Workload) -> dict[str, Times]:
    """How many threads of each group there will have been. The forks must have no cycle."""
    counts: dict[str, Times] = {}

    def count(group: Group) -> Times:
        if group.name not in counts:
            total: Times = group.threads
            for parent in workload.groups:
                for _, phase, times in repeated(parent.phases):
                    if isinstance(phase, Fork) and phase.group == group.name:
                        forks = product(times, phase.count)
                        total = plus(total, product(count(parent), forks))
            counts[group.name] = total
        return counts[group.name]

    for group in workload.groups:
        count(group)
    return counts


def reached(edges: Mapping[str, set[str]], start: str) -> set[str]:
    """What can be reached from `start` in one step or more."""
    found: set[str] = set()
    ahead = sorted(edges.get(start, ()))
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead += sorted(edges.get(name, ()))
    return found
