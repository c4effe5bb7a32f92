"""How a woken task finds an idle CPU: the rungs of `place`. Sets of CPUs are bits of a number.

Where the page leaves a choice among idle CPUs, the one with the least number is taken.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never, final

from schedlang.ir.nodes import Rung
from schedlang.machine.scenario import TaskSpec
from schedlang.topology import Topology


@final
class Places:
    """A machine's CPUs as placement sees them."""

    def __init__(self, topology: Topology) -> None:
        cpus = range(topology.cpus)
        self._cores = [
            sum(1 << o for o in cpus if topology.core_of(o) == topology.core_of(cpu))
            for cpu in cpus
        ]

    def allowed(self, spec: TaskSpec) -> int:
        """The CPUs that such a task may run on."""
        cpus = sum(1 << cpu for cpu in range(len(self._cores)) if spec.may_run_on(cpu))
        assert cpus, f"{spec.comm} may run nowhere"
        return cpus

    def claimed(self, rungs: Iterable[Rung], last: int, idle: int, allowed: int) -> int | None:
        """The first CPU that a rung gives, of those that are idle and allowed.

        `last` is the one that the task ran on last.
        """
        if idle & allowed:
            for rung in rungs:
                if (cpu := self._found(rung, last, idle, allowed)) is not None:
                    return cpu
        return None

    def _found(self, rung: Rung, last: int, idle: int, allowed: int) -> int | None:
        free = idle & allowed
        match rung:
            case Rung.PREV:
                return last if free >> last & 1 else None
            case Rung.CORE_ANY:
                whole = (cpu for cpu, core in enumerate(self._cores) if core & idle == core)
                return next((cpu for cpu in whole if free >> cpu & 1), None)
            case Rung.CPU_ANY:
                return least(free) if free else None
            case _:
                assert_never(rung)


def least(cpus: int) -> int:
    """The least CPU of a set that has one."""
    return (cpus & -cpus).bit_length() - 1
