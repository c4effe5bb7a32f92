"""Waits of a workload that would never end: messages, barriers, locks in opposite orders.

Below `check`. For workloads whose names and pairs are in order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, final

from schedlang.diagnostics.suggest import did_you_mean
from schedlang.workload.model import Barrier, Lock, Receive, Send, Unlock, Workload
from schedlang.workload.problem import Problem
from schedlang.workload.walk import (
    Times,
    exceeds,
    numbered,
    plus,
    product,
    reached,
    repeated,
    thread_counts,
    total,
)

MOST_THREADS: Final = 10_000


@final
@dataclass(slots=True)
class _Use:
    """All uses of one channel or barrier. By group: how often each of its threads is there, and how
    many threads there are.
    """

    by_thread: dict[int, Times] = field(default_factory=dict)
    threads_of: dict[int, Times] = field(default_factory=dict)
    places: list[tuple[int, int]] = field(default_factory=list)

    def add(self, place: tuple[int, int], times: Times, threads: Times) -> None:
        group = place[0]
        self.by_thread[group] = plus(self.by_thread.get(group, 0), times)
        self.threads_of[group] = threads
        self.places.append(place)

    @property
    def threads(self) -> Times:
        return total(self.threads_of.values())

    @property
    def total(self) -> Times:
        each = (product(n, self.threads_of[group]) for group, n in self.by_thread.items())
        return total(each)

    def is_uneven(self, parties: int) -> bool:
        """Whether some thread is left at the barrier in the end; False if there is no end."""
        total = self.total
        if total is None:
            return False
        rounds = total // parties
        return total % parties > 0 or any(exceeds(n, rounds) for n in self.by_thread.values())


def sums(workload: Workload) -> Iterator[Problem]:
    counts = thread_counts(workload)
    sends: dict[str, _Use] = {}
    receives: dict[str, _Use] = {}
    barriers: dict[str, dict[int, _Use]] = {}
    for index, group in enumerate(workload.groups):
        threads = counts[group.name]
        if threads == 0:
            message = f"no thread of `{group.name}` ever starts"
            yield Problem("E0708", message, "give it `threads`, or fork it", index)
        if exceeds(threads, MOST_THREADS) and threads is not None:
            message = f"there would be {threads} threads of `{group.name}`"
            yield Problem("E0704", message, f"{MOST_THREADS} is the most", index)
        for number, phase, times in repeated(group.phases):
            match phase:
                case Send(channel=name, count=count):
                    use = sends.setdefault(name, _Use())
                    use.add((index, number), product(times, count), threads)
                case Receive(channel=name, count=count):
                    use = receives.setdefault(name, _Use())
                    use.add((index, number), product(times, count), threads)
                case Barrier(name=name, parties=parties):
                    use = barriers.setdefault(name, {}).setdefault(parties, _Use())
                    use.add((index, number), times, threads)
                case _:
                    pass
    yield from _channels(sends, receives)
    yield from _barriers(barriers)


def _channels(sends: Mapping[str, _Use], receives: Mapping[str, _Use]) -> Iterator[Problem]:
    for name, use in receives.items():
        sent = sends[name].total if name in sends else 0
        if name not in sends:
            near = did_you_mean(name, sends)
            hint = f"did you mean `{near}`?" if near else f"add `send {name}`"
            yield Problem("E0707", f"nobody sends to `{name}`", hint, *use.places[0])
        elif use.total is not None and exceeds(use.total, sent):
            message = f"{use.total} messages are received from `{name}`, but only {sent} sent"
            yield Problem("E0707", message, "send as many", *use.places[0])
    for name, use in sends.items():
        if name not in receives:
            near = did_you_mean(name, receives)
            hint = f"did you mean `{near}`?" if near else f"add `receive {name}`"
            yield Problem("E0705", f"nobody receives from `{name}`", hint, *use.places[0])


def _barriers(barriers: Mapping[str, Mapping[int, _Use]]) -> Iterator[Problem]:
    for name, by_parties in barriers.items():
        if len(by_parties) > 1:
            sizes = " and ".join(str(parties) for parties in by_parties)
            message = f"the barrier `{name}` has {sizes} parties"
            use = list(by_parties.values())[1]
            yield Problem("E0707", message, "use one number of parties", *use.places[0])
            continue
        [(parties, use)] = by_parties.items()
        if exceeds(parties, use.threads):
            message = f"the barrier `{name}` waits for {parties} threads, but {use.threads} come"
            yield Problem("E0707", message, "name as many parties as there are", *use.places[0])
        elif use.is_uneven(parties):
            message = f"the last threads at the barrier `{name}` wait for others for ever"
            repair = f"let {parties} threads come there equally often"
            yield Problem("E0707", message, repair, *use.places[0])


# --- locks taken in opposite orders


def lock_order(workload: Workload) -> Iterator[Problem]:
    later: dict[str, set[str]] = {}
    seconds: list[tuple[str, str, int, int]] = []
    for index, group in enumerate(workload.groups):
        held: list[str] = []
        for number, phase in numbered(group.phases):
            if isinstance(phase, Lock):
                seconds += [(first, phase.name, index, number) for first in held]
                held.append(phase.name)
            elif isinstance(phase, Unlock):
                held.remove(phase.name)
    for first, second, _, _ in seconds:
        later.setdefault(first, set()).add(second)
    for first, second, index, number in seconds:
        if first in reached(later, second):
            message = f"`{second}` is locked after `{first}` here and before it elsewhere"
            yield Problem("E0707", message, "lock in one order everywhere", index, number)
