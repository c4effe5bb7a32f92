"""A second machine, written from docs/machine.md alone, to check interpreter and proofs with.

It is slow and literal: a rule of the page is a method, ratios are fractions, queues are searched
from end to end. `pick` is the adversary where the page leaves it a choice among idle CPUs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from schedlang.syntax import ast
from tests.support.habits import Habits, new_habits, part_of_machine
from tests.support.meaning import Described, Reader, Values, attributes
from tests.support.reading import Kind, Reading
from tests.support.simulated_cpu import SimCpu
from tests.support.simulated_units import Units

Option = TypeVar("Option")
States = dict[str, int]


class Pick(Protocol):
    def __call__(self, options: Sequence[Option], /) -> Option: ...


def first(options: Sequence[Option]) -> Option:
    return options[0]


@dataclass
class SimTask:
    """`place`: asleep, waiting, claimed or running; `cpu` is where it last ran; `units` tells the
    instance of each queue that it was in last.
    """

    about: Described
    own: States
    cpu: int
    by_queue: dict[int, States] = field(default_factory=dict)
    units: dict[int, int] = field(default_factory=dict)
    place: str = "asleep"
    queue: int = -1
    key: int = 0
    slice_ns: int = 0
    habits: Habits = field(default_factory=lambda: new_habits(0))
    of_waker: States = field(default_factory=dict)
    counts: tuple[str, int] | None = None

    def kept(self) -> States:
        """What the next task that it wakes keeps of it."""
        return {f"waker.{name}": value for name, value in {**self.own, **self.known()}.items()}

    def known(self) -> States:
        return self.habits.values()


@dataclass
class Waiting:
    task: int
    queue: int
    unit: int
    key: int
    seq: int


class Simulator:
    cpu_kind = SimCpu
    units_kind = Units

    def __init__(
        self,
        policy: Reading,
        cpus: int,
        params: Values,
        smt: int = 1,
        pick: Pick = first,
        llcs: int = 1,
        nodes: int = 1,
        little: int = 0,
    ) -> None:
        self.policy, self.params, self.smt, self.pick = policy, dict(params), smt, pick
        self.parts = {"llc": llcs, "node": nodes, "any": 1}
        self.tasks: list[SimTask] = []
        self.group_weights: dict[str, int] = {}
        self.waiting: list[Waiting] = []
        self.units = self.units_kind(policy, cpus, llcs, nodes)
        self.clocks: dict[tuple[int, int], int] = {
            (queue, self.units.seen(queue, cpu)): 0
            for queue in range(len(policy.queues))
            for cpu in range(cpus)
        }
        self.seq = 0
        self.little = little
        self.cpus = [self.cpu_kind(policy, self.guarded, policy.tree) for _ in range(cpus)]
        for number, cpu in enumerate(self.cpus):
            cpu.tree = next(t for name, t in policy.trees if name is None or self.has(name, number))

    # --- what happens to a task

    def fork(self, about: Described, now: int, cpu: int = 0, waker: int | None = None) -> int:
        """A task appears; `cpu` is its parent's."""
        task = SimTask(about, {}, cpu, habits=new_habits(now))
        self.tasks.append(task)
        for state in self.policy.states:
            self.assign(task.own, state, state.initial, None, task, {"now": now})
        task.of_waker = task.kept()
        self.wake(len(self.tasks) - 1, now, waker)
        return len(self.tasks) - 1

    def wake(self, number: int, now: int, waker: int | None = None, sync: bool = False) -> None:
        assert self.tasks[number].place == "asleep"
        if waker is not None:
            self.wakes_another(self.tasks[waker], self.tasks[number], now)
        on = self.tasks[waker].cpu if sync and waker is not None else None
        self.arrive(number, now, anew=True, sync=on)

    def wakes_another(self, waker: SimTask, woken: SimTask, now: int) -> None:
        assert waker.place == "running"
        waker.habits.wakes_another(now)
        self.handle("waking", None, waker, {"now": now})
        woken.of_waker = waker.kept()

    def describe(self, number: int, about: Described) -> None:
        """The attributes of a task that sleeps change."""
        assert self.tasks[number].place == "asleep"
        self.tasks[number].about = about

    def arrive(
        self,
        number: int,
        now: int,
        anew: bool,
        sync: int | None = None,
        back_on: int | None = None,
    ) -> None:
        """`back_on` is the CPU that has just stopped it, and chooses next."""
        task = self.tasks[number]
        task.counts = task.about.cgroup, task.about.weight
        given = {"now": now, "woken": int(anew)}
        if anew:
            task.habits.wakes_up(now)
            self.handle("wake", None, task, given)
        task.queue = self.routed(task, given)
        kind = self.policy.kinds[task.queue]
        claimed = self.placed(number, sync) if anew else None
        home = task.cpu = self.home(number, sync) if claimed is None else claimed
        unit = self.units.seen(task.queue, home)
        given |= self.of_instance(task.queue, unit)
        self.join(kind, task, task.queue, unit, given)
        if anew:
            self.handle("wake", kind, task, given)
        self.handle("join", None, task, given)
        self.handle("join", kind, task, given)
        task.key = 0 if kind.key is None else self.read(kind.key, kind, task, given)
        wanted = self.read(self.policy.slices[task.queue], None, task, given)
        task.slice_ns = min(max(wanted, 1), 100_000_000)
        if claimed is not None:
            self.claim(number, claimed)
            return
        wakes = self.enqueue(number, task.key)
        if not wakes and (back_on is None or not self.may_run(number, back_on)):
            self.cut(number, now, self.home(number, sync))

    def routed(self, task: SimTask, given: States) -> int:
        for rule in self.policy.route.rules:
            if self.read(rule.condition, None, task, given):
                return self.policy.number(rule.queue)
        assert self.policy.route.otherwise is not None
        return self.policy.number(self.policy.route.otherwise)

    def join(self, kind: Kind, task: SimTask, queue: int, unit: int, given: States) -> None:
        """The order's states appear when the task joins the queue for the first time, and go with
        it to another instance.
        """
        if queue not in task.by_queue:
            self.newcomer(kind, task, queue, given)
        elif unit != task.units[queue]:
            self.rebase(kind, task, queue, unit, given)
        task.units[queue] = unit

    def rebase(self, kind: Kind, task: SimTask, queue: int, unit: int, given: States) -> None:
        if kind.clock_state is not None:
            own = task.by_queue[queue]
            moved = self.clocks[queue, unit] - self.clocks[queue, task.units[queue]]
            newcomer = self.newcomer(kind, task, queue, given)[kind.clock_state]
            own[kind.clock_state] = max(own[kind.clock_state] + moved, newcomer)
            task.by_queue[queue] = own

    def newcomer(self, kind: Kind, task: SimTask, queue: int, given: States) -> States:
        """The order's states as they are at a first arrival."""
        task.by_queue[queue] = {}
        for state in kind.states:
            self.assign(task.by_queue[queue], state, state.initial, kind, task, given)
        return task.by_queue[queue]

    def home(self, number: int, sync: int | None) -> int:
        """Of a task that claims no CPU."""
        last, ladder = self.tasks[number].cpu, self.policy.ladders[self.tasks[number].queue]
        allowed = [cpu for cpu in range(len(self.cpus)) if self.may_take_up(number, cpu)]
        if sync in allowed and any(rung.kind == "waker if sync" for rung in ladder):
            return sync
        return last if last in allowed else allowed[0]

    def enqueue(self, number: int, key: int) -> bool:
        """Whether a CPU is woken for it."""
        task = self.tasks[number]
        entry = Waiting(number, task.queue, task.units[task.queue], key, self.seq)
        self.waiting.append(entry)
        self.seq += 1
        task.place = "waiting"
        return self.wake_one(self.wakeable(entry))

    def wakeable(self, entry: Waiting) -> list[int]:
        """The idle CPUs that could take the entry: of its instance, else those that may steal."""
        idle = [cpu for cpu in self.idle() if self.may_take(entry, cpu)]
        return [cpu for cpu in idle if self.sees(entry, cpu)] or idle

    def may_take(self, entry: Waiting, cpu: int) -> bool:
        return self.may_take_up(entry.task, cpu) and self.units.takes(entry.queue, entry.unit, cpu)

    def sees(self, entry: Waiting, cpu: int) -> bool:
        """Whether the entry's instance is non-empty for the CPU because of it."""
        return self.may_take_up(entry.task, cpu) and self.units.seen(entry.queue, cpu) == entry.unit

    def wake_one(self, options: list[int]) -> bool:
        if options:
            self.cpus[self.pick(options)].state = "woken"
        return bool(options)

    # --- preemption

    def rules_over(self, queue: int) -> list[ast.Cut]:
        return [cut for cut in self.policy.cuts if self.policy.number(cut.over) == queue]

    def left_by(self, rule: ast.Cut) -> int:
        return Reader(self.policy.functions).value(rule.delay, self.params)

    def shortened(self, number: int, cpu: int) -> int:
        """The slice of a turn that starts now."""
        task, slice_ns = self.tasks[number], self.tasks[number].slice_ns
        for rule in self.rules_over(task.queue):
            keys = [
                entry.key
                for entry in self.waiting
                if entry.queue == self.policy.number(rule.by) and self.sees(entry, cpu)
            ]
            if any(not rule.is_earlier or key < task.key for key in keys):
                slice_ns = min(slice_ns, self.left_by(rule))
        return slice_ns

    def cut(self, number: int, now: int, home: int) -> None:
        """A task that waits cuts one turn short, if there is one that it may."""
        task = self.tasks[number]
        for rule in self.policy.cuts:
            if self.policy.number(rule.by) != task.queue:
                continue
            for cpu in sorted(range(len(self.cpus)), key=lambda c: self.distance(home, c)):
                sees = self.units.seen(task.queue, cpu) == task.units[task.queue]
                if sees and self.may_run(number, cpu) and self.is_cut(cpu, rule, task.key, now):
                    return

    def distance(self, home: int, cpu: int) -> tuple[int, ...]:
        counts = (self.parts["llc"], self.parts["node"])
        apart = [cpu * n // len(self.cpus) != home * n // len(self.cpus) for n in counts]
        return (cpu != home, *apart, cpu)

    def is_cut(self, cpu: int, rule: ast.Cut, key: int, now: int) -> bool:
        turn = self.cpus[cpu].turn
        if turn is None or turn.queue != self.policy.number(rule.over) or turn.is_ended:
            return False
        if rule.is_earlier and self.tasks[turn.task].key <= key:
            return False
        ran, left = now - turn.since, self.left_by(rule)
        if ran < left and turn.slice_ns <= left:
            return False
        turn.is_ended = ran >= left
        turn.slice_ns = min(turn.slice_ns, max(left, ran))
        return True

    def placed(self, number: int, sync: int | None) -> int | None:
        """The CPU that the task claims."""
        for rung in self.policy.ladders[self.tasks[number].queue]:
            if rung.kind == "waker if sync":
                if sync is not None and self.may_take_up(number, sync):
                    return None
                continue
            allowed = [cpu for cpu in self.idle() if self.may_take_up(number, cpu)]
            options = [cpu for cpu in allowed if self.fits(rung, number, cpu)]
            if options:
                return self.pick(options)
        return None

    def claim(self, number: int, cpu: int) -> None:
        self.cpus[cpu].state, self.cpus[cpu].claim = "claimed", number
        self.tasks[number].place = "claimed"

    def fits(self, rung: ast.Rung, number: int, cpu: int) -> bool:
        last = self.tasks[number].cpu
        if rung.within is None:
            return cpu == last
        if rung.within.name not in self.parts:
            is_found = self.has(rung.within.name, cpu)
            return is_found and (rung.kind != "core" or self.is_core_idle(cpu))
        parts = self.parts[rung.within.name]
        if cpu * parts // len(self.cpus) != last * parts // len(self.cpus):
            return False
        return rung.kind != "core" or self.is_core_idle(cpu)

    def idle(self) -> list[int]:
        return [number for number, cpu in enumerate(self.cpus) if cpu.state == "idle"]

    def is_core_idle(self, cpu: int) -> bool:
        idle = self.idle()
        core = [other for other in range(len(self.cpus)) if other // self.smt == cpu // self.smt]
        return all(sibling in idle for sibling in core)

    def has(self, name: str, cpu: int) -> bool:
        return self.policy.holds(name, cpu, len(self.cpus), self.little)

    def may_run(self, number: int, cpu: int) -> bool:
        affinity = self.tasks[number].about.affinity
        return affinity is None or cpu in affinity

    def may_take_up(self, number: int, cpu: int) -> bool:
        """Whether the task may be run there next: its queue keeps it to a set, if it can be."""
        name = self.policy.confined[self.tasks[number].queue]
        if name is None or not self.may_run(number, cpu):
            return self.may_run(number, cpu)
        allowed = [c for c in range(len(self.cpus)) if self.may_run(number, c)]
        return self.has(name, cpu) or not any(self.has(name, c) for c in allowed)

    # --- turns

    def start(self, cpu: int, number: int, now: int) -> tuple[int, int]:
        here, task = self.cpus[cpu], self.tasks[number]
        clock_state = self.policy.kinds[task.queue].clock_state
        if clock_state is not None:
            v = task.by_queue[task.queue][clock_state]
            self.move_clock(task.queue, task.units[task.queue], v)
        here.start(number, task.queue, self.shortened(number, cpu), now)
        task.place, task.cpu = "running", cpu
        return number, task.queue

    def move_clock(self, queue: int, unit: int, v: int) -> None:
        self.clocks[queue, unit] = max(self.clocks[queue, unit], v)

    def settle(self, cpu: int, now: int) -> None:
        self.cpus[cpu].settle(now)

    def stop(self, cpu: int, now: int, blocked: bool) -> None:
        """The turn ends; unless `blocked` the task arrives again. Next the CPU must choose."""
        here = self.cpus[cpu]
        here.settle(now)
        turn, here.turn, here.state = here.turn, None, "free"
        assert turn is not None
        task, kind = self.tasks[turn.task], self.policy.kinds[turn.queue]
        given = {
            "now": now,
            **self.of_instance(turn.queue, task.units[turn.queue]),
            "used": self.used(now - turn.since),
            "granted": turn.slice_ns,
            "blocked": int(blocked),
        }
        task.queue = turn.queue
        task.habits.stops(given["used"], blocked)
        self.handle("stop", None, task, given)
        self.handle("stop", kind, task, given)
        if blocked:
            task.place, task.counts = "asleep", None
        else:
            self.arrive(turn.task, now, anew=False, back_on=cpu)

    def used(self, ns: int) -> int:
        return min(max(ns, 1_000), 1_000_000_000)

    # --- the choice

    def choose(self, cpu: int, now: int) -> tuple[int, int] | None:
        """The task that starts, and its queue; None if the CPU goes idle."""
        here = self.cpus[cpu]
        assert here.turn is None
        if here.rested:
            here.rested = False
            here.leave_idleness(now)
        if here.claim is not None:
            number, here.claim = here.claim, None
            here.walk_for_placed(self.tasks[number].queue)
            return self.start(cpu, number, now)
        was_woken = here.state == "woken"
        chosen = self.take(cpu, now)
        if chosen is None:
            here.state, here.rested = "idle", True
        if was_woken:
            self.hand_on(cpu)
        return chosen

    def take(self, cpu: int, now: int) -> tuple[int, int] | None:
        reachable = [entry for entry in self.waiting if self.sees(entry, cpu)]
        full = {entry.queue for entry in reachable}
        queue = self.cpus[cpu].served(full, now)
        options = [entry for entry in reachable if entry.queue == queue] or self.loot(cpu)
        if not options:
            return None
        if queue is None:
            self.walk_for_stolen(cpu, options[0].queue)
        entry = min(options, key=self.rank)
        self.waiting.remove(entry)
        return self.start(cpu, entry.task, now)

    def walk_for_stolen(self, cpu: int, queue: int) -> None:
        self.cpus[cpu].walk_for_placed(queue)

    def loot(self, cpu: int) -> list[Waiting]:
        """What is in the first instance that the CPU finds to steal from."""
        for queue in self.policy.in_tree(self.cpus[cpu].tree):
            for unit in self.units.robbed(queue, cpu):
                found = [e for e in self.waiting if (e.queue, e.unit) == (queue, unit)]
                options = [entry for entry in found if self.may_take_up(entry.task, cpu)]
                if options:
                    return options
        return []

    def rank(self, entry: Waiting) -> tuple[int, int]:
        return entry.key, entry.seq

    def hand_on(self, cpu: int) -> None:
        """What the CPU may have been woken for; once for the global queues, once for each other."""
        entries = sorted(self.waiting, key=lambda e: (e.queue, e.unit, e.key, e.seq))
        own = [e for e in entries if self.units.takes(e.queue, e.unit, cpu)]
        kinds = [None if self.is_global(e.queue) else e.queue for e in own]
        for kind in dict.fromkeys(kinds):
            meant = [e for e, its in zip(own, kinds, strict=True) if its == kind]
            self.wake_one([idle for entry in meant for idle in self.wakeable(entry)])

    def is_global(self, queue: int) -> bool:
        return self.policy.scopes[queue] == "global"

    # --- expressions

    def group_weight(self, task: SimTask) -> int:
        members = [other.counts for other in self.tasks if other.counts is not None]
        return part_of_machine(task.about.cgroup, task.about.weight, members, self.group_weights)

    def of_instance(self, queue: int, unit: int) -> States:
        """What an order can ask about where the task is."""
        entries = [entry for entry in self.waiting if entry.queue == queue]
        length = sum(self.tasks[entry.task].units[queue] == unit for entry in entries)
        return {"clock": self.clocks[queue, unit], "length": length, "cpus": len(self.cpus)}

    def guarded(self, queue: int) -> int:
        """The delay or the share of the queue's guard."""
        (guard,) = [g for g in self.policy.guards if self.policy.number(g.queue) == queue]
        wanted = guard.delay if isinstance(guard, ast.GuardAfter) else guard.share
        return Reader(self.policy.functions).value(wanted, self.params)

    def read(self, e: ast.Expr, kind: Kind | None, task: SimTask, given: Values) -> int:
        """In an order of queue `kind`, or in the policy."""
        names = {**attributes(task.about), **task.known(), **task.of_waker, **given}
        names["group_weight"] = self.group_weight(task)
        if kind is None or kind.is_own:
            names |= self.params | task.own
        if kind is None:
            return Reader(self.policy.functions, task.about).value(e, names)
        own = Reader(self.policy.functions, task.about)
        names |= {name: own.value(x, self.params) for name, x in kind.arguments.items()}
        names |= task.by_queue[task.queue]
        return Reader(kind.functions, task.about).value(e, names)

    def handle(self, event: str, kind: Kind | None, task: SimTask, given: Values) -> None:
        """The handlers of the order, or without one those of the policy's `task`."""
        states = task.own if kind is None else task.by_queue[task.queue]
        members = self.policy.members if kind is None else kind.members
        declared = {m.name.name: m for m in members if isinstance(m, ast.State)}
        for handler in [m for m in members if isinstance(m, ast.Handler)]:
            if handler.event.name != event:
                continue
            if handler.condition is None or self.read(handler.condition, kind, task, given):
                for assign in handler.assigns:
                    state = declared[assign.target.name]
                    self.assign(states, state, assign.value, kind, task, given)

    def assign(
        self,
        states: States,
        state: ast.State,
        value: ast.Expr,
        kind: Kind | None,
        task: SimTask,
        given: Values,
    ) -> None:
        new = self.read(value, kind, task, given)
        if state.range is not None:
            lo = self.read(state.range.lo, kind, task, given)
            new = self.saturated(new, lo, self.read(state.range.hi, kind, task, given))
        states[state.name.name] = new

    def saturated(self, value: int, lo: int, hi: int) -> int:
        return min(max(value, lo), hi)
