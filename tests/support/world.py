"""What happens to the second machine in a run, and what can be seen of it.

The world wakes tasks and ends turns as a `Director` says, and notes how long tasks waited and
whether a CPU or a task was forgotten; what claims are about is for their watches to see.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from tests.support.meaning import Described
from tests.support.simulator import Simulator
from tests.support.watches import Watch, look_all


class Plan(NamedTuple):
    """How a turn will end: after `ran_ns`; then it `blocks` or not, or, blocking, `exits`."""

    ran_ns: int
    blocks: bool = False
    exits: bool = False


class Director(Protocol):
    """The adversary. A slot is a place for one task at a time: who exits there is forked anew."""

    def plan(self, world: World, slot: int, cpu: int) -> Plan: ...
    def wakes(self, world: World) -> int | None:
        """When the next sleeper is due, None if none is; not before now."""
        ...

    def before_stop(self, world: World, slot: int, cpu: int) -> None:
        """The turn of `slot` is about to end: the last moment to wake others before it."""
        ...

    def after_stop(self, world: World, slot: int) -> None:
        """The turn of `slot` has ended, and its CPU has not chosen yet."""
        ...

    def wake_due(self, world: World) -> None: ...


class World:
    def __init__(
        self,
        machine: Simulator,
        specs: list[Described],
        watches: Sequence[Watch] = (),
        tick_ns: int = 0,
    ) -> None:
        """`tick_ns`: how late a slice may be enforced, for turns that are cut short."""
        self.machine, self.specs, self.watches = machine, specs, watches
        self.tick_ns = tick_ns
        self.now = 0
        self.tasks: dict[int, int] = {}
        self.slot_of: dict[int, int] = {}
        self.asleep = set(range(len(specs)))
        self.since: dict[int, int] = {}
        self.ends: dict[int, tuple[int, Plan]] = {}
        self.worst: dict[int, int] = {}
        self.users: dict[tuple[int, int], set[int]] = {}
        self.last_cpu = dict.fromkeys(range(len(specs)), 0)
        self.idle_beside_work = 0
        self.lost = 0

    # --- what the director does

    def wake(self, slot: int) -> None:
        """Wake the slot's task, or fork one if it has none; whoever runs where it last ran does."""
        self.asleep.discard(slot)
        cpu = self.last_cpu[slot]
        turn = self.machine.cpus[cpu].turn
        waker = turn.task if turn is not None else None
        if slot in self.tasks:
            self.machine.wake(self.tasks[slot], self.now, waker)
        else:
            task = self.machine.fork(self.specs[slot], self.now, cpu, waker)
            self.tasks[slot], self.slot_of[task] = task, slot
        self._arrived(slot)

    def queue_of(self, slot: int) -> int:
        return self.machine.tasks[self.tasks[slot]].queue

    def is_waiting(self, slot: int) -> bool:
        return slot in self.since

    # --- time

    def run(self, director: Director, steps: int) -> None:
        for _ in range(steps):
            self._choose_all(director)
            at = min((end for end, _ in self.ends.values()), default=None)
            due = director.wakes(self)
            moments = [moment for moment in (at, due) if moment is not None]
            if not moments:
                return
            self._pass_to(min(moments))
            director.wake_due(self)
            for cpu in [cpu for cpu, (end, _) in self.ends.items() if end == self.now]:
                self._stop(director, cpu)
        for slot, since in self.since.items():
            self._waited(self.queue_of(slot), self.now - since)

    def _pass_to(self, now: int) -> None:
        for watch in self.watches:
            watch.passed(self.machine, now - self.now)
        self.now = now

    def _stop(self, director: Director, cpu: int) -> None:
        turn = self.machine.cpus[cpu].turn
        assert turn is not None
        slot = self.slot_of[turn.task]
        director.before_stop(self, slot, cpu)
        _, plan = self.ends.pop(cpu)
        self.machine.stop(cpu, self.now, plan.blocks)
        self.last_cpu[slot] = cpu
        if plan.blocks:
            self.asleep.add(slot)
            look_all(self.watches, self.machine)
            if plan.exits:
                del self.tasks[slot]
        else:
            self._arrived(slot)
        director.after_stop(self, slot)

    def _choose_all(self, director: Director) -> None:
        while choosing := self._choosing():
            cpu = choosing[0]
            chosen = self.machine.choose(cpu, self.now)
            look_all(self.watches, self.machine)
            if chosen is not None:
                slot = self.slot_of[chosen[0]]
                self._waited(chosen[1], self.now - self.since.pop(slot))
                self._uses(slot, chosen[1], self.machine.units.seen(chosen[1], cpu))
                plan = director.plan(self, slot, cpu)
                self.ends[cpu] = (self.now + plan.ran_ns, plan)
        self._look_for_the_forgotten()

    def _choosing(self) -> list[int]:
        cpus = enumerate(self.machine.cpus)
        return [n for n, cpu in cpus if cpu.state in ("woken", "claimed", "free")]

    # --- what is seen

    def _arrived(self, slot: int) -> None:
        self.since[slot] = self.now
        self._cut_short()
        queue = self.queue_of(slot)
        self._uses(slot, queue, self.machine.tasks[self.tasks[slot]].units[queue])
        look_all(self.watches, self.machine)

    def _cut_short(self) -> None:
        """No turn lasts longer than it may now; one that is ended stops at once."""
        for cpu, (end, plan) in self.ends.items():
            turn = self.machine.cpus[cpu].turn
            if turn is not None and self.machine.policy.cuts:
                by_tick = turn.since + turn.slice_ns + self.tick_ns
                latest = self.now if turn.is_ended else max(by_tick, self.now)
                self.ends[cpu] = (min(end, latest), plan)

    def _uses(self, slot: int, queue: int, unit: int) -> None:
        self.users.setdefault((queue, unit), set()).add(slot)

    def most_users(self) -> dict[int, int]:
        """By queue, how many slots there were at most of those that have used one instance."""
        most: dict[int, int] = {}
        for (queue, _), slots in self.users.items():
            most[queue] = max(most.get(queue, 0), len(slots))
        return most

    def _waited(self, queue: int, ns: int) -> None:
        self.worst[queue] = max(self.worst.get(queue, 0), ns)

    def _look_for_the_forgotten(self) -> None:
        """All that had to choose have chosen."""
        idle = self.machine.idle()
        for entry in self.machine.waiting:
            allowed = [c for c in range(len(self.machine.cpus)) if self.machine.may_take(entry, c)]
            self.idle_beside_work += any(cpu in idle for cpu in allowed)
            self.lost += all(cpu in idle for cpu in allowed)
