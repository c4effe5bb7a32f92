"""A queue of the interpreter: its instances, and each instance's entries and clock.

Sets of CPUs are bits of a number.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
from typing import NamedTuple, assert_never, final

from schedlang.ir.nodes import Queue, Scope, Steal
from schedlang.machine.compiled import CompiledQueue
from schedlang.topology import Topology


class Entry(NamedTuple):
    """A task's place in a queue: the least (key, seq) goes first. `cpus`: where it may run."""

    key: int
    seq: int
    task: int
    cpus: int


@final
class QueueInstance:
    """A queue's entries on unit number `unit` of the machine, least first, and their clock.

    `code` is what the policy says of the queue. The CPUs `members` see the instance; `takers` are
    they and those that may steal from it.
    """

    def __init__(
        self, code: CompiledQueue, unit: int, cpus: int, members: int, takers: int
    ) -> None:
        self.code = code
        self.unit = unit
        self.members = members
        self.takers = takers
        self.entries: list[Entry] = []
        self.clock = 0
        self._everywhere = (1 << cpus) - 1
        self._restricted = 0

    def is_occupied(self, cpu: int) -> bool:
        """Whether a task waits that may run on `cpu`."""
        if self._restricted < len(self.entries):
            return True
        return any(entry.cpus >> cpu & 1 for entry in self.entries)

    def least_key(self, cpu: int) -> int | None:
        """The key of the first task that may run on `cpu`; None: there is none."""
        return next((entry.key for entry in self.entries if entry.cpus >> cpu & 1), None)

    def add(self, key: int, seq: int, task: int, cpus: int) -> None:
        entries = self.entries
        # What `Entry(...)` does, without the detour that makes it several times as slow.
        entry = tuple.__new__(Entry, (key, seq, task, cpus))
        self._restricted += cpus != self._everywhere
        if entries and entry < entries[-1]:
            insort(entries, entry)
        else:
            entries.append(entry)

    def take(self, cpu: int) -> int:
        """Remove the first task that may run on `cpu`; there is one."""
        index = 0
        while not self.entries[index].cpus >> cpu & 1:
            index += 1
        return self._remove(index)

    def drop(self, task: int) -> None:
        """Remove that task; it is there."""
        self._remove(next(i for i, entry in enumerate(self.entries) if entry.task == task))

    def _remove(self, index: int) -> int:
        entry = self.entries.pop(index)
        self._restricted -= entry.cpus != self._everywhere
        return entry.task


@final
class Instances:
    """All instances of a queue, by unit, and by CPU: `here` the one that it sees, `others` those
    that it may steal from, nearest first.
    """

    def __init__(self, queue: Queue, code: CompiledQueue, topology: Topology) -> None:
        cpus = range(topology.cpus)
        units = [_unit(topology, cpu, queue.scope) for cpu in cpus]
        self.code = code
        self.is_global = queue.scope is Scope.GLOBAL
        self.all = tuple(
            QueueInstance(
                code,
                unit,
                topology.cpus,
                _set(cpu for cpu in cpus if units[cpu] == unit),
                _set(cpu for cpu in cpus if _reaches(topology, cpu, units.index(unit), queue)),
            )
            for unit in range(units[-1] + 1)
        )
        self.here = tuple(self.all[unit] for unit in units)
        self.others = tuple(
            tuple(self.all[unit] for unit in _nearest(topology, cpu, units, queue)) for cpu in cpus
        )


def _unit(topology: Topology, cpu: int, scope: Scope) -> int:
    """The number of the unit of `scope` that `cpu` is in."""
    match scope:
        case Scope.GLOBAL:
            return 0
        case Scope.NODE:
            return topology.node_of(cpu)
        case Scope.LLC:
            return topology.llc_of(cpu)
        case Scope.CPU:
            return cpu
        case _:
            assert_never(scope)


def _reaches(topology: Topology, cpu: int, other: int, queue: Queue) -> bool:
    """Whether `cpu` may take from the instance that `other` sees."""
    match queue.steal:
        case Steal.ANY:
            return True
        case Steal.NODE if topology.node_of(cpu) == topology.node_of(other):
            return True
        case _:
            return _unit(topology, cpu, queue.scope) == _unit(topology, other, queue.scope)


def _nearest(topology: Topology, cpu: int, units: list[int], queue: Queue) -> list[int]:
    """The units whose instances `cpu` may steal from: on its LLC, on its node, elsewhere; among
    equals from its own number on, around the end.
    """
    count, own = units[-1] + 1, units[cpu]

    def distance(unit: int) -> tuple[bool, bool, int]:
        other = units.index(unit)
        is_near = topology.llc_of(other) == topology.llc_of(cpu)
        is_on_node = topology.node_of(other) == topology.node_of(cpu)
        return not is_near, not is_on_node, (unit - own) % count

    reached = (u for u in range(count) if _reaches(topology, cpu, units.index(u), queue))
    return sorted((unit for unit in reached if unit != own), key=distance)


def _set(cpus: Iterable[int]) -> int:
    return sum(1 << cpu for cpu in cpus)
