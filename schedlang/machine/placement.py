"""How a woken task finds an idle CPU: the rungs of a ladder. Sets of CPUs are bits of a number.

Where the page leaves a choice among idle CPUs, the one with the least number is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import assert_never, final

from schedlang.ir.nodes import Builtin, CpuSet, Near, Rung, RungKind
from schedlang.machine.arbitration import ServedTree
from schedlang.machine.scenario import TaskSpec
from schedlang.topology import Topology


@final
class Places:
    """A machine's CPUs as placement sees them."""

    def __init__(self, topology: Topology, sets: tuple[CpuSet, ...] = ()) -> None:
        self.sets = tuple(members(cpus, topology) for cpus in sets)
        self._cores = _sharing(topology, topology.core_of)
        self._near = {
            None: _sharing(topology, lambda cpu: cpu),
            Near.LLC: _sharing(topology, topology.llc_of),
            Near.NODE: _sharing(topology, topology.node_of),
            Near.ANY: _sharing(topology, lambda _: 0),
        }

    def allowed(self, spec: TaskSpec) -> int:
        """The CPUs that such a task may run on."""
        cpus = sum(1 << cpu for cpu in range(len(self._cores)) if spec.may_run_on(cpu))
        assert cpus, f"{spec.comm} may run nowhere"
        return cpus

    def claimed(
        self, rungs: Iterable[Rung], last: int, idle: int, allowed: int, sync: int | None
    ) -> int | None:
        """The first CPU that a rung gives, of those that are idle and allowed.

        `last` is the one that the task ran on last, `sync` that of a synchronous waker.
        """
        if not idle & allowed:
            return None
        for rung in rungs:
            if rung.kind is RungKind.WAKER:
                if sync is not None and allowed >> sync & 1:
                    return None
                continue
            free = idle & allowed & self._looked_at(rung, last)
            if rung.kind is RungKind.CORE:
                free = self._on_idle_cores(free, idle)
            if free:
                return least(free)
        return None

    def eligible(self, cpus: int, confined_to: int | None) -> int:
        """Of the CPUs `cpus` those of the set; all of them if none is in it."""
        return cpus if confined_to is None else cpus & self.sets[confined_to] or cpus

    def served(self, trees: tuple[ServedTree, ...], cpu: int) -> ServedTree:
        """The tree that the CPU is served by."""
        return next(t for t in trees if t.cpus is None or self.sets[t.cpus] >> cpu & 1)

    def _looked_at(self, rung: Rung, last: int) -> int:
        if isinstance(rung.within, int):
            return self.sets[rung.within]
        return self._near[rung.within][last]

    def _on_idle_cores(self, cpus: int, idle: int) -> int:
        whole = (cpu for cpu, core in enumerate(self._cores) if core & idle == core)
        return cpus & sum(1 << cpu for cpu in whole)


def members(cpus: CpuSet, topology: Topology) -> int:
    """Those of the machine's CPUs that are in the set."""
    big = topology.cpus - topology.little
    match cpus.builtin:
        case Builtin.ALL:
            return (1 << topology.cpus) - 1
        case Builtin.BIG:
            return (1 << big) - 1
        case Builtin.LITTLE:
            return (1 << topology.cpus) - (1 << big)
        case None:
            listed = {cpu for first, last in cpus.ranges for cpu in range(first, last + 1)}
            return sum(1 << cpu for cpu in range(topology.cpus) if cpu in listed)
        case _:
            assert_never(cpus.builtin)


def follows_waker(rungs: Iterable[Rung]) -> bool:
    return any(rung.kind is RungKind.WAKER for rung in rungs)


def least(cpus: int) -> int:
    """The least CPU of a set that has one."""
    return (cpus & -cpus).bit_length() - 1


def _sharing(topology: Topology, part_of: Callable[[int], int]) -> list[int]:
    """By CPU: those that are in the same part of the machine."""
    cpus = range(topology.cpus)
    return [sum(1 << o for o in cpus if part_of(o) == part_of(cpu)) for cpu in cpus]
