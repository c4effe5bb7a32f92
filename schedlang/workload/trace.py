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


class Step(StrEnum):
    """What a policy is asked about one of its tasks, or does with it.

    A CPU that `CHOOSES` ends its task's turn if that goes on, and only then does the task leave:
    `STOPS`, `ARRIVES`, `LEAVES`. One that does not go on `LEAVES` and then `BLOCKS`.
    """

    ARRIVES = "arrives"
    CHOOSES = "chooses"  # of the task that the CPU runs
    STARTS = "starts"
    STOPS = "stops"
    LEAVES = "leaves"
    BLOCKS = "blocks"


@final
@dataclass(frozen=True, slots=True)
class Asked:
    """A traced policy is asked about thread `tid`. `now_ns` is what it took for the time, exactly,
    from an origin of its own.
    """

    at_ns: int
    cpu: int
    tid: int
    step: Step
    now_ns: int


@final
@dataclass(frozen=True, slots=True)
class Other:
    """An event of sched_ext itself, as the kernel words it."""

    at_ns: int
    cpu: int
    name: str
    text: str


Event = Switch | Waking | Wakeup | Forked | Exited | Asked | Other


@final
@dataclass(frozen=True, slots=True)
class Trace:
    """Everything that happened, in order; `dropped` events that found no room make it useless.

    `before` is what was seen before the run's start, at 0 ns.
    """

    events: tuple[Event, ...]
    dropped: int
    before: tuple[Event, ...] = ()
