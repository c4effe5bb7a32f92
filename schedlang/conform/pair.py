"""The reference interpreter and a twin side by side, decision by decision. Pure but for the twin.

Whatever the interpreter lets a CPU choose, the twin must choose, with the same slice; and it must
have woken each CPU that is to choose. It may wake a CPU once more, if that finds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, assert_never, final

from schedlang.backend import Twin
from schedlang.conform.events import Act, Event
from schedlang.ir.nodes import Frequency, Policy
from schedlang.machine.compiled import CompiledPolicy
from schedlang.machine.machine import Machine, Mode, Phase
from schedlang.machine.scenario import TaskSpec
from schedlang.topology import Topology

MOST_TASKS: Final = 12
_ROUNDS: Final = 64


@final
@dataclass(frozen=True, slots=True)
class Waiting:
    queue: int
    task: int
    key: int


@final
class Step(NamedTuple):
    at_ns: int
    text: str


@final
@dataclass(frozen=True, slots=True)
class Divergence:
    """Where the two part. `waiting` is what was in the queues just before, in the interpreter;
    `queue` is the one that it chose, if it chose one; `story` is what happened until then.
    """

    at_ns: int
    what: str
    queue: int | None
    waiting: tuple[Waiting, ...]
    story: tuple[Step, ...]


@final
@dataclass(frozen=True, slots=True)
class Compared:
    """`turns` were started by both alike, up to the divergence if there is one."""

    turns: int
    divergence: Divergence | None


@final
@dataclass(frozen=True, slots=True)
class Setting:
    topology: Topology
    params: tuple[int, ...]


@final
class _Parted(Exception):
    """Never leaves this module."""

    def __init__(self, what: str, queue: int | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.queue = queue


def compare(
    policy: Policy,
    twin: Twin,
    setting: Setting,
    events: Sequence[Event],
    code: CompiledPolicy,
) -> Compared:
    """Let `events` happen to both, as far as the twin does what the interpreter does."""
    pair = _Pair(policy, twin, setting, code)
    for event in events:
        try:
            pair.take(event)
        except _Parted as parted:
            story, waiting = tuple(pair.story), pair.waiting
            divergence = Divergence(pair.now, parted.what, parted.queue, waiting, story)
            return Compared(pair.turns, divergence)
    return Compared(pair.turns, None)


@final
class _Pair:
    """Both machines; the world is the same for both."""

    def __init__(self, policy: Policy, twin: Twin, setting: Setting, code: CompiledPolicy) -> None:
        self._policy = policy
        self._cpus = setting.topology.cpus
        self._twin = twin
        self._machine = Machine(policy, setting.topology, setting.params, code)
        self.now = 0
        self.turns = 0
        self.story: list[Step] = []
        self.waiting: tuple[Waiting, ...] = ()
        twin.start(setting.topology, setting.params)

    def take(self, event: Event) -> None:
        self.now += event.ns
        self._twin.time(self.now)
        self._happen(event)
        self._check()
        self._compare_ended()
        if not (event.swift and event.act in (Act.WAKE, Act.FORK)):
            self._choose_all()

    def _happen(self, event: Event) -> None:
        cpus, tasks = self._machine.cpus, self._machine.tasks
        busy = [i for i, cpu in enumerate(cpus) if cpu.mode is Mode.RUNNING]
        asleep = [i for i, task in enumerate(tasks) if task.phase is Phase.BLOCKED]
        still = [i for i, task in enumerate(tasks) if task.phase is not Phase.RUNNING]
        match event.act:
            case Act.FORK:
                if len(tasks) < MOST_TASKS:
                    self._fork(event)
            case Act.WAKE:
                if asleep:
                    waker = event.pick % self._cpus
                    sync = event.sync and waker in busy
                    self._wake(asleep[event.pick % len(asleep)], waker, sync=sync)
            case Act.EXPIRE | Act.BLOCK:
                if busy:
                    self._stop(busy[event.pick % len(busy)], blocked=event.act is Act.BLOCK)
            case Act.TICK:
                if busy:
                    self._tick(busy[event.pick % len(busy)])
            case Act.CHANGE:
                if still:
                    self._change(still[event.pick % len(still)], event.spec)
            case Act.WEIGH:
                self._weigh(event.spec)
            case Act.TOUCH:
                if busy:
                    self._touch(busy[event.pick % len(busy)])
            case Act.TUNE:
                self._tune(event.pick)
            case _:
                assert_never(event.act)

    def _fork(self, event: Event) -> None:
        spec = self._fitting(event.spec)
        allowed = [cpu for cpu in range(self._cpus) if spec.may_run_on(cpu)]
        cpu = allowed[event.pick % len(allowed)]
        number = self._twin.fork(spec, cpu)
        self._tell(f"task {number} is forked on CPU {cpu}: {_traits(spec)}")
        self._machine.fork(spec, self.now, cpu, self._running(cpu))
        self._twin.wake(number, cpu)

    def _wake(self, task: int, cpu: int, *, sync: bool) -> None:
        how = " synchronously" if sync else ""
        self._tell(f"task {task} is woken{how} on CPU {cpu}")
        self._machine.wake(task, self.now, self._running(cpu), sync=sync)
        self._twin.wake(task, cpu, sync=sync)

    def _running(self, cpu: int) -> int | None:
        turn = self._machine.cpus[cpu].turn
        return None if turn is None else turn.task

    def _stop(self, cpu: int, *, blocked: bool) -> None:
        self._tell(f"the task on CPU {cpu} {'blocks' if blocked else 'uses up its slice'}")
        self._machine.stop(cpu, self.now, blocked=blocked)
        if blocked:
            self._twin.block(cpu)
        else:
            self._twin.expire(cpu)
        self._check()
        self._choose(cpu, was_idle=False)

    def _tick(self, cpu: int) -> None:
        turn = self._machine.cpus[cpu].turn
        assert turn is not None
        is_over = self.now - turn.start >= turn.granted_ns
        if self._twin.tick(cpu) != is_over:
            what = "is over, and goes on" if is_over else "goes on, and is ended"
            raise _Parted(f"CPU {cpu}: its turn {what} in the code", turn.queue)
        if is_over:
            self._tell(f"a tick ends the turn on CPU {cpu}")
            self._machine.stop(cpu, self.now, blocked=False)
            self._choose(cpu, was_idle=False)

    def _change(self, task: int, wanted: TaskSpec) -> None:
        """It stays on its CPU, or the kernel would put it in a queue twice."""
        before = self._machine.tasks[task].spec
        affinity = wanted.affinity
        if affinity is not None:
            affinity |= {self._twin.cpu(task)}
        spec = replace(before, nice=wanted.nice, weight=wanted.weight, affinity=affinity)
        if spec != before:
            self._tell(f"task {task} is changed: {_traits(spec)}")
            self._machine.change(task, spec, self.now)
            self._twin.change(task, spec)

    def _weigh(self, spec: TaskSpec) -> None:
        if spec.cgroup != "/":
            self._tell(f"the cgroup {spec.cgroup} weighs {spec.weight}")
            self._machine.weigh(spec.cgroup, spec.weight)
            self._twin.weigh(spec.cgroup, spec.weight)

    def _touch(self, cpu: int) -> None:
        self._tell(f"a property of the task on CPU {cpu} is set anew")
        self._machine.settle(cpu, self.now)
        self._twin.touch(cpu)

    def _tune(self, pick: int) -> None:
        params = [n for n, param in enumerate(self._policy.params) if param.tunable]
        if not params:
            return
        number = params[pick % len(params)]
        param = self._policy.params[number]
        choice = (param.lo, param.default, param.hi, (param.lo + param.hi) // 2)
        value = choice[pick // len(params) % len(choice)]
        self._tell(f"param `{param.name}` becomes {value}")
        self._machine.set_param(number, value)
        self._twin.tune(number, value)

    def _fitting(self, spec: TaskSpec) -> TaskSpec:
        """A task that may run nowhere here gets the first CPU besides."""
        if spec.affinity is None or any(spec.may_run_on(cpu) for cpu in range(self._cpus)):
            return spec
        return replace(spec, affinity=spec.affinity | {0})

    # --- choices

    def _choose_all(self) -> None:
        """Whoever was woken chooses, until nobody is; then no CPU sleeps that could run a task."""
        for _ in range(_ROUNDS):
            while self._machine.woken:
                self._choose(self._machine.woken[0], was_idle=True)
            # A CPU is woken once more that may have missed an arrival, or where a task woke up.
            sleeping = [cpu for cpu in range(self._cpus) if self._sleeps_kicked(cpu)]
            if not sleeping:
                break
            for cpu in sleeping:
                if (found := self._schedule(cpu)) is not None:
                    raise _Parted(
                        f"CPU {cpu}: nothing is to be run, and the code runs task {found}"
                    )
        else:
            raise _Parted("CPUs are woken in vain again and again")
        for cpu, state in enumerate(self._machine.cpus):
            if state.mode is Mode.IDLE and self._has_work(cpu):
                raise _Parted(f"CPU {cpu} is idle while a task waits that it may run")

    def _has_work(self, cpu: int) -> bool:
        """Whether a task waits that the CPU may take."""
        instances = (instance for queue in self._machine.queues for instance in queue.all)
        return any(i.takers >> cpu & 1 and i.is_occupied(cpu) for i in instances)

    def _sleeps_kicked(self, cpu: int) -> bool:
        return self._machine.cpus[cpu].mode is Mode.IDLE and self._twin.is_kicked(cpu)

    def _choose(self, cpu: int, *, was_idle: bool) -> None:
        self.waiting = tuple(
            Waiting(number, entry.task, entry.key)
            for number, queue in enumerate(self._machine.queues)
            for instance in queue.all
            for entry in instance.entries
        )
        expected = self._machine.choose(cpu, self.now)
        if was_idle and not self._twin.is_kicked(cpu):
            # The interpreter wakes a CPU also for a task that its CPU goes on with.
            if expected is not None:
                raise _Parted(f"CPU {cpu} is to be woken, and sleeps on", expected.queue)
            return
        found = self._schedule(cpu)
        wanted = None if expected is None else expected.task
        if found != wanted:
            what = f"CPU {cpu}: {_name(wanted)} is to be run, and the code runs {_name(found)}"
            raise _Parted(what, None if expected is None else expected.queue)
        if expected is not None:
            self._compare_slices(expected.task, expected.queue)
            self._compare_frequency(cpu, expected.queue)
            name = self._policy.queues[expected.queue].name
            self._tell(f"CPU {cpu} starts task {expected.task} from `{name}`")
            self.turns += 1

    def _compare_slices(self, task: int, queue: int) -> None:
        turn = self._machine.cpus[self._machine.tasks[task].cpu].turn
        assert turn is not None
        wanted, found = turn.granted_ns, self._twin.slice_ns(task)
        if wanted != found:
            raise _Parted(f"task {task}: its slice is {wanted} ns, and {found} in the code", queue)

    def _compare_ended(self) -> None:
        for number, cpu in enumerate(self._machine.cpus):
            is_ended = cpu.turn is not None and cpu.turn.is_ended
            if self._twin.is_ended(number) != is_ended:
                what = "is to be ended, and goes on" if is_ended else "is ended, and should go on"
                raise _Parted(f"CPU {number}: its turn {what}", cpu.turn and cpu.turn.queue)

    def _compare_frequency(self, cpu: int, queue: int) -> None:
        wanted = self._policy.queues[queue].frequency is Frequency.MIN
        if wanted != self._twin.is_slow(cpu):
            raise _Parted(f"CPU {cpu} is asked for the wrong frequency", queue)

    def _schedule(self, cpu: int) -> int | None:
        found = self._twin.schedule(cpu)
        self._check()
        return found

    def _tell(self, text: str) -> None:
        self.story.append(Step(self.now, text))

    def _check(self) -> None:
        fault = self._twin.fault()
        if fault:
            raise _Parted(f"what no kernel takes: {fault}")


def _traits(spec: TaskSpec) -> str:
    parts = [f"`{spec.comm}` of `{spec.process or spec.comm}`", f"nice {spec.nice}"]
    parts += [f"weight {spec.weight}", f"in {spec.cgroup}"] + ["kthread"] * spec.kthread
    if spec.affinity is not None:
        parts.append("on CPUs " + ", ".join(map(str, sorted(spec.affinity))))
    return ", ".join(parts)


def _name(task: int | None) -> str:
    return "nothing" if task is None else f"task {task}"
