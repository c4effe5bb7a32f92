"""The reference interpreter of docs/machine.md: CPUs, global queues, tasks, what happens to them.

The caller is the world: it forks and wakes tasks, lets CPUs choose, and ends their turns, at times
that never decrease. Where the page leaves the adversary a choice among idle CPUs, the one with the
least number is taken. Every core has one thread.
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, assert_never, final

from schedlang.ir.nodes import (
    MAX_CHARGE_NS,
    MAX_SLICE_NS,
    MIN_CHARGE_NS,
    Event,
    Owner,
    Policy,
    Queue,
    Rung,
    Type,
)
from schedlang.machine.arbitration import Arbiter, Arbitration
from schedlang.machine.evaluate import (
    Environment,
    Values,
    compile_expr,
    compile_handlers,
    compile_initial,
    compile_route,
)
from schedlang.machine.scenario import TaskSpec


class Entry(NamedTuple):
    """A task's place in a queue: the least (key, seq) goes first."""

    key: int
    seq: int
    task: int


class Chosen(NamedTuple):
    task: int
    queue: int


@final
@dataclass(frozen=True, slots=True)
class Turn:
    """What a CPU runs. `granted_ns` is the slice the task got when it joined `queue`."""

    task: int
    queue: int
    start: int
    granted_ns: int


class Mode(Enum):
    """What a CPU is about. An `IDLE` one chooses only when something arrives for it."""

    IDLE = "idle"
    CHOOSING = "choosing"
    RUNNING = "running"


@final
@dataclass(slots=True)
class Cpu:
    arbiter: Arbiter
    mode: Mode = Mode.IDLE
    claimed: int | None = None
    turn: Turn | None = None
    settled_at: int = 0


class Phase(Enum):
    """Where a task is. A `CLAIMED` one waits for its CPU to start it and is in no queue."""

    BLOCKED = "blocked"
    QUEUED = "queued"
    CLAIMED = "claimed"
    RUNNING = "running"


@final
@dataclass(slots=True)
class Task:
    """`cpu` is where it last ran; `queue` and `slice_ns` are what its last arrival gave it."""

    spec: TaskSpec
    states: Values
    order_states: list[Values | None]
    cpu: int
    phase: Phase = Phase.BLOCKED
    queue: int = 0
    slice_ns: int = 0


@final
class QueueInstance:
    """A queue's entries, least first, and its clock; with its order, compiled."""

    def __init__(self, queue: Queue) -> None:
        order = queue.order
        self.entries: list[Entry] = []
        self.clock = 0
        self.state_types = tuple(state.type for state in order.states)
        self.clock_state = order.clock_state
        self.key_type = order.key.type if order.key is not None else Type.COUNT
        self.initial = compile_initial(order.states, Owner.ORDER)
        self.handlers = {
            event: compile_handlers(order.handlers, order.states, Owner.ORDER, event)
            for event in Event
        }
        self.key = compile_expr(order.key) if order.key is not None else lambda _: 0
        self.slice = compile_expr(queue.slice)

    def is_occupied(self, tasks: list[Task], cpu: int) -> bool:
        return any(tasks[entry.task].spec.may_run_on(cpu) for entry in self.entries)

    def take(self, tasks: list[Task], cpu: int) -> int:
        """Remove the first task that may run on `cpu`; there is one."""
        index = next(
            i for i, entry in enumerate(self.entries) if tasks[entry.task].spec.may_run_on(cpu)
        )
        return self.entries.pop(index).task


@final
class Machine:
    """A machine under `policy`, at first idle and without tasks.

    `params` are the values of the policy's params. A task is a number, counted from 0 as they are
    forked.
    """

    def __init__(self, policy: Policy, cpus: int, params: tuple[int, ...]) -> None:
        arbitration = Arbitration(policy, params)
        self.policy = policy
        self.cpus = [Cpu(Arbiter(arbitration)) for _ in range(cpus)]
        self.queues = [QueueInstance(queue) for queue in policy.queues]
        self.tasks: list[Task] = []
        self.state_types = tuple(state.type for state in policy.states)
        self._seq = 0
        self._env = Environment(params)
        self._initial = compile_initial(policy.states, Owner.TASK)
        self._handlers = {
            event: compile_handlers(policy.handlers, policy.states, Owner.TASK, event)
            for event in Event
        }
        self._route = compile_route(policy.route)

    def fork(self, spec: TaskSpec, now: int, cpu: int = 0) -> int:
        """A task appears, runnable; `cpu` is its parent's. The number of the task."""
        assert any(spec.may_run_on(c) for c in range(len(self.cpus)))
        self._env.task, self._env.now = spec, now
        self.tasks.append(Task(spec, self._initial(self._env), [None] * len(self.queues), cpu))
        self.wake(len(self.tasks) - 1, now)
        return len(self.tasks) - 1

    def wake(self, task: int, now: int) -> None:
        assert self.tasks[task].phase is Phase.BLOCKED
        self._arrive(task, now, woke=True)

    def choose(self, cpu: int, now: int) -> Chosen | None:
        """A CPU without a turn starts its claimed task, or what it chooses; None: it is idle."""
        c = self.cpus[cpu]
        assert c.mode is not Mode.RUNNING
        if c.claimed is not None:
            task, c.claimed = c.claimed, None
            c.arbiter.place(self.tasks[task].queue, now)
            return self._start(cpu, task, now)
        occupied = [queue.is_occupied(self.tasks, cpu) for queue in self.queues]
        chosen = c.arbiter.choose(occupied, now)
        if chosen is None:
            c.mode = Mode.IDLE
            return None
        return self._start(cpu, self.queues[chosen].take(self.tasks, cpu), now)

    def settle(self, cpu: int, now: int) -> None:
        """Charge the CPU's turn up to `now`."""
        c = self.cpus[cpu]
        assert c.turn is not None
        assert now >= c.settled_at
        c.arbiter.settle(c.turn.queue, now - c.settled_at, now)
        c.settled_at = now

    def stop(self, cpu: int, now: int, *, blocked: bool) -> None:
        """End the CPU's turn; unless `blocked`, the task arrives again. Next the CPU chooses."""
        self.settle(cpu, now)
        c = self.cpus[cpu]
        assert c.turn is not None
        turn, c.turn, c.mode = c.turn, None, Mode.CHOOSING
        env, queue = self._env, self.queues[turn.queue]
        self._enter(turn.task, turn.queue, now)
        env.used = min(max(now - turn.start, MIN_CHARGE_NS), MAX_CHARGE_NS)
        env.granted, env.blocked = turn.granted_ns, blocked
        self._handlers[Event.STOP](env)
        queue.handlers[Event.STOP](env)
        if blocked:
            self.tasks[turn.task].phase = Phase.BLOCKED
        else:
            self._arrive(turn.task, now, woke=False)

    def _enter(self, task: int, queue: int, now: int) -> None:
        """Let expressions be about `task` and its states in `queue`, which it has joined."""
        env, t, instance = self._env, self.tasks[task], self.queues[queue]
        env.task, env.task_states, env.now, env.clock = t.spec, t.states, now, instance.clock
        order_states = t.order_states[queue]
        if order_states is None:
            order_states = t.order_states[queue] = instance.initial(env)
        env.order_states = order_states

    def _arrive(self, task: int, now: int, *, woke: bool) -> None:
        env, t = self._env, self.tasks[task]
        env.task, env.task_states, env.now = t.spec, t.states, now
        if woke:
            self._handlers[Event.WAKE](env)
        t.queue = self._route(env)
        self._enter(task, t.queue, now)
        queue = self.queues[t.queue]
        if woke:
            queue.handlers[Event.WAKE](env)
        self._handlers[Event.JOIN](env)
        queue.handlers[Event.JOIN](env)
        key = queue.key(env)
        t.slice_ns = min(max(queue.slice(env), 1), MAX_SLICE_NS)
        if not (woke and self._claim(task)):
            t.phase = Phase.QUEUED
            insort(queue.entries, Entry(key, self._seq, task))
            self._seq += 1
            self._wake_idle(t.spec)

    def _claim(self, task: int) -> bool:
        """Try the rungs of `place`; whether an idle CPU was claimed."""
        t = self.tasks[task]
        for rung in self.policy.placement:
            cpu = self._idle_cpu(t, rung)
            if cpu is not None:
                self.cpus[cpu].claimed, self.cpus[cpu].mode = task, Mode.CHOOSING
                t.phase = Phase.CLAIMED
                return True
        return False

    def _idle_cpu(self, task: Task, rung: Rung) -> int | None:
        match rung:
            case Rung.PREV:
                is_free = task.cpu in self._idle_cpus(task.spec)
                return task.cpu if is_free else None
            case Rung.CORE_ANY | Rung.CPU_ANY:
                return next(iter(self._idle_cpus(task.spec)), None)
            case _:
                assert_never(rung)

    def _wake_idle(self, spec: TaskSpec) -> None:
        for cpu in self._idle_cpus(spec)[:1]:
            self.cpus[cpu].mode = Mode.CHOOSING

    def _idle_cpus(self, spec: TaskSpec) -> list[int]:
        return [i for i, c in enumerate(self.cpus) if c.mode is Mode.IDLE and spec.may_run_on(i)]

    def _start(self, cpu: int, task: int, now: int) -> Chosen:
        c, t = self.cpus[cpu], self.tasks[task]
        queue, order_states = self.queues[t.queue], t.order_states[t.queue]
        assert order_states is not None
        if queue.clock_state is not None:
            queue.clock = max(queue.clock, order_states[queue.clock_state])
        c.arbiter.start(t.queue, now)
        c.mode, c.turn, c.settled_at = Mode.RUNNING, Turn(task, t.queue, now, t.slice_ns), now
        t.phase, t.cpu = Phase.RUNNING, cpu
        return Chosen(task, t.queue)
