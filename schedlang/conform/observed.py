"""A kernel's run on one CPU, as its trace tells it, followed on the reference machine. Pure.

The traced C tells when tasks arrive and when and why their turns end, by the clock that it reckons
with. What the CPU then starts must be what the reference machine chooses. On paper a turn ends, a
choice is made and the next turn starts all at once; in a kernel microseconds lie between, and each
is taken at its own time.

Tasks that are not the workload's (kernel threads, the guest's own) have a history that nobody
knows. `apart` puts them into a queue above all others; which of them is next is not asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final, NamedTuple, assert_never, final

from schedlang.ir import nodes as ir
from schedlang.ir.walk import walk
from schedlang.machine.machine import Machine, Mode, Phase
from schedlang.machine.scenario import TaskSpec
from schedlang.source import Span
from schedlang.topology import Topology
from schedlang.workload.model import Fork, Group, Workload
from schedlang.workload.trace import IDLE, Asked, Event, Step, Switch, Trace, Wakeup
from schedlang.workload.walk import numbered
from schedlang.workload.weights import weight_of

ONE_CPU: Final = Topology(1)
_CPU: Final = 0
_FOREIGN: Final = TaskSpec("", affinity=frozenset((_CPU,)))
_AROUND: Final = 12
_SYSTEM: Final = "not_the_workload"
_SYSTEM_SLICE_NS: Final = 4_000_000


@final
@dataclass(frozen=True, slots=True)
class Parting:
    """The first choice that the reference machine does not make: of `queue`, None if it would idle.

    `events` lead up to it; `waiting` are the names of those who wait, by queue.
    """

    what: str
    queue: int | None
    events: tuple[Event, ...]
    waiting: tuple[tuple[str, ...], ...]


@final
@dataclass(frozen=True, slots=True)
class Followed:
    """So many `choices` agreed."""

    choices: int
    parting: Parting | None


@final
class Late(NamedTuple):
    """What arbitration is charged for a turn after the choice that followed it."""

    queue: int
    served_ns: int
    now_ns: int


def obstacle(policy: ir.Policy, workload: Workload) -> str:
    """Why such a run cannot be followed; empty if it can."""
    conditions = (walk(rule.condition) for rule in policy.route.rules)
    read = {n.attribute for n in chain(*conditions) if isinstance(n, ir.AttributeRef)}
    if ir.Attribute.RESTRICTED in read:
        return "the route reads `restricted`, which no task is on the one CPU of such a run"
    if any(isinstance(phase, Fork) for g in workload.groups for _, phase in numbered(g.phases)):
        return "threads of the workload are forked, and get their names after they began"
    return ""


def apart(policy: ir.Policy, workload: Workload) -> ir.Policy:
    """The policy with one queue more, which goes before all others, for the tasks that are not the
    workload's.
    """
    span, system = policy.route.span, len(policy.queues)
    order = ir.Order("fifo", (), (), None, None, span)
    slice_ = ir.Const(
        ir.Type.DURATION, ir.Interval(_SYSTEM_SLICE_NS, _SYSTEM_SLICE_NS), span, _SYSTEM_SLICE_NS
    )
    foreign = ir.Rule(_is_foreign(sorted({g.comm for g in workload.groups}), span), system, span)
    return replace(
        policy,
        queues=(*policy.queues, ir.Queue(_SYSTEM, order, slice_, span)),
        route=replace(policy.route, rules=(foreign, *policy.route.rules)),
        serve=ir.Strict((ir.Leaf(system, span), policy.serve), span),
        goals=(),
    )


def _is_foreign(comms: list[str], span: Span) -> ir.Expr:
    both = ir.Type.BOOL, ir.BOOL_RANGE, span
    named: ir.Expr = ir.Match(*both, ir.Name.COMM, ir.PatternKind.EXACT, comms[0])
    for comm in comms[1:]:
        other = ir.Match(*both, ir.Name.COMM, ir.PatternKind.EXACT, comm)
        named = ir.Logic(*both, ir.LogicOp.OR, named, other)
    return ir.Not(*both, named)


def follow(policy: ir.Policy, workload: Workload, trace: Trace) -> Followed:
    """Of a run of `workload` under `apart(policy, workload)`, traced, on one CPU, the params at
    their defaults.
    """
    seen = (*trace.before, *trace.events)
    follower = _Follower(policy, workload, _names_in(seen, workload))
    for number, event in enumerate(seen):
        parting = follower.see(event)
        if parting is not None:
            events = seen[max(number - _AROUND, 0) : number + 1]
            return Followed(follower.choices, replace(parting, events=events))
    return Followed(follower.choices, None)


@final
class _Follower:
    """The reference machine, told what a kernel's CPU was told. `_chose_ns` and `_late` are of the
    choice that is being made: its time, and what an ended turn ran on for after it.
    """

    def __init__(self, policy: ir.Policy, workload: Workload, names: Mapping[int, str]) -> None:
        self.choices = 0
        self._machine = Machine(policy, ONE_CPU, tuple(p.default for p in policy.params))
        self._cpu = self._machine.cpus[_CPU]
        self._groups = {group.comm: group for group in workload.groups}
        self._names = names
        self._tasks: dict[int, int] = {}
        self._now = 0
        self._chose_ns: int | None = None
        self._ended: int | None = None
        self._late: Late | None = None
        self._started = IDLE
        # Who starts the trace runs, and is of a higher class.
        self._machine.choose(_CPU, 0)
        self._machine.take_away(_CPU, 0)

    def see(self, event: Event) -> Parting | None:
        match event:
            case Asked(tid=tid, step=step, now_ns=now_ns):
                self._now = now_ns
                return self._ask(tid, step)
            case Switch(after=after) if after == IDLE:
                return self._start(IDLE)
            case Switch(after=after) if after != self._started:
                if self._cpu.mode is not Mode.AWAY:
                    self._machine.take_away(_CPU, self._now)
            case _:
                pass
        return None

    def _ask(self, tid: int, step: Step) -> Parting | None:
        match step:
            case Step.ARRIVES:
                self._arrive(tid)
            case Step.CHOOSES:
                self._chose_ns = self._now
                if self._cpu.turn is not None:
                    self._machine.settle(_CPU, self._now)
            case Step.LEAVES if self._cpu.turn is not None:
                self._machine.settle(_CPU, self._now)
            case Step.LEAVES:
                self._leave()
            case Step.STOPS | Step.BLOCKS:
                self._stop(tid, blocked=step is Step.BLOCKS)
            case Step.STARTS:
                self._arrive(tid)
                return self._start(tid)
            case _:
                assert_never(step)
        return None

    def _arrive(self, tid: int) -> None:
        """The thread is runnable, unless it is known to be."""
        task = self._tasks.get(tid)
        if task is None:
            group = self._groups.get(self._names.get(tid, ""))
            spec = _FOREIGN if group is None else _spec(group)
            self._tasks[tid] = self._machine.fork(spec, self._now)
        elif self._machine.tasks[task].phase is Phase.BLOCKED:
            self._machine.wake(task, self._now)

    def _leave(self) -> None:
        """What a turn ran on for after it was ended, to choose, is charged when that is done."""
        if self._ended is not None:
            self._late = Late(self._ended, self._now - self._cpu.settled_at, self._now)

    def _stop(self, tid: int, *, blocked: bool) -> None:
        turn = self._cpu.turn
        if turn is None or turn.task != self._tasks.get(tid):
            return  # it began before anybody watched
        # A task that blocks has left already.
        self._ended = None if blocked else turn.queue
        # The policy charges arbitration when it chooses and when the task leaves, not here.
        self._cpu.settled_at = self._now
        self._machine.stop(_CPU, self._now, blocked=blocked)

    def _start(self, tid: int) -> Parting | None:
        """The kernel starts the thread; what is odd about that."""
        machine, wanted = self._machine, self._tasks.get(tid)
        self._started = tid
        if self._cpu.turn is not None:
            machine.stop(_CPU, self._now, blocked=True)  # an exit
        elif self._cpu.mode is Mode.AWAY:
            machine.give_back(_CPU)
        if wanted is not None:
            self._let_pass(wanted)
        waiting = tuple(
            tuple(self._name(entry.task) for entry in instance.entries)
            for instance in self._cpu.here
        )
        asked_ns = self._now if self._chose_ns is None else self._chose_ns
        chosen = machine.choose(_CPU, asked_ns, self._now)
        if self._late is not None:
            self._cpu.arbiter.settle(*self._late)
        self._chose_ns = self._ended = self._late = None
        if (None if chosen is None else chosen.task) == wanted:
            self.choices += self._is_the_workloads(wanted)
            return None
        it = "idles" if chosen is None else f"runs {self._name(chosen.task)}"
        kernel = "idles" if wanted is None else f"runs {self._name(wanted)}"
        what = f"the kernel {kernel} where the reference machine {it}"
        return Parting(what, None if chosen is None else chosen.queue, (), waiting)

    def _is_the_workloads(self, task: int | None) -> bool:
        return task is not None and self._machine.tasks[task].spec is not _FOREIGN

    def _let_pass(self, task: int) -> None:
        """Kernels start some threads by themselves, their own above all: past the queues, or, as
        the policy's answer to its being asked, before another of their kind.
        """
        t = self._machine.tasks[task]
        if t.phase is not Phase.QUEUED:
            return
        queue = self._cpu.here[t.queue]
        if self._chose_ns is None:
            queue.drop(task)
            t.phase, self._cpu.claimed = Phase.CLAIMED, task
        elif t.spec is _FOREIGN:
            queue.drop(task)
            queue.add(0, -1, task, t.cpus)

    def _name(self, task: int) -> str:
        tid = next(tid for tid, number in self._tasks.items() if number == task)
        return f"`{self._names.get(tid, '?')}`[{tid}]"


def _names_in(events: Iterable[Event], workload: Workload) -> dict[int, str]:
    """What the threads are called; the workload's bear other names for a moment at first."""
    comms = {group.comm for group in workload.groups}
    names: dict[int, str] = {}
    for event in events:
        match event:
            case Wakeup(tid=tid, comm=comm) | Switch(after=tid, after_comm=comm):
                if names.get(tid) not in comms:
                    names[tid] = comm
            case _:
                pass
    return names


def _spec(group: Group) -> TaskSpec:
    """On a machine of one CPU every task is pinned."""
    return TaskSpec(
        comm=group.comm,
        process=group.process,
        nice=group.nice,
        weight=weight_of(group.nice),
        cgroup=group.cgroup,
        affinity=frozenset((_CPU,)),
    )
