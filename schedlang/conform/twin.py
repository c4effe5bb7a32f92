"""What conformance needs of a backend: the code it makes of a policy, as a machine of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from schedlang.machine.scenario import TaskSpec


class Twin(Protocol):
    """A kernel under the code made of a policy; its time is what `time` says.

    CPUs and tasks are numbers, as in the reference interpreter. `fault` is not empty once the code
    has done what a kernel would not take.
    """

    def start(self, cpus: int, params: Sequence[int]) -> None:
        """A new machine at time 0, with no task, under these values of the policy's params."""
        ...

    def time(self, now: int) -> None: ...

    def fork(self, spec: TaskSpec, cpu: int) -> int:
        """The task exists; `wake` makes it runnable."""
        ...

    def change(self, task: int, spec: TaskSpec) -> None:
        """A task that does not run gets the nice value, weight and affinity of `spec`."""
        ...

    def wake(self, task: int, cpu: int) -> None:
        """Somebody on `cpu` wakes the task."""
        ...

    def expire(self, cpu: int) -> None:
        """The slice of the task on the CPU is used up; `schedule` follows."""
        ...

    def block(self, cpu: int) -> None:
        """The task on the CPU goes to sleep; `schedule` follows."""
        ...

    def touch(self, cpu: int) -> None:
        """The running task leaves and comes back without leaving its CPU: no end of a turn."""
        ...

    def schedule(self, cpu: int) -> int | None:
        """What the CPU runs next, None if nothing."""
        ...

    def is_kicked(self, cpu: int) -> bool:
        """Whether somebody has woken the CPU, or told it to choose."""
        ...

    def cpu(self, task: int) -> int:
        """Where it last ran, or is to run."""
        ...

    def slice_ns(self, task: int) -> int:
        """What is left of its slice."""
        ...

    def fault(self) -> str: ...
