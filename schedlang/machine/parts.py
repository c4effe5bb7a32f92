"""What the interpreter keeps of a CPU, of a turn and of a task. Sets of CPUs are bits of a number.

A turn changes only when it is cut short.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, final

from schedlang.machine.arbitration import Arbiter
from schedlang.machine.evaluate import Values
from schedlang.machine.groups import Member
from schedlang.machine.queue import QueueInstance
from schedlang.machine.scenario import TaskSpec


class Chosen(NamedTuple):
    task: int
    queue: int


@final
@dataclass(slots=True)
class Turn:
    """What a CPU runs. `granted_ns` is the slice the task got when it joined `queue`, or less if
    the turn is cut short; one that `is_ended` is stopped as soon as the CPU takes notice.
    """

    task: int
    queue: int
    start: int
    granted_ns: int
    is_ended: bool = False


class Mode(Enum):
    """What a CPU is about.

    An `IDLE` one chooses only when something arrives for it; an `AWAY` one works for others.
    """

    IDLE = "idle"
    CHOOSING = "choosing"
    RUNNING = "running"
    AWAY = "away"


@final
@dataclass(slots=True)
class Cpu:
    """`woken`: it was idle, or away, and has to choose. `here`: the instances that it sees."""

    arbiter: Arbiter
    here: tuple[QueueInstance, ...]
    mode: Mode = Mode.IDLE
    woken: bool = False
    claimed: int | None = None
    turn: Turn | None = None
    settled_at: int = 0


class Phase(Enum):
    """Where a task is. A `CLAIMED` one waits for its CPU to start it and is in no queue."""

    BLOCKED = "blocked"
    QUEUED = "queued"
    CLAIMED = "claimed"
    RUNNING = "running"
    EXITED = "exited"


@final
@dataclass(slots=True)
class Task:
    """`cpu` is where it last ran; `queue`, `key` and `slice_ns` are what its last arrival gave it.

    `cpus` are those of the machine that it may run on, `eligible` those of them that it waits for;
    `chosen` tells that it was last chosen. By queue, `instances` are those that it was in last.
    """

    spec: TaskSpec
    cpus: int
    states: Values
    order_states: list[Values | None]
    instances: list[QueueInstance | None]
    cpu: int
    phase: Phase = Phase.BLOCKED
    queue: int = 0
    slice_ns: int = 0
    key: int = 0
    chosen: Chosen | None = None
    eligible: int = 0
    member: Member | None = None
