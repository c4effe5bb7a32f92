"""Concrete runs of the one-CPU machine: what the prover hands to the interpreter to replay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from schedlang.ir.nodes import DEFAULT_WEIGHT


@final
@dataclass(frozen=True, slots=True)
class TaskSpec:
    """A task as the machine sees it.

    `affinity` None means every CPU. A set restricts the task to its CPUs, of which the machine that
    is run may show only some. The task of a process that has the process's id leads it.
    """

    comm: str
    process: str = ""
    nice: int = 0
    weight: int = DEFAULT_WEIGHT
    cgroup: str = "/"
    kthread: bool = False
    affinity: frozenset[int] | None = None
    pid: int = 1000
    tgid: int = 1000
    ppid: int = 1
    uid: int = 0
    gid: int = 0

    @property
    def group_leader(self) -> bool:
        return self.pid == self.tgid

    @property
    def pinned(self) -> bool:
        return self.affinity is not None and len(self.affinity) == 1

    @property
    def restricted(self) -> bool:
        return self.affinity is not None

    def may_run_on(self, cpu: int) -> bool:
        return self.affinity is None or cpu in self.affinity


@final
@dataclass(frozen=True, slots=True)
class Wake:
    """Task number `task` wakes up (or is forked, the first time).

    It does so at the end of the turn before it, just before that stops; `early`, or if it is the
    task that blocks then, after the choice that the stop causes: at the start of the next turn.
    """

    task: int
    early: bool = False


@final
@dataclass(frozen=True, slots=True)
class Turn:
    """The CPU chooses if it has no turn; what it chose runs `ran_ns`, then blocks or is requeued.

    `task` is who is expected to run; the replay fails if the machine chooses another.
    """

    task: int
    ran_ns: int
    blocks: bool


@final
@dataclass(frozen=True, slots=True)
class Pass:
    """Time passes while the CPU is idle."""

    ns: int


Step = Wake | Turn | Pass


@final
@dataclass(frozen=True, slots=True)
class Lasso:
    """A run that repeats for ever: `steps[:loop_start]` once, then `steps[loop_start:]` ever again.

    `victim` is queued in `queue` from before the loop on and never runs. `params` are the values of
    the policy's params in this run. Turns may outlast their slice by up to `tick_ns`.
    """

    tasks: tuple[TaskSpec, ...]
    steps: tuple[Step, ...]
    loop_start: int
    victim: int
    queue: int
    params: tuple[int, ...]
    tick_ns: int = 0


@final
@dataclass(frozen=True, slots=True)
class Delay:
    """A run with an end: after `steps` the victim has waited in `queue` since its last arrival.

    The victim's wait counts up to the start of its next turn; its last step is that turn. Turns may
    outlast their slice by up to `tick_ns`.
    """

    tasks: tuple[TaskSpec, ...]
    steps: tuple[Step, ...]
    victim: int
    queue: int
    params: tuple[int, ...]
    tick_ns: int


@final
@dataclass(frozen=True, slots=True)
class Shortfall:
    """A run that repeats for ever like a lasso, and gives `queue` less than `percent` of the time.

    From the loop's start on the queue is never empty. `victim` is one of its tasks, for the reader
    to follow.
    """

    tasks: tuple[TaskSpec, ...]
    steps: tuple[Step, ...]
    loop_start: int
    victim: int
    queue: int
    params: tuple[int, ...]
    percent: int
    tick_ns: int


Run = Lasso | Delay | Shortfall
