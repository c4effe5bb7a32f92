"""What can be told of a workload without running it: names, pairs, waits without end.

Pure, and about the model alone, so that every way of writing a workload is held to the same rules.
"""

from __future__ import annotations

from collections.abc import Iterator

from schedlang.diagnostics.suggest import did_you_mean
from schedlang.workload.model import Begin, End, Fork, Group, Join, Loop, Phase, Workload
from schedlang.workload.pairs import pairs
from schedlang.workload.problem import Problem
from schedlang.workload.waits import MOST_THREADS, lock_order, sums
from schedlang.workload.walk import exceeds, is_endless, numbered, product, reached, repeated


def check(workload: Workload) -> tuple[Problem, ...]:
    """All that is wrong; a workload without a finding can be run."""
    early = [*_names(workload), *_shapes(workload), *pairs(workload)]
    # How many threads there are is known only if the forks lead somewhere, and to an end.
    return tuple(early or [*sums(workload), *lock_order(workload)])


def cpus_of(group: Group, cpus: int) -> tuple[int, ...]:
    """The CPUs of a machine of `cpus` on which the group may run; () if there is none."""
    return tuple(cpu for cpu in range(cpus) if not group.cpus or cpu in group.cpus)


def check_cpus(workload: Workload, cpus: int) -> tuple[Problem, ...]:
    """The groups that cannot run on such a machine."""
    message = f"none of its CPUs is there: the machine has {cpus}, from 0 on"
    return tuple(
        Problem("E0704", f"`{group.name}` cannot run: {message}", "choose others", index)
        for index, group in enumerate(workload.groups)
        if not cpus_of(group, cpus)
    )


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
        if group.name in reached(forks, group.name):
            message = f"threads of `{group.name}` fork threads of `{group.name}`, without end"
            yield Problem("E0708", message, "let another group be forked", index)


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
    if loop.times is None:
        yield from _brood(group, number, loop)


def _brood(group: int, number: int, loop: Loop) -> Iterator[Problem]:
    """What an endless loop forks must come to an end in each round, and must not be too much."""
    inside = list(repeated(loop.phases))
    if not any(isinstance(phase, Fork) for _, phase, _ in inside):
        return
    if not any(isinstance(phase, Join) for _, phase, _ in inside):
        message = "this loop forks without end, and never waits for what it has forked"
        yield Problem("E0708", message, "add a `join`", group, number)
    for place, phase, times in inside:
        if isinstance(phase, Fork) and exceeds(product(times, phase.count), MOST_THREADS):
            message = f"a round of the endless loop forks more than {MOST_THREADS} threads here"
            yield Problem("E0704", message, "fork fewer", group, number + 1 + place)


def _takes_time(phase: Phase) -> bool:
    return not isinstance(phase, Begin | End | Loop)


def _after_endless(group: int, phases: tuple[Phase, ...], first: int) -> Iterator[Problem]:
    number = first
    for phase, following in zip(phases, (*phases[1:], None), strict=True):
        size = 1
        if isinstance(phase, Loop):
            yield from _after_endless(group, phase.phases, number + 1)
            size += sum(1 for _ in numbered(phase.phases))
        if following is not None and is_endless(phase):
            message = "a thread never gets here: the loop before it has no end"
            yield Problem("E0708", message, "say how often it loops", group, number + size)
        number += size
