"""A task's statistics, by docs/language.md alone: what is known of how it runs and wakes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

LONGEST_NS = 10**10


def nearer(old: int, sample: int) -> int:
    """A quarter of the way from `old` to the sample, in whole nanoseconds."""
    return (3 * old + sample) // 4


@dataclass
class Habits:
    """`woken_at` and `waking_at`: the last wake-up, of it and by it, or as if a second before."""

    woken_at: int
    waking_at: int
    run_since_wake: int = 0
    avg_run: int = 5_000_000
    wake_gap: int = 10**9
    waking_gap: int = 10**9

    def values(self) -> dict[str, int]:
        names = ("run_since_wake", "avg_run", "wake_gap", "waking_gap")
        return {name: getattr(self, name) for name in names}

    def wakes_up(self, now: int) -> None:
        self.run_since_wake = 0
        self.wake_gap = nearer(self.wake_gap, min(now - self.woken_at, LONGEST_NS))
        self.woken_at = now

    def wakes_another(self, now: int) -> None:
        self.waking_gap = nearer(self.waking_gap, min(now - self.waking_at, LONGEST_NS))
        self.waking_at = now

    def stops(self, used: int, blocked: bool) -> None:
        self.run_since_wake = min(self.run_since_wake + used, LONGEST_NS)
        if blocked:
            self.avg_run = nearer(self.avg_run, self.run_since_wake)


def part_of_machine(
    path: str, weight: int, members: Iterable[tuple[str, int]], weights: Mapping[str, int]
) -> int:
    """Of 10000, what is due to a task of that cgroup and weight beside the runnable `members`."""
    members = list(members)
    part = 10**9 * weight
    while True:
        part //= max(worth(path, members, weights), 1)
        if path == "/":
            return min(max(part // 10**5, 1), 10_000)
        part *= weights.get(path, 100) * any(is_within(group, path) for group, _ in members)
        path = above(path)


def worth(path: str, members: list[tuple[str, int]], weights: Mapping[str, int]) -> int:
    """What the cgroup's own tasks and its children that have any weigh together."""
    groups = {group for group, _ in members}
    lineages = {ancestor for group in groups for ancestor in lineage(group)}
    children = [child for child in lineages if child != "/" and above(child) == path]
    own = sum(weight for group, weight in members if group == path)
    return own + sum(weights.get(child, 100) for child in children)


def is_within(group: str, path: str) -> bool:
    return path in lineage(group)


def lineage(group: str) -> list[str]:
    return ["/"] if group == "/" else [group, *lineage(above(group))]


def above(path: str) -> str:
    return path[: path.rindex("/")] or "/"


def new_habits(now: int) -> Habits:
    return Habits(now - 10**9, now - 10**9)
