"""What happened in a simulated run, event by event, for drawing. Made only on demand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import final


@final
@dataclass(frozen=True, slots=True)
class Turned:
    """A turn that `thread` had. `blocked`: it then slept, waited, or ended."""

    cpu: int
    thread: int
    queue: int
    start_ns: int
    end_ns: int
    blocked: bool


@final
@dataclass(frozen=True, slots=True)
class Waited:
    """`thread` was runnable and had no CPU. `woken`: it was woken when that began."""

    thread: int
    queue: int
    start_ns: int
    end_ns: int
    woken: bool


@final
@dataclass(frozen=True, slots=True)
class Named:
    """`number` is the thread's number in its group, `group` the group's index."""

    group: int
    number: int
    comm: str


@final
@dataclass(frozen=True, slots=True)
class Record:
    """Turns in the order of their ends; waits likewise. Threads are indices into `threads`."""

    threads: tuple[Named, ...]
    turns: tuple[Turned, ...]
    waits: tuple[Waited, ...]
    end_ns: int


@final
@dataclass(slots=True)
class Recorder:
    threads: list[Named] = field(default_factory=list)
    turns: list[Turned] = field(default_factory=list)
    waits: list[Waited] = field(default_factory=list)

    def finish(self, end_ns: int) -> Record:
        return Record(tuple(self.threads), tuple(self.turns), tuple(self.waits), end_ns)
