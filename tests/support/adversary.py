"""The adversary: it directs a world against one queue, with tactics that can be drawn and varied.

A `brink` turn is the longest that ends before it would be the turn of the victim's queue, so that
another one is still chosen then.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random

from schedlang.machine.scenario import TaskSpec
from schedlang.syntax import ast
from tests.support.reading import children
from tests.support.simulated_cpu import SimCpu, TreePath, scale
from tests.support.world import Plan, World

MS = 1_000_000
TICK_NS = 4 * MS
LENGTHS = ("max", "max", "brink", "slice", "tiny", "micro", "any")
AFTER = ("stay", "stay", "ambush", "blink", "storm", "nap", "late", "roam")
PAUSES_NS = (1, 1_000, MS, 50 * MS, 10_000 * MS)


@dataclass(frozen=True)
class Habit:
    """How long a slot's turns are, what it does after them, how long it sleeps.

    An ambush sleeps while the victim does not wait; a storm exits, and another is forked at once;
    who is late comes only when its pause is over, and stays; who roams may run on another CPU after
    each sleep, and on all that it could at first after the next one.
    """

    length: str = "max"
    after: str = "stay"
    pause_ns: int = 1


@dataclass(frozen=True)
class Tactics:
    """`habits[0]` is the victim's."""

    habits: tuple[Habit, ...]
    tick_ns: int = TICK_NS


def drawn_habit(random: Random) -> Habit:
    return Habit(random.choice(LENGTHS), random.choice(AFTER), random.choice(PAUSES_NS))


def varied(tactics: Tactics, random: Random) -> Tactics:
    """One or a few slots change their habits."""
    habits = list(tactics.habits)
    for _ in range(random.choice([1, 1, 2, 3])):
        habits[random.randrange(len(habits))] = drawn_habit(random)
    return replace(tactics, habits=tuple(habits))


def directed(mates: int, others: int) -> list[Tactics]:
    """Known bad company for a task: mates share its queue, others fill all other queues."""
    victim = Habit("max", "stay")
    flood, brink, ambush = Habit(), Habit("brink"), Habit("max", "ambush")
    sharp, late = Habit("brink", "ambush"), Habit("max", "late", 400 * MS)
    pairs = [
        (victim, flood, flood),
        (victim, flood, brink),
        (victim, ambush, ambush),
        (victim, ambush, sharp),
        (victim, Habit("max", "storm"), brink),
        (victim, Habit("micro", "blink"), brink),
        (victim, Habit("micro", "stay"), brink),
        (victim, flood, Habit("max", "blink")),
        (Habit("tiny", "nap", 10_000 * MS), ambush, sharp),
        (Habit("max", "nap", MS), flood, brink),
        (Habit("max", "nap", 1), late, late),
        (victim, Habit("max", "roam", 1), flood),
        (victim, Habit("micro", "roam", MS), Habit("max", "roam", 1)),
    ]
    return [Tactics((own, *[mate] * mates, *[other] * others)) for own, mate, other in pairs]


@dataclass
class Adversary:
    """Directs a world in which slot 0 is the victim and belongs to queue `target`."""

    tactics: Tactics
    target: int
    random: Random
    due: dict[int, int] = field(default_factory=dict)

    def plan(self, world: World, slot: int, cpu: int) -> Plan:
        habit = self.tactics.habits[slot]
        here = world.machine.cpus[cpu]
        assert here.turn is not None
        ran_ns = self._length(habit, here, here.turn.slice_ns, world.now)
        if habit.after == "storm":
            return Plan(ran_ns, blocks=True, exits=True)
        return Plan(ran_ns, blocks=self._blocks(habit, world, slot))

    def _blocks(self, habit: Habit, world: World, slot: int) -> bool:
        if habit.after == "ambush":
            return slot != 0 and not world.is_waiting(0)
        return habit.after in ("blink", "nap", "roam")

    def _length(self, habit: Habit, here: SimCpu, slice_ns: int, now: int) -> int:
        longest = slice_ns + self.tactics.tick_ns
        match habit.length:
            case "slice":
                return slice_ns
            case "tiny":
                return 1
            case "micro":
                return min(1_000, longest)
            case "any":
                return self.random.randint(1, longest)
            case "brink":
                return self._brink(here, longest, now)
            case _:
                return longest

    def _brink(self, here: SimCpu, longest: int, now: int) -> int:
        """As long as it can be without making it the target's turn, or just the longest."""
        moments = [here.due[self.target] - now - 1] if self.target in here.due else []
        moments += self._before_equal(here, here.tree, ())
        near = [moment for moment in moments if 1 <= moment < longest]
        return min(near, default=longest)

    def _before_equal(self, here: SimCpu, tree: ast.Tree, path: TreePath) -> list[int]:
        """How long the running queue may run until a `weighted` above both prefers the target's."""
        assert here.turn is not None
        found: list[int] = []
        for k, child in enumerate(children(tree)):
            below = here.policy.queues_of(child)
            if self.target in below and isinstance(tree, ast.Weighted):
                for j, sibling in enumerate(children(tree)):
                    if j != k and here.turn.queue in here.policy.queues_of(sibling):
                        gap = here.p.get((*path, k), 0) - here.p.get((*path, j), 0)
                        found.append(int(gap / scale(tree, j)) - (j > k))
            if self.target in below:
                found += self._before_equal(here, child, (*path, k))
        return found

    # --- wake-ups

    def wakes(self, world: World) -> int | None:
        for slot in world.asleep - self.due.keys():
            self._fall_asleep(world, slot)
        return min((at for at in self.due.values()), default=None)

    def _fall_asleep(self, world: World, slot: int) -> None:
        habit = self.tactics.habits[slot]
        if slot != 0 and habit.after == "ambush" and world.now > 0:
            if not world.is_waiting(0):
                return
            self.due[slot] = world.now
        elif habit.after in ("storm", "stay", "ambush"):
            self.due[slot] = world.now
        elif habit.after == "late":
            self.due[slot] = habit.pause_ns
        else:
            self.due[slot] = world.now + habit.pause_ns

    def wake_due(self, world: World) -> None:
        slots = [slot for slot, at in self.due.items() if at <= world.now]
        if 0 in slots:
            self._spring(world)
            slots = [*(slot for slot in slots if slot != 0), 0]
        for slot in slots:
            self.due.pop(slot, None)
            if slot in world.asleep:
                self._roam(world, slot)
                world.wake(slot)

    def _roam(self, world: World, slot: int) -> None:
        spec = world.specs[slot]
        if slot not in world.tasks or self.tactics.habits[slot].after != "roam":
            return
        assert isinstance(spec, TaskSpec)
        away = frozenset({self.random.randrange(len(world.machine.cpus))})
        is_away = world.machine.tasks[world.tasks[slot]].about is not spec
        world.machine.describe(world.tasks[slot], spec if is_away else replace(spec, affinity=away))

    def before_stop(self, world: World, slot: int, cpu: int) -> None:
        if slot == 0 and not world.ends[cpu][1].blocks:
            self._spring(world)

    def after_stop(self, world: World, slot: int) -> None:
        """A task that exits is followed at once, before anybody else can be chosen."""
        if slot in world.asleep and self.tactics.habits[slot].after == "storm":
            world.wake(slot)

    def _spring(self, world: World) -> None:
        """The victim is about to arrive: whoever lay in ambush arrives before it."""
        for slot in sorted(world.asleep - {0}):
            if self.tactics.habits[slot].after == "ambush":
                self.due.pop(slot, None)
                world.wake(slot)
