"""The world around the reference machine: threads, timers and ticks, in the order of time.

`docs/workloads.md`, "The simulator", says what is settled here. Nothing depends on hashing or on
the host's clock: the same arguments give the same run.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from typing import Final, final

from schedlang.ir.nodes import Policy
from schedlang.machine.machine import Machine, Phase
from schedlang.machine.scenario import TaskSpec
from schedlang.simulate.program import Compiler, request_names
from schedlang.simulate.record import Named, Record, Recorder, Turned, Waited
from schedlang.simulate.threads import RUNS, Step, Tally, Thread
from schedlang.topology import Topology
from schedlang.tuning import Tune, in_order, index_of
from schedlang.workload.check import cpus_of
from schedlang.workload.draws import Stream, stream_start
from schedlang.workload.model import Group, Workload
from schedlang.workload.outcome import Latencies, Outcome
from schedlang.workload.weights import weight_of

TICK_NS: Final = 4_000_000
FIRST_PROCESS: Final = 2
FIRST_PID: Final = 10_000


@final
@dataclass(frozen=True, slots=True)
class Setting:
    """What a workload is run on. `params` are the values of the policy's params, until one of
    `tunes` changes one.
    """

    topology: Topology
    params: tuple[int, ...]
    seed: int = 0
    tick_ns: int = TICK_NS
    tunes: tuple[Tune, ...] = ()


@final
@dataclass(frozen=True, slots=True)
class Events:
    """How many wake-ups (forks among them), starts of turns, and ends of turns, by their cause."""

    wakeups: int
    dispatches: int
    blocks: int
    preemptions: int

    @property
    def total(self) -> int:
        return self.wakeups + self.dispatches + self.blocks + self.preemptions


@final
@dataclass(frozen=True, slots=True)
class Simulation:
    """`waits` are those before all turns, by group as in the outcome; a thread that goes on where
    it ran has not waited. `stuck`: every thread that is left waits for another, for ever.
    """

    outcome: Outcome
    waits: tuple[Latencies, ...]
    events: Events
    stuck: bool
    record: Record | None


def simulate(
    policy: Policy, workload: Workload, setting: Setting, *, recorded: bool = False
) -> Simulation:
    """Run `workload`, which `check` and `check_cpus` have nothing against, under `policy`."""
    return _Engine(policy, workload, setting, Recorder() if recorded else None).run()


@final
class _Engine:
    """Events are (time, number, what): `what` is a CPU whose turn has something to do, or, below 0,
    the complement of a thread whose sleep is over. A running CPU has exactly one event; one that
    has another number than `_event` of its CPU was for a turn before it was cut short.
    """

    def __init__(
        self, policy: Policy, workload: Workload, setting: Setting, recorder: Recorder | None
    ) -> None:
        cpus = setting.topology.cpus
        self._machine = Machine(policy, setting.topology, setting.params)
        for cgroup in workload.cgroups:
            self._machine.weigh(cgroup.path, cgroup.weight)
        self._workload = workload
        self._seed = setting.seed
        self._tick_ns = setting.tick_ns
        self._tunes = deque(in_order(setting.tunes))
        self._tick_offsets = [cpu * setting.tick_ns // cpus for cpu in range(cpus)]
        self._recorder = recorder
        self._specs = [_spec(group, setting.topology) for group in workload.groups]
        self._tallies = [Tally(g.name, request_names(g.phases)) for g in workload.groups]
        compiler = Compiler(workload, self)
        self._programs: list[list[Step]] = [compiler.program(g.phases) for g in workload.groups]
        self._threads: list[Thread] = []
        self._groups: list[int] = []  # of the threads
        self._of_task: list[Thread] = []
        self._heap: list[tuple[int, int, int]] = []
        self._number = 0
        self._live = 0
        self._last_end = 0
        self._acting: int | None = None  # the task that does its next steps, and wakes others
        self._wakeups = 0
        self._dispatches = 0
        self._blocks = 0
        # By CPU: who runs (or last ran, None: idle since), from when on it has not been accounted
        # for, when the turn began, and the tick that ends it.
        self._running: list[Thread | None] = [None] * cpus
        self._accounted = [0] * cpus
        self._turn_start = [0] * cpus
        self._turn_end = [0] * cpus
        self._event = [0] * cpus

    def run(self) -> Simulation:
        for index, group in enumerate(self._workload.groups):
            for _ in range(group.threads):
                self._add(index, None, 0)
        end_ns = self._go(self._workload.duration_ns)
        return self._finish(end_ns)

    def _go(self, until: int | None) -> int:
        """Let everything happen; when that ended, or was cut off."""
        heap, woken, cut = self._heap, self._machine.woken, self._machine.cut
        now = 0
        while heap:
            if until is not None and heap[0][0] >= until:
                return until
            while self._tunes and self._tunes[0].at_ns <= heap[0][0]:
                self._tune(self._tunes.popleft())
            now, number, what = heappop(heap)
            if what >= 0:
                if number != self._event[what]:
                    continue
                self._turn_event(what, now)
            else:
                self._timer(self._threads[~what], now)
            while woken:
                self._dispatch(woken[0], now)
            while cut:
                self._cut(cut.pop(), now)
        if not self._live:
            return self._last_end
        return now if until is None else until

    # --- what happens

    def _tune(self, tune: Tune) -> None:
        self._machine.set_param(index_of(self._machine.policy, tune.param), tune.value)

    def _turn_event(self, cpu: int, now: int) -> None:
        """The thread on `cpu` has done what it had to, or its turn is over."""
        thread = self._running[cpu]
        assert thread is not None
        ran_ns = now - self._accounted[cpu]
        self._accounted[cpu] = now
        thread.tally.run_ns += ran_ns
        thread.left -= ran_ns
        if not thread.left and self._advance(thread, now) != RUNS:
            self._blocks += 1
            self._stop(cpu, thread, now, blocked=True)
        elif now < self._turn_end[cpu]:
            self._schedule(cpu, thread, now)
        else:
            self._stop(cpu, thread, now, blocked=False)

    def _cut(self, cpu: int, now: int) -> None:
        """The turn on `cpu` has been cut short: the tick ends it earlier, or an interrupt now."""
        thread, turn = self._running[cpu], self._machine.cpus[cpu].turn
        assert thread is not None
        assert turn is not None
        over = now if turn.is_ended else self._tick_after(cpu, turn.start + turn.granted_ns)
        self._turn_end[cpu] = max(over, now)
        self._schedule(cpu, thread, self._accounted[cpu])

    def _tick_after(self, cpu: int, at: int) -> int:
        return at + (self._tick_offsets[cpu] - at) % self._tick_ns

    def _advance(self, thread: Thread, now: int) -> int:
        """Do what the thread does next, up to its needing CPU time or blocking."""
        program = thread.program
        following = 0
        self._acting = thread.task
        while not following:
            following = program[thread.pc](thread, now)
        self._acting = None
        return following

    def _stop(self, cpu: int, thread: Thread, now: int, *, blocked: bool) -> None:
        if self._recorder is not None:
            queue = self._machine.tasks[thread.task].queue
            turn = Turned(cpu, thread.number, queue, self._turn_start[cpu], now, blocked)
            self._recorder.turns.append(turn)
        thread.since = now
        thread.woken = False
        self._machine.stop(cpu, now, blocked=blocked)
        self._dispatch(cpu, now)

    def _dispatch(self, cpu: int, now: int) -> None:
        """Let the CPU choose, and start what it chose."""
        machine = self._machine
        chosen = machine.choose(cpu, now)
        if chosen is None:
            self._running[cpu] = None
            return
        thread = self._of_task[chosen.task]
        self._dispatches += 1
        self._count_start(thread, cpu, now)
        if self._recorder is not None:
            wait = Waited(thread.number, chosen.queue, thread.since, now, thread.woken)
            self._recorder.waits.append(wait)
        self._running[cpu] = thread
        self._accounted[cpu] = self._turn_start[cpu] = now
        turn = machine.cpus[cpu].turn
        assert turn is not None
        self._turn_end[cpu] = self._tick_after(cpu, now + turn.granted_ns)
        if not thread.left:
            # INVARIANT: what follows a wait costs CPU time, so that every turn has a length.
            following = self._advance(thread, now)
            assert following == RUNS
        self._schedule(cpu, thread, now)

    def _count_start(self, thread: Thread, cpu: int, now: int) -> None:
        tally = thread.tally
        wait_ns = now - thread.since
        if thread.woken:
            tally.wakeups_ns.append(wait_ns)
        if self._running[cpu] is not thread:
            tally.waits_ns.append(wait_ns)
            tally.switches += 1
        if thread.cpu != cpu:
            tally.migrations += thread.cpu >= 0
            thread.cpu = cpu

    def _schedule(self, cpu: int, thread: Thread, now: int) -> None:
        """The turn's next event: the thread's next step, or the tick that ends the turn."""
        self._event[cpu] = self._number = self._number + 1
        heappush(self._heap, (min(now + thread.left, self._turn_end[cpu]), self._number, cpu))

    def _timer(self, thread: Thread, now: int) -> None:
        if thread.task >= 0:
            self.wake(thread, now)
            return
        thread.deadline = thread.since = now
        thread.task = len(self._of_task)
        self._of_task.append(thread)
        self._wakeups += 1
        spec = self._spec_of(thread)
        home = thread.parent.cpu if thread.parent is not None else 0
        self._machine.fork(spec, now, home)

    def _spec_of(self, thread: Thread) -> TaskSpec:
        """Threads of their process's name are processes; others belong to their group's, or to
        their parent's if it is the same.
        """
        number = self._groups[thread.number]
        spec, parent, pid = self._specs[number], thread.parent, FIRST_PID + thread.number
        above = None if parent is None else self._machine.tasks[parent.task].spec
        tgid = pid if spec.comm == spec.process else FIRST_PROCESS + number
        if above is not None and spec.comm != spec.process:
            shared = (above.process, above.cgroup) == (spec.process, spec.cgroup)
            tgid = above.tgid if shared else tgid
        ppid = 1 if above is None else above.ppid if above.tgid == tgid else above.tgid
        return replace(spec, pid=pid, tgid=tgid, ppid=ppid)

    def _add(self, group: int, parent: Thread | None, now: int) -> None:
        tally = self._tallies[group]
        number = len(self._threads)
        stream = Stream(stream_start(self._seed, group, tally.threads))
        thread = Thread(number, self._programs[group], stream, tally, parent)
        self._threads.append(thread)
        self._groups.append(group)
        if self._recorder is not None:
            named = Named(group, tally.threads, self._workload.groups[group].comm)
            self._recorder.threads.append(named)
        tally.threads += 1
        self._live += 1
        self.wake_at(thread, now + stream.draw(self._workload.groups[group].start))

    # --- what steps do: `program.World`

    def wake(self, thread: Thread, now: int) -> None:
        thread.since = now
        thread.woken = True
        self._wakeups += 1
        self._machine.wake(thread.task, now, self._acting)

    def wake_at(self, thread: Thread, at: int) -> None:
        self._number += 1
        heappush(self._heap, (at, self._number, ~thread.number))

    def fork(self, parent: Thread, group: int, now: int) -> None:
        parent.children += 1
        self._add(group, parent, now)

    def end(self, thread: Thread, now: int) -> None:
        thread.tally.ended += 1
        thread.tally.ended_ns = self._last_end = now
        self._live -= 1
        parent = thread.parent
        if parent is not None:
            parent.children -= 1
            if parent.is_joining and not parent.children:
                parent.is_joining = False
                self.wake(parent, now)

    # --- the end

    def _finish(self, end_ns: int) -> Simulation:
        for thread in self._threads:
            if thread.task >= 0:
                self._cut_off(thread, end_ns)
        waits = tuple(tally.waits() for tally in self._tallies)
        groups = tuple(tally.outcome() for tally in self._tallies)
        name, policy = self._workload.name, self._machine.policy.name
        recorder = self._recorder
        return Simulation(
            Outcome(name, policy, end_ns, groups),
            waits,
            self._counts(),
            stuck=self._live > 0 and not self._heap,
            record=recorder.finish(end_ns) if recorder is not None else None,
        )

    def _cut_off(self, thread: Thread, end_ns: int) -> None:
        """Account for what the thread is in the middle of."""
        task = self._machine.tasks[thread.task]
        match task.phase:
            case Phase.RUNNING:
                cpu = thread.cpu
                thread.tally.run_ns += end_ns - self._accounted[cpu]
                if self._recorder is not None:
                    start_ns = self._turn_start[cpu]
                    turn = Turned(cpu, thread.number, task.queue, start_ns, end_ns, blocked=False)
                    self._recorder.turns.append(turn)
            case Phase.QUEUED | Phase.CLAIMED:
                thread.tally.waits_ns.append(end_ns - thread.since)
                if thread.woken:
                    thread.tally.wakeups_ns.append(end_ns - thread.since)
                if self._recorder is not None:
                    wait = Waited(thread.number, task.queue, thread.since, end_ns, thread.woken)
                    self._recorder.waits.append(wait)
            case _:
                pass

    def _counts(self) -> Events:
        running = sum(task.phase is Phase.RUNNING for task in self._machine.tasks)
        preemptions = self._dispatches - self._blocks - running
        return Events(self._wakeups, self._dispatches, self._blocks, preemptions)


def _spec(group: Group, topology: Topology) -> TaskSpec:
    cpus = cpus_of(group, topology.cpus)
    assert cpus
    return TaskSpec(
        comm=group.comm,
        process=group.process,
        nice=group.nice,
        weight=weight_of(group.nice),
        cgroup=group.cgroup,
        affinity=frozenset(cpus) if len(cpus) < topology.cpus else None,
    )
