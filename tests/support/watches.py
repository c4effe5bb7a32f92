"""What a claim is about, measured in a run, over all windows that it speaks of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations
from typing import Protocol

from tests.support.simulator import Simulator


class Watch(Protocol):
    def passed(self, machine: Simulator, ns: int) -> None:
        """Time passes, and the CPUs run what they run."""
        ...

    def look(self, machine: Simulator) -> None:
        """Something has arrived, stopped or been chosen: windows open and close."""
        ...

    def worst_ns(self) -> Fraction: ...


@dataclass
class Level:
    """A quantity over a window, and how far it fell and differed within any part of it."""

    value: Fraction = Fraction()
    least: Fraction = Fraction()
    most: Fraction = Fraction()
    worst_fall: Fraction = Fraction()

    def move(self, by: Fraction | int) -> None:
        self.value += by
        self.least, self.most = min(self.least, self.value), max(self.most, self.value)
        self.worst_fall = max(self.worst_fall, self.most - self.value)


def has_work(machine: Simulator, cpu: int, queue: int) -> bool:
    """Whether the queue has a task that may run on the CPU, or runs there."""
    turn = machine.cpus[cpu].turn
    return (turn is not None and turn.queue == queue) or any(
        entry.queue == queue and machine.sees(entry, cpu) for entry in machine.waiting
    )


def serves(machine: Simulator, cpu: int, queue: int) -> bool:
    turn = machine.cpus[cpu].turn
    return turn is not None and turn.queue == queue


@dataclass
class ShareWatch:
    """The part of a window in which a queue that was owed `percent` got nothing at all."""

    queue: int
    percent: int
    levels: dict[int, Level] = field(default_factory=dict)
    worst: Fraction = Fraction()

    def passed(self, machine: Simulator, ns: int) -> None:
        for cpu, level in self.levels.items():
            level.move((100 * serves(machine, cpu, self.queue) - self.percent) * ns)
            self.worst = max(self.worst, level.worst_fall)

    def look(self, machine: Simulator) -> None:
        for cpu in range(len(machine.cpus)):
            if has_work(machine, cpu, self.queue):
                self.levels.setdefault(cpu, Level())
            else:
                self.levels.pop(cpu, None)

    def worst_ns(self) -> Fraction:
        return self.worst / self.percent


@dataclass
class QueuesWatch:
    """How far the services of queues part, each divided by its `price`."""

    prices: Mapping[int, Fraction]
    levels: dict[int, dict[tuple[int, int], Level]] = field(default_factory=dict)
    worst: Fraction = Fraction()

    def passed(self, machine: Simulator, ns: int) -> None:
        for cpu, levels in self.levels.items():
            for (a, b), level in levels.items():
                if serves(machine, cpu, a):
                    level.move(ns / self.prices[a])
                if serves(machine, cpu, b):
                    level.move(-ns / self.prices[b])
                self.worst = max(self.worst, level.most - level.least)

    def look(self, machine: Simulator) -> None:
        for cpu in range(len(machine.cpus)):
            if all(has_work(machine, cpu, queue) for queue in self.prices):
                pairs = combinations(self.prices, 2)
                self.levels.setdefault(cpu, {pair: Level() for pair in pairs})
            else:
                self.levels.pop(cpu, None)

    def worst_ns(self) -> Fraction:
        return self.worst


@dataclass
class TasksWatch:
    """How far the services of the tasks of one queue part, for each 100 of their weights."""

    queue: int
    levels: dict[tuple[int, int], Level] = field(default_factory=dict)
    worst: Fraction = Fraction()

    def passed(self, machine: Simulator, ns: int) -> None:
        running = {cpu.turn.task for cpu in machine.cpus if cpu.turn is not None}
        for (a, b), level in self.levels.items():
            for task, sign in ((a, 1), (b, -1)):
                if task in running:
                    level.move(Fraction(sign * ns * 100, machine.tasks[task].about.weight))
            self.worst = max(self.worst, level.most - level.least)

    def look(self, machine: Simulator) -> None:
        waiting = {entry.task for entry in machine.waiting if entry.queue == self.queue}
        turns = [cpu.turn for cpu in machine.cpus if cpu.turn is not None]
        here = sorted(waiting | {turn.task for turn in turns if turn.queue == self.queue})
        pairs = list(combinations(here, 2))
        self.levels = {pair: self.levels.get(pair) or Level() for pair in pairs}

    def worst_ns(self) -> Fraction:
        return self.worst


def look_all(watches: Iterable[Watch], machine: Simulator) -> None:
    for watch in watches:
        watch.look(machine)
