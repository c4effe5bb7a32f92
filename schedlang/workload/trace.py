"""What a kernel's scheduler was seen to do during a run, event after event.

Threads are known by their kernel numbers (`tid`), and by the names they then had. Times are since
the run's start, to a microsecond; the order of the events is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import final

IDLE = 0
"""The `tid` of every CPU's idleness."""


class Left(StrEnum):
    """Why a thread left its CPU."""

    RUNNABLE = "runnable"  # its slice was used up, or another was to run
    BLOCKED = "blocked"
    ENDED = "ended"


@final
@dataclass(frozen=True, slots=True)
class Switch:
    """`cpu` stops running `before` and runs `after`."""

    at_ns: int
    cpu: int
    before: int
    before_comm: str
    left: Left
    after: int
    after_comm: str


@final
@dataclass(frozen=True, slots=True)
class Waking:
    """Somebody on `cpu` wakes thread `tid`; it becomes runnable with the `Wakeup` that follows."""

    at_ns: int
    cpu: int
    tid: int
    comm: str


@final
@dataclass(frozen=True, slots=True)
class Wakeup:
    """Thread `tid` is runnable from now on, on `target` for a start; `is_new`: it was forked."""

    at_ns: int
    cpu: int
    tid: int
    comm: str
    target: int
    is_new: bool


@final
@dataclass(frozen=True, slots=True)
class Forked:
    at_ns: int
    cpu: int
    parent: int
    child: int
    child_comm: str


@final
@dataclass(frozen=True, slots=True)
class Exited:
    at_ns: int
    cpu: int
    tid: int
    comm: str


@final
@dataclass(frozen=True, slots=True)
class Other:
    """An event of sched_ext itself, as the kernel words it."""

    at_ns: int
    cpu: int
    name: str
    text: str


Event = Switch | Waking | Wakeup | Forked | Exited | Other


@final
@dataclass(frozen=True, slots=True)
class Trace:
    """Everything that happened, in order; `dropped` events that found no room make it useless."""

    events: tuple[Event, ...]
    dropped: int
