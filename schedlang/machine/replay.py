"""Replays of a run on one CPU: what the prover believes to happen must happen in the interpreter.

It succeeds only if every turn goes to the task that the run names. In a loop the victim stays
queued, or the queue stays non-empty, from the loop's start on, each pass takes time, and the passes
provably go on for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never, final

from schedlang.ir.nodes import Policy
from schedlang.machine.machine import Machine, Mode, Phase
from schedlang.machine.repetition import Dependence, Repetition, find_repetition, watch
from schedlang.machine.scenario import Delay, Lasso, Pass, Run, Shortfall, Step, Turn, Wake
from schedlang.machine.snapshot import RelativeState, relative_state
from schedlang.machine.timeless import is_timeless
from schedlang.topology import Topology

CPU = 0
ROUNDS = 64
"""Passes of a loop within which the machine's state has to come back."""


class What(StrEnum):
    WAKES = "wakes"
    RUNS = "runs"
    IDLES = "idles"


@final
@dataclass(frozen=True, slots=True)
class Happening:
    """A line of the run. `ns` is how long, 0 for a wake-up; `task` and `queue` are None if idle."""

    at_ns: int
    what: What
    task: int | None
    queue: int | None
    ns: int


@final
@dataclass(frozen=True, slots=True)
class Replay:
    """`happenings` are of the steps before the loop and, from `loop_at` on, of its first pass.

    The run repeats every `period_ns`, of which the run's queue gets `served_ns`; only `aging`
    differs, which nothing in the loop reads. All three are None or () if the run has an end. At
    `end_ns` the victim has waited since `victim_since_ns`.
    """

    happenings: tuple[Happening, ...]
    loop_at: int | None
    period_ns: int | None
    served_ns: int | None
    aging: tuple[str, ...]
    victim_since_ns: int
    end_ns: int


@final
@dataclass(frozen=True, slots=True)
class Mismatch:
    """Where the run differs: at step `step`, in pass `round` of the loop.

    `round` counts from 1 and is 0 before the loop; `step` is `len(steps)` if it is a whole pass.
    """

    step: int
    round: int
    what: str


def replay(policy: Policy, run: Run, rounds: int = ROUNDS) -> Replay | Mismatch:
    """Run a loop up to `rounds` times, two at least; fewer if the run is found to repeat."""
    return _replay_delay(policy, run) if isinstance(run, Delay) else _loop(policy, run, rounds)


def _replay_delay(policy: Policy, delay: Delay) -> Replay | Mismatch:
    run = _Progress(policy, delay)
    for number, step in enumerate(delay.steps):
        fault = run.take(step)
        if fault is not None:
            return Mismatch(number, 0, fault)
    last = run.happenings[-1]
    if last.what is not What.RUNS or last.task != delay.victim or last.queue != delay.queue:
        return Mismatch(len(delay.steps), 0, "the victim does not run at the end")
    return Replay(tuple(run.happenings), None, None, None, (), run.victim_since, last.at_ns)


def _loop(policy: Policy, loop: Lasso | Shortfall, rounds: int) -> Replay | Mismatch:
    run = _Progress(policy, loop)
    for number in range(loop.loop_start):
        fault = run.take(loop.steps[number])
        if fault is not None:
            return Mismatch(number, 0, fault)
    loop_at, first_pass = len(run.happenings), len(run.happenings)
    # Not from the loop's start: there the last turn may be about to end otherwise than later.
    seen = _Seen(policy, is_timeless(policy, loop.steps[loop.loop_start :]))
    passes: list[Dependence] = []
    ends: list[tuple[int, int]] = []  # when each pass ended, and what the queue had been served
    for round_ in range(1, rounds + 1):
        dependence = run.watch()
        mismatch = _run_pass(run, loop, round_)
        if mismatch is not None:
            return mismatch
        if round_ == 1:
            first_pass = len(run.happenings)
        else:
            passes.append(dependence)
        ends.append((run.now, run.served_ns))
        found = seen.repetition(run, passes)
        if found is not None:
            (start, before), (end, after) = ends[found.first], ends[found.second]
            period_ns, served_ns = end - start, after - before
            if isinstance(loop, Shortfall) and served_ns * 100 >= loop.percent * period_ns:
                return Mismatch(len(loop.steps), round_, f"the queue gets {served_ns} ns")
            happenings = tuple(run.happenings[:first_pass])
            since, now = run.victim_since, run.now
            return Replay(happenings, loop_at, period_ns, served_ns, found.aging, since, now)
    return Mismatch(len(loop.steps), rounds, "the state does not come back")


@final
class _Seen:
    """The machine after each pass of a loop. Times are relative to now; where nothing in the loop
    reads `now`, they may also stand still."""

    def __init__(self, policy: Policy, timeless: bool) -> None:
        self._policy = policy
        self._relative: list[RelativeState] = []
        self._standing: list[RelativeState] | None = [] if timeless else None

    def repetition(self, run: _Progress, passes: list[Dependence]) -> Repetition | None:
        """Of an earlier pass by this one."""
        self._relative.append(relative_state(run.machine, run.now))
        found = find_repetition(self._policy, self._relative, passes)
        if found is None and self._standing is not None:
            self._standing.append(relative_state(run.machine, run.now, epoch=0))
            found = find_repetition(self._policy, self._standing, passes)
        return found


def _run_pass(run: _Progress, loop: Lasso | Shortfall, round_: int) -> Mismatch | None:
    start = run.now
    for number in range(loop.loop_start, len(loop.steps)):
        fault = run.take(loop.steps[number])
        if fault is None and not isinstance(loop.steps[number], Wake):
            # Not after a wake-up: the turn that ends then may still be the victim's.
            fault = run.victim_fault() if isinstance(loop, Lasso) else run.queue_fault()
        if fault is not None:
            return Mismatch(number, round_, fault)
    if run.now == start:
        return Mismatch(len(loop.steps), round_, "the loop takes no time")
    return None


@final
class _Progress:
    """The machine while it follows a run. A method that returns text says what is wrong."""

    def __init__(self, policy: Policy, run: Run) -> None:
        self.machine = Machine(policy, Topology(cpus=1), run.params)
        self.now = 0
        self.happenings: list[Happening] = []
        self._followed = run
        self._late_ns = run.tick_ns
        self._queue_names = [queue.name for queue in policy.queues]
        self._machine_ids: dict[int, int] = {}
        self.victim_since = 0
        self.served_ns = 0
        self._ending: Turn | None = None
        self._dependence = Dependence()

    def watch(self) -> Dependence:
        self._dependence = watch(self.machine)
        return self._dependence

    def take(self, step: Step) -> str | None:
        match step:
            case Wake():
                return self._wake(step)
            case Turn():
                return self._run(step)
            case Pass():
                return self._idle(step.ns)
            case _:
                assert_never(step)

    def victim_fault(self) -> str | None:
        number = self._machine_ids.get(self._followed.victim)
        if number is None:
            return "the victim has not woken up"
        victim = self.machine.tasks[number]
        if victim.phase is not Phase.QUEUED:
            return f"the victim is {victim.phase.value}"
        if victim.queue != self._followed.queue:
            return f"the victim is in `{self._queue_names[victim.queue]}`"
        return None

    def queue_fault(self) -> str | None:
        """Only a choice can take a queue's last task, and this is asked after each."""
        queue = self._followed.queue
        is_empty = not self.machine.cpus[CPU].here[queue].entries
        return f"`{self._queue_names[queue]}` is empty" if is_empty else None

    def _wake(self, step: Wake) -> str | None:
        task, ending = step.task, self._ending
        if ending is not None and (step.early or (ending.blocks and ending.task == task)):
            self._end_turn()
        number = self._machine_ids.get(task)
        spec = self._followed.tasks[task]
        if number is None:
            if not spec.may_run_on(CPU):
                return f"{spec.comm} may not run here"
            number = self._machine_ids[task] = self.machine.fork(spec, self.now)
        elif self.machine.tasks[number].phase is Phase.BLOCKED:
            self.machine.wake(number, self.now)
        else:
            return f"{spec.comm} is awake"
        self._arrived(task)
        self._record(What.WAKES, task, self.machine.tasks[number].queue, 0)
        return None

    def _run(self, step: Turn) -> str | None:
        self._end_turn()
        if self.machine.cpus[CPU].turn is None:
            self._choose()
        turn = self.machine.cpus[CPU].turn
        if turn is None:
            return "nothing is runnable"
        if turn.task != self._machine_ids.get(step.task):
            return f"the CPU runs {self.machine.tasks[turn.task].spec.comm}"
        if not 1 <= step.ran_ns <= turn.granted_ns + self._late_ns:
            return f"a turn of {step.ran_ns} ns, where the slice is {turn.granted_ns} ns"
        self._record(What.RUNS, step.task, turn.queue, step.ran_ns)
        self.now += step.ran_ns
        self.served_ns += step.ran_ns if turn.queue == self._followed.queue else 0
        self._ending = step
        return None

    def _idle(self, ns: int) -> str | None:
        self._end_turn()
        if self.machine.cpus[CPU].mode is not Mode.IDLE:
            return "the CPU is not idle"
        self._record(What.IDLES, None, None, ns)
        self.now += ns
        return None

    def _end_turn(self) -> None:
        """Stop; requeue; choose: after this the CPU has its next turn, or is idle."""
        if self._ending is not None:
            ended, self._ending = self._ending, None
            self.machine.stop(CPU, self.now, blocked=ended.blocks)
            if not ended.blocks:
                self._arrived(ended.task)
            self._choose()

    def _choose(self) -> None:
        chosen = self.machine.choose(CPU, self.now)
        if chosen is not None:
            self._dependence.queues.add(chosen.queue)
            rules = self.machine.policy.preemptions
            self._dependence.queues |= {rule.by for rule in rules if rule.earlier}

    def _arrived(self, task: int) -> None:
        if task == self._followed.victim:
            self.victim_since = self.now

    def _record(self, what: What, task: int | None, queue: int | None, ns: int) -> None:
        self.happenings.append(Happening(self.now, what, task, queue, ns))
