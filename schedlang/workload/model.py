"""What a machine has to do: groups of threads and what each thread does, phase after phase.

The simulator and the player in the micro-VM run the same description. Work is CPU time, sleeping is
wall time. All randomness is drawn from the run's seed, a stream for each thread, so that what a
thread does next never depends on how it was scheduled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, slots=True)
class Constant:
    ns: int


@final
@dataclass(frozen=True, slots=True)
class Uniform:
    """Every length from `lo_ns` to `hi_ns`, both included, is as likely."""

    lo_ns: int
    hi_ns: int


@final
@dataclass(frozen=True, slots=True)
class Exponential:
    """Memoryless around `mean_ns`, cut at about six times the mean (`draws.QUANTILES`)."""

    mean_ns: int


Length = Constant | Uniform | Exponential


@final
@dataclass(frozen=True, slots=True)
class Run:
    """Use that much CPU time."""

    length: Length


@final
@dataclass(frozen=True, slots=True)
class Sleep:
    length: Length


@final
@dataclass(frozen=True, slots=True)
class Tick:
    """Sleep until the end of the thread's current period; periods follow each other from its start.

    A thread that gets there after the period's end has missed it, and goes on without sleeping.
    """

    period_ns: int


@final
@dataclass(frozen=True, slots=True)
class Send:
    """Put `count` messages into a channel; each wakes the thread that has waited there longest."""

    channel: str
    count: int = 1


@final
@dataclass(frozen=True, slots=True)
class Receive:
    """Take `count` messages from a channel, waiting for each that is not there yet."""

    channel: str
    count: int = 1


@final
@dataclass(frozen=True, slots=True)
class Lock:
    """Take a mutex, waiting in order of arrival."""

    name: str


@final
@dataclass(frozen=True, slots=True)
class Unlock:
    name: str


@final
@dataclass(frozen=True, slots=True)
class Barrier:
    """Wait until `parties` threads are at the barrier; the last one wakes the others."""

    name: str
    parties: int


@final
@dataclass(frozen=True, slots=True)
class Fork:
    """Start `count` threads of a group; they are this thread's children."""

    group: str
    count: int = 1


@final
@dataclass(frozen=True, slots=True)
class Join:
    """Wait until all children have ended."""


@final
@dataclass(frozen=True, slots=True)
class Begin:
    """A request starts; `End` of the same name in this thread ends it, and its latency is noted."""

    name: str


@final
@dataclass(frozen=True, slots=True)
class End:
    name: str


@final
@dataclass(frozen=True, slots=True)
class Loop:
    """The phases `times` times over; None: for as long as the run lasts."""

    times: int | None
    phases: tuple[Phase, ...]


Phase = (
    Run | Sleep | Tick | Send | Receive | Lock | Unlock | Barrier | Fork | Join | Begin | End | Loop
)


@final
@dataclass(frozen=True, slots=True)
class Group:
    """`threads` threads that do the same; 0: only `Fork` starts any. They start after `start`.

    `comm` is the threads' own name, `process` their leader's; `weight` of the kernel follows from
    `nice`. `cpus` is the affinity, () every CPU. A thread ends after its last phase.
    """

    name: str
    threads: int
    comm: str
    process: str
    phases: tuple[Phase, ...]
    nice: int = 0
    cgroup: str = "/"
    cpus: tuple[int, ...] = ()
    start: Length = Constant(0)


@final
@dataclass(frozen=True, slots=True)
class Cgroup:
    """A control group and its cpu.weight."""

    path: str
    weight: int = 100


@final
@dataclass(frozen=True, slots=True)
class Workload:
    """`duration_ns` is when the run is cut off; None: it ends with its last thread."""

    name: str
    documentation: str
    groups: tuple[Group, ...]
    cgroups: tuple[Cgroup, ...] = ()
    duration_ns: int | None = None
