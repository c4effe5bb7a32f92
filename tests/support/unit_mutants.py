"""The rules on instances of docs/machine.md, each changed in one way, as in `mutants`."""

from __future__ import annotations

from tests.support.reading import Kind
from tests.support.simulated_units import Units
from tests.support.simulator import SimTask, Simulator, States, Waiting


class NeverRebases(Simulator):
    """A vtime is what it was in another instance."""

    def rebase(self, kind: Kind, task: SimTask, queue: int, unit: int, given: States) -> None:
        pass


class RegainsCredit(Simulator):
    """A task may come from another instance with more credit than a newcomer has."""

    def rebase(self, kind: Kind, task: SimTask, queue: int, unit: int, given: States) -> None:
        if kind.clock_state is not None:
            moved = self.clocks[queue, unit] - self.clocks[queue, task.units[queue]]
            task.by_queue[queue][kind.clock_state] += moved


class HomeIsTheLeast(Simulator):
    """A task goes to its least CPU, wherever it ran last."""

    def home(self, number: int, sync: int | None) -> int:
        return min(cpu for cpu in range(len(self.cpus)) if self.may_take_up(number, cpu))


class StealsNothing(Simulator):
    def loot(self, cpu: int) -> list[Waiting]:
        return []


class StealsForFree(Simulator):
    """The tree is not walked for a stolen turn."""

    def walk_for_stolen(self, cpu: int, queue: int) -> None:
        pass


class HandsOnOnce(Simulator):
    """One wake-up for all queues together."""

    def hand_on(self, cpu: int) -> None:
        own = [e for e in self.waiting if self.units.takes(e.queue, e.unit, cpu)]
        self.wake_one([idle for entry in own for idle in self.wakeable(entry)])


class WakesStrangers(Simulator):
    """A wake-up reaches CPUs that may not take the entry."""

    def may_take(self, entry: Waiting, cpu: int) -> bool:
        return self.may_take_up(entry.task, cpu)


class WakesThievesFirst(Simulator):
    """A CPU of the entry's own instance is not preferred."""

    def wakeable(self, entry: Waiting) -> list[int]:
        return [cpu for cpu in self.idle() if self.may_take(entry, cpu)]


class LlcsAreNodes(Units):
    def llc(self, cpu: int) -> int:
        return self.node(cpu)


class StealsFromAfar(Units):
    """The most remote instances come first."""

    def robbed(self, queue: int, cpu: int) -> list[int]:
        return super().robbed(queue, cpu)[::-1]


class StealsInOrderOfNumbers(Units):
    """It does not begin at the CPU's own number."""

    def robbed(self, queue: int, cpu: int) -> list[int]:
        near = sorted(super().robbed(queue, cpu))
        return sorted(near, key=lambda unit: self.remoteness(queue, unit, cpu))


def on(units: type[Units]) -> type[Simulator]:
    """The whole machine, with units that do not follow the page."""
    return type(units.__name__, (Simulator,), {"units_kind": units})
