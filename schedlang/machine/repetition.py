"""Whether a run repeats: what its passes depended on, and whether that came back.

A pass depends on the states that it read before it wrote them, on the keys in the queues that it
took from, and on the debts below the weighted nodes that were asked. If all of that, and everything
else of the snapshot, is at the end of some passes as it was before them, then the run goes on like
that for ever. What it does not depend on may age.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple, final

from schedlang.ir.nodes import Policy
from schedlang.machine.machine import Machine
from schedlang.machine.snapshot import CpuView, EntryView, RelativeState, TaskView


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
    nodes: set[int] = field(default_factory=set)


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
    for cpu in machine.cpus:
        cpu.arbiter.asked = into.nodes
    for number, task in enumerate(machine.tasks):
        task.states = _Watched(list(task.states), number, None, into)
        for queue, values in enumerate(task.order_states):
            if values is not None:
                task.order_states[queue] = _Watched(list(values), number, queue, into)
    return into


def find_repetition(
    policy: Policy, snapshots: list[RelativeState], passes: list[Dependence]
) -> Repetition | None:
    """The latest snapshot that the last one repeats; `passes[i]` leads from `snapshots[i]` on."""
    second = len(snapshots) - 1
    needed = Dependence()
    for first in reversed(range(second)):
        needed.cells |= passes[first].cells
        needed.queues |= passes[first].queues
        needed.nodes |= passes[first].nodes
        before, after = snapshots[first], snapshots[second]
        if _is_same(before, after, needed):
            return Repetition(first, second, tuple(_differences(policy, before, after)))
    return None


def _is_same(before: RelativeState, after: RelativeState, needed: Dependence) -> bool:
    """Whether the two differ in nothing but what is not needed."""
    return (
        len(before.tasks) == len(after.tasks)
        and all(_is_level(*cpus, needed) for cpus in zip(before.cpus, after.cpus, strict=True))
        and all(_cell(before, cell) == _cell(after, cell) for cell in needed.cells)
        and all(map(_is_alike, before.tasks, after.tasks))
        and all(
            one == other if queue in needed.queues else _waiting(one) == _waiting(other)
            for queue, (one, other) in enumerate(zip(before.queues, after.queues, strict=True))
        )
    )


def _is_level(one: CpuView, other: CpuView, needed: Dependence) -> bool:
    """But for the debts below weighted nodes that are not needed."""
    a, b = one.arbitration, other.arbitration
    return (
        (a.rested, a.dues) == (b.rested, b.dues)
        and all(a.debts[node] == b.debts[node] for node in needed.nodes)
        and replace(one, arbitration=b) == other
    )


def _cell(state: RelativeState, cell: Cell) -> int | None:
    task = state.tasks[cell.task]
    values = task.states if cell.queue is None else task.order_states[cell.queue]
    return None if values is None else values[cell.state]


def _is_alike(one: TaskView, other: TaskView) -> bool:
    """But for the values of their states."""
    joined = [[values is None for values in task.order_states] for task in (one, other)]
    return (
        joined[0] == joined[1]
        and replace(one, states=other.states, order_states=other.order_states) == other
    )


def _waiting(queue: tuple[tuple[EntryView, ...], ...]) -> list[list[int]]:
    return [sorted(entry.task for entry in entries) for entries in queue]


def _differences(policy: Policy, before: RelativeState, after: RelativeState) -> Iterator[str]:
    if before.cpus != after.cpus:
        yield "the debts below a `weighted`"
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
