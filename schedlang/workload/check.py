"""What can be told of a workload without running it: names, pairs, waits without end.

Pure, and about the model alone, so that every way of writing a workload is held to the same rules.
A finding says where by numbers; whoever has the text turns them into a place in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, final

from schedlang.diagnostics.suggest import did_you_mean
from schedlang.workload.model import (
    Barrier,
    Begin,
    End,
    Fork,
    Group,
    Lock,
    Loop,
    Phase,
    Receive,
    Send,
    Unlock,
    Workload,
)

MOST_THREADS: Final = 10_000


@final
@dataclass(frozen=True, slots=True)
class Problem:
    """`group` is an index, None: the workload as a whole. `phase` counts the group's phases, loops
    before what is in them, as `numbered` does; None: the group as a whole.
    """

    code: str
    message: str
    help: str
    group: int | None = None
    phase: int | None = None


def check(workload: Workload) -> tuple[Problem, ...]:
    """All that is wrong; a workload without a finding can be run."""
    early = [*_names(workload), *_shapes(workload), *_pairs(workload)]
    # How many threads there are is known only if the forks lead somewhere, and to an end.
    return tuple(early or [*_sums(workload), *_lock_order(workload)])


def numbered(phases: tuple[Phase, ...], first: int = 0) -> Iterator[tuple[int, Phase]]:
    """Every phase with its number, the loops' own phases after the loops."""
    for phase in phases:
        yield first, phase
        first += 1
        if isinstance(phase, Loop):
            yield from numbered(phase.phases, first)
            first += sum(1 for _ in numbered(phase.phases))


# --- names


def _names(workload: Workload) -> Iterator[Problem]:
    names = [group.name for group in workload.groups]
    if not any(group.threads for group in workload.groups):
        yield Problem("E0708", "no thread ever starts", "give a group `threads = 1` or more")
    for index, group in enumerate(workload.groups):
        if names.index(group.name) < index:
            message = f"there are two groups `{group.name}`"
            yield Problem("E0705", message, "give each its own name", index)
        for number, phase in numbered(group.phases):
            if isinstance(phase, Fork) and phase.group not in names:
                near = did_you_mean(phase.group, names)
                known = f"did you mean `{near}`?" if near else f"groups: {', '.join(names)}"
                message = f"there is no group `{phase.group}`"
                yield Problem("E0705", message, known, index, number)
    paths = [cgroup.path for cgroup in workload.cgroups]
    for path in dict.fromkeys(path for path in paths if paths.count(path) > 1):
        message = f"the cgroup `{path}` is described twice"
        yield Problem("E0705", message, "keep one of them")
    yield from _fork_cycles(workload)


def _fork_cycles(workload: Workload) -> Iterator[Problem]:
    forks = {
        group.name: {p.group for _, p in numbered(group.phases) if isinstance(p, Fork)}
        for group in workload.groups
    }
    for index, group in enumerate(workload.groups):
        if group.name in _reached(forks, group.name):
            message = f"threads of `{group.name}` fork threads of `{group.name}`, without end"
            yield Problem("E0708", message, "let another group be forked", index)


def _reached(edges: Mapping[str, set[str]], start: str) -> set[str]:
    """What can be reached from `start` in one step or more."""
    found: set[str] = set()
    ahead = sorted(edges.get(start, ()))
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead += sorted(edges.get(name, ()))
    return found


# --- the shape of a thread's life


def _shapes(workload: Workload) -> Iterator[Problem]:
    for index, group in enumerate(workload.groups):
        for number, phase in numbered(group.phases):
            if isinstance(phase, Loop):
                yield from _loop(workload, index, number, phase)
        yield from _after_endless(index, group.phases, 0)


def _loop(workload: Workload, group: int, number: int, loop: Loop) -> Iterator[Problem]:
    if not any(_takes_time(phase) for _, phase in numbered(loop.phases)):
        message = "nothing in this loop takes time"
        yield Problem("E0708", message, "put a `run` or a `sleep` into it", group, number)
    if loop.times is None and workload.duration_ns is None:
        message = "this loop never ends, and the workload has no duration"
        yield Problem("E0708", message, 'say how often, or give `duration = "1s"`', group, number)


def _takes_time(phase: Phase) -> bool:
    return not isinstance(phase, Begin | End | Loop)


def _after_endless(group: int, phases: tuple[Phase, ...], first: int) -> Iterator[Problem]:
    number = first
    for phase, following in zip(phases, (*phases[1:], None), strict=True):
        size = 1
        if isinstance(phase, Loop):
            yield from _after_endless(group, phase.phases, number + 1)
            size += sum(1 for _ in numbered(phase.phases))
        if following is not None and _is_endless(phase):
            message = "a thread never gets here: the loop before it has no end"
            yield Problem("E0708", message, "say how often it loops", group, number + size)
        number += size


def _is_endless(phase: Phase) -> bool:
    return isinstance(phase, Loop) and (
        phase.times is None or any(_is_endless(p) for p in phase.phases)
    )


# --- pairs: lock and unlock, begin and end


@final
@dataclass(slots=True)
class _Held:
    """What a thread holds on its way through its phases, and what is wrong with it."""

    group: int
    locks: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def step(self, number: int, phase: Phase) -> None:
        match phase:
            case Lock(name=name):
                self._open(self.locks, name, number, "locks", "unlock")
            case Begin(name=name):
                self._open(self.requests, name, number, "begins", "end")
            case Unlock(name=name):
                self._close(self.locks, name, number, "unlocks", "lock")
            case End(name=name):
                self._close(self.requests, name, number, "ends", "begin")
            case _:
                pass

    def _open(self, held: list[str], name: str, number: int, verb: str, other: str) -> None:
        if name in held:
            message = f"the thread {verb} `{name}` a second time"
            self._say(message, f"`{other} {name}` before it", number)
        else:
            held.append(name)

    def _close(self, held: list[str], name: str, number: int, verb: str, other: str) -> None:
        if name in held:
            held.remove(name)
        else:
            message = f"the thread {verb} `{name}`, but there is no `{other}` before it"
            self._say(message, f"`{other} {name}` before it", number)

    def _say(self, message: str, repair: str, number: int | None) -> None:
        self.problems.append(Problem("E0706", message, repair, self.group, number))

    def walk(self, phases: tuple[Phase, ...], first: int) -> None:
        number = first
        for phase in phases:
            self.step(number, phase)
            if isinstance(phase, Loop):
                before = sorted(self.locks), sorted(self.requests)
                self.walk(phase.phases, number + 1)
                if (sorted(self.locks), sorted(self.requests)) != before:
                    message = "a round of this loop leaves more, or less, open than it found"
                    self._say(message, "close in the loop what is opened in it", number)
                number += sum(1 for _ in numbered(phase.phases))
            number += 1

    def finish(self) -> None:
        for name in self.locks:
            self._say(f"the thread ends with `{name}` locked", f"add `unlock {name}`", None)
        for name in self.requests:
            self._say(f"`{name}` is begun and never ended", f"add `end {name}`", None)


def _pairs(workload: Workload) -> Iterator[Problem]:
    for index, group in enumerate(workload.groups):
        held = _Held(index)
        held.walk(group.phases, 0)
        held.finish()
        yield from held.problems


# --- sums: messages, barriers, threads. None: without end

Times = int | None


def _product(a: Times, b: Times) -> Times:
    if a == 0 or b == 0:
        return 0
    return None if a is None or b is None else a * b


def _sum(a: Times, b: Times) -> Times:
    return None if a is None or b is None else a + b


def _exceeds(a: Times, b: Times) -> bool:
    return b is not None and (a is None or a > b)


def repeated(
    phases: tuple[Phase, ...], times: Times = 1, first: int = 0
) -> Iterator[tuple[int, Phase, Times]]:
    """Every phase with its number and how often a thread goes through it; None: without end."""
    for phase in phases:
        yield first, phase, times
        first += 1
        if isinstance(phase, Loop):
            yield from repeated(phase.phases, _product(times, phase.times), first)
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
                        forks = _product(times, phase.count)
                        total = _sum(total, _product(count(parent), forks))
            counts[group.name] = total
        return counts[group.name]

    for group in workload.groups:
        count(group)
    return counts


@final
@dataclass(slots=True)
class _Use:
    """All uses of one channel or barrier; `most_by_one` is how often one thread alone is there."""

    total: Times = 0
    threads: Times = 0
    most_by_one: Times = 0
    places: list[tuple[int, int]] = field(default_factory=list)

    def add(self, place: tuple[int, int], by_one: Times, threads: Times) -> None:
        self.total = _sum(self.total, _product(by_one, threads))
        if not any(group == place[0] for group, _ in self.places):
            self.threads = _sum(self.threads, threads)
        if _exceeds(by_one, self.most_by_one):
            self.most_by_one = by_one
        self.places.append(place)


def _sums(workload: Workload) -> Iterator[Problem]:
    counts = thread_counts(workload)
    sends: dict[str, _Use] = {}
    receives: dict[str, _Use] = {}
    barriers: dict[str, dict[int, _Use]] = {}
    for index, group in enumerate(workload.groups):
        threads = counts[group.name]
        if threads == 0:
            message = f"no thread of `{group.name}` ever starts"
            yield Problem("E0708", message, "give it `threads`, or fork it", index)
        if _exceeds(threads, MOST_THREADS) and threads is not None:
            message = f"there would be {threads} threads of `{group.name}`"
            yield Problem("E0704", message, f"{MOST_THREADS} is the most", index)
        for number, phase, times in repeated(group.phases):
            match phase:
                case Send(channel=name, count=count):
                    use = sends.setdefault(name, _Use())
                    use.add((index, number), _product(times, count), threads)
                case Receive(channel=name, count=count):
                    use = receives.setdefault(name, _Use())
                    use.add((index, number), _product(times, count), threads)
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
        elif use.total is not None and _exceeds(use.total, sent):
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
        if _exceeds(parties, use.threads):
            message = f"the barrier `{name}` waits for {parties} threads, but {use.threads} come"
            yield Problem("E0707", message, "name as many parties as there are", *use.places[0])
        elif use.total is not None and (
            use.total % parties or _exceeds(use.most_by_one, use.total // parties)
        ):
            message = f"the last threads at the barrier `{name}` wait for others for ever"
            repair = f"let {parties} threads come there equally often"
            yield Problem("E0707", message, repair, *use.places[0])


# --- locks taken in opposite orders


def _lock_order(workload: Workload) -> Iterator[Problem]:
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
        if first in _reached(later, second):
            message = f"`{second}` is locked after `{first}` here and before it elsewhere"
            yield Problem("E0707", message, "lock in one order everywhere", index, number)
