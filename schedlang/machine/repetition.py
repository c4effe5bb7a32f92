"""Whether a run repeats: what its passes depended on, and whether that came back.

A pass depends on the states that it read before it wrote them, and on the keys in the queues that
it took from. If all of that, and everything else of the snapshot, is at the end of some passes as
it was before them, then the run goes on like that for ever. What it does not depend on may age.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple, final

from schedlang.ir.nodes import Policy
from schedlang.machine.machine import Machine
from schedlang.machine.snapshot import EntryView, RelativeState, StateValues, TaskView


class Cell(NamedTuple):
    """State number `state` of `task`: its own (`queue` None), or that of its stay in `queue`."""

    task: int
    queue: int | None
    state: int


@final
@dataclass(slots=True)
class Dependence:
    """What a pass depended on."""

    cells: set[Cell] = field(default_factory=set)
    queues: set[int] = field(default_factory=set)


@final
@dataclass(frozen=True, slots=True)
class Repetition:
    """`snapshot[first] == snapshot[second]`, apart from `aging`, on which nothing depends."""

    first: int
    second: int
    aging: tuple[str, ...]


@final
class _Watched:
    """State values that note in `into` which of them are read before they are written."""

    def __init__(self, values: list[int], task: int, queue: int | None, into: Dependence) -> None:
        self._values = values
        self._task, self._queue, self._into = task, queue, into
        self._written: set[int] = set()

    def __getitem__(self, index: int, /) -> int:
        if index not in self._written:
            self._into.cells.add(Cell(self._task, self._queue, index))
        return self._values[index]

    def __setitem__(self, index: int, value: int, /) -> None:
        self._written.add(index)
        self._values[index] = value

    def __iter__(self) -> Iterator[int]:
        return iter(self._values)


def watch(machine: Machine) -> Dependence:
    """From now on, note the states that the machine depends on. Queues are the caller's to note."""
    into = Dependence()
    for number, task in enumerate(machine.tasks):
        task.states = _Watched(list(task.states), number, None, into)
        for queue, values in enumerate(task.order_states):
            if values is not None:
                task.order_states[queue] = _Watched(list(values), number, queue, into)
    return into


def find_repetition(
    policy: Policy, snapshots: list[RelativeState], passes: list[Dependence]
) -> Repetition | None:
    """The first snapshot that comes back; `passes[i]` leads from `snapshots[i]` to the next."""
    for second in range(1, len(snapshots)):
        for first in reversed(range(second)):
            needed = _union(passes[first:second])
            before, after = snapshots[first], snapshots[second]
            if _project(before, needed) == _project(after, needed):
                return Repetition(first, second, tuple(_differences(policy, before, after)))
    return None


def _union(passes: list[Dependence]) -> Dependence:
    return Dependence(
        {cell for one in passes for cell in one.cells},
        {queue for one in passes for queue in one.queues},
    )


def _project(state: RelativeState, needed: Dependence) -> RelativeState:
    return replace(
        state,
        queues=tuple(
            entries if queue in needed.queues else _without_keys(entries)
            for queue, entries in enumerate(state.queues)
        ),
        tasks=tuple(_project_task(i, task, needed.cells) for i, task in enumerate(state.tasks)),
    )


def _without_keys(entries: tuple[EntryView, ...]) -> tuple[EntryView, ...]:
    return tuple(EntryView(task, None) for task in sorted(entry.task for entry in entries))


def _project_task(number: int, task: TaskView, cells: set[Cell]) -> TaskView:
    def project(queue: int | None, values: StateValues) -> StateValues:
        return tuple(
            value if Cell(number, queue, i) in cells else None for i, value in enumerate(values)
        )

    return replace(
        task,
        states=project(None, task.states),
        order_states=tuple(
            None if values is None else project(queue, values)
            for queue, values in enumerate(task.order_states)
        ),
    )


def _differences(policy: Policy, before: RelativeState, after: RelativeState) -> Iterator[str]:
    for i, queue in enumerate(policy.queues):
        if before.queues[i] != after.queues[i]:
            yield f"the keys in `{queue.name}`"
    for old, new in zip(before.tasks, after.tasks, strict=True):
        comm = old.spec.comm
        for i, state in enumerate(policy.states):
            if old.states[i] != new.states[i]:
                yield f"`{state.name}` of {comm}"
        for i, queue in enumerate(policy.queues):
            if old.order_states[i] != new.order_states[i]:
                yield f"the `{queue.order.name}` states of {comm} in `{queue.name}`"
