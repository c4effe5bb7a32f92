"""A task's statistics, by docs/language.md alone: what is known of how it runs and wakes."""

from __future__ import annotations

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


def new_habits(now: int) -> Habits:
    return Habits(now - 10**9, now - 10**9)
