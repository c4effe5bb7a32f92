"""What runs in the guest while a scheduler is watched: tasks, and how they are told to it.

Guarantee: names and paths come from users; they are checked here and travel as data, never as
shell code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, assert_never

_NAME: Final = re.compile(r"[^\x00-\x1f\x7f|]+")
_NAME_BYTES: Final = 15
_CGROUP: Final = re.compile(r"(?!\.)[\w.@:-]+(?:/(?!\.)[\w.@:-]+)*")
_MAX_TASKS: Final = 512


@dataclass(frozen=True, slots=True)
class Hog:
    """Wants the CPU all the time."""


@dataclass(frozen=True, slots=True)
class Sleeper:
    """Uses `run_us` of CPU time, sleeps `sleep_us`, and so on."""

    run_us: int
    sleep_us: int


@dataclass(frozen=True, slots=True)
class Job:
    """Uses `run_us` of CPU time once; its report says when it was done."""

    run_us: int


Body = Hog | Sleeper | Job


@dataclass(frozen=True, slots=True)
class GuestTask:
    """`count` tasks alike; `cpus` None means any, `cgroup` is relative to the root group."""

    name: str
    body: Body = Hog()
    count: int = 1
    nice: int = 0
    cpus: tuple[int, ...] | None = None
    cgroup: str | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or len(self.name.encode()) > _NAME_BYTES:
            raise ValueError(
                f"a task's name is 1 to {_NAME_BYTES} bytes without control characters "
                f"and `|`: {self.name!r}"
            )
        if self.cgroup is not None and not _CGROUP.fullmatch(self.cgroup):
            raise ValueError(f"not a relative cgroup path: {self.cgroup!r}")
        if not -20 <= self.nice <= 19 or self.count < 1:
            raise ValueError(f"nice is -20 to 19, count at least 1: {self}")
        if self.cpus is not None and not (self.cpus and all(0 <= c < 64 for c in self.cpus)):
            raise ValueError(f"cpus are 0 to 63, at least one: {self.cpus}")
        if isinstance(self.body, Sleeper | Job) and self.body.run_us < 1:
            raise ValueError(f"run_us is at least 1: {self.body}")
        if isinstance(self.body, Sleeper) and self.body.sleep_us < 1:
            raise ValueError(f"sleep_us is at least 1: {self.body}")


Workload = tuple[GuestTask, ...]


def expanded(workload: Workload) -> tuple[GuestTask, ...]:
    """One entry for each task that will run."""
    return tuple(task for task in workload for _ in range(task.count))


def task_lines(workload: Workload) -> str:
    """The `tasks` file of a trial (see guest/session.sh)."""
    tasks = expanded(workload)
    if not 1 <= len(tasks) <= _MAX_TASKS:
        raise ValueError(f"a workload has 1 to {_MAX_TASKS} tasks, not {len(tasks)}")
    groups = {task.cgroup for task in tasks if task.cgroup is not None}
    for group in groups:
        if any(other.startswith(f"{group}/") for other in groups):
            raise ValueError(f"the kernel allows no tasks in `{group}`, which has groups below it")
    return "".join(map(_line, tasks))


def _line(task: GuestTask) -> str:
    mask = sum(1 << cpu for cpu in set(task.cpus or ()))
    if mask >= 1 << 63:
        mask -= 1 << 64  # the guest reads signed numbers; the bits are the same
    fields = (task.nice, mask, *_body(task.body), task.cgroup or "", task.name)
    return "|".join(map(str, fields)) + "\n"


def _body(body: Body) -> Iterator[int]:
    """Run and sleep times in ns, and whether it runs once."""
    match body:
        case Hog():
            yield from (0, 0, 0)
        case Sleeper(run_us, sleep_us):
            yield from (run_us * 1000, sleep_us * 1000, 0)
        case Job(run_us):
            yield from (run_us * 1000, 0, 1)
        case _:
            assert_never(body)


def few_tasks(cpus: int) -> Workload:
    """What a scheduler is verified under: contention, weights, wake-ups, one pinned task."""
    return (
        GuestTask("verify-hog", Hog(), count=cpus),
        GuestTask("verify-nice", Hog(), nice=10),
        GuestTask("verify-sleeper", Sleeper(500, 2000), count=2),
        GuestTask("verify-pinned", Sleeper(500, 5000), cpus=(cpus - 1,)),
    )
