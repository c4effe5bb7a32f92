"""One queue of the interpreter: its entries and its clock."""

from __future__ import annotations

from bisect import insort
from typing import NamedTuple, final

from schedlang.machine.compiled import CompiledQueue


class Entry(NamedTuple):
    """A task's place in a queue: the least (key, seq) goes first. `cpus`: where it may run."""

    key: int
    seq: int
    task: int
    cpus: int


@final
class QueueInstance:
    """A queue's entries, least first, and its clock. `code` is what the policy says of it.

    Sets of CPUs are bits of a number.
    """

    def __init__(self, code: CompiledQueue, cpus: int) -> None:
        self.code = code
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
