"""The independent simulator, driven along a run that the prover gives for a refutation.

It reads a run as schedlang/machine/scenario.py describes it, and tells whether it breaks what it
is said to break.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from schedlang.ir import nodes as ir
from schedlang.machine.replay import ROUNDS, Replay, replay
from schedlang.machine.scenario import Delay, Lasso, Pass, Run, Shortfall, Step, Turn, Wake
from tests.support.reading import Reading
from tests.support.simulator import Simulator
from tests.support.watches import has_work, serves


def breaks(policy: ir.Policy, reading: Reading, run: Run, bound: ir.Expr | None) -> bool:
    """Whether interpreter and simulator both run it, and what is claimed fails in the simulator."""
    if not isinstance(replay(policy, run), Replay):
        return False
    names = [param.name.name for param in reading.params]
    params = dict(zip(names, run.params, strict=True))
    follower = Follower(Simulator(reading, 1, params), run)
    match run:
        case Delay():
            follower.follow(run.steps)
            assert bound is not None
            assert bound.range is not None
            return follower.waited_ns > bound.range.lo
        case Lasso():
            return starves(follower, run)
        case Shortfall():
            return falls_short(follower, run)


def starves(follower: Follower, run: Lasso) -> bool:
    follower.follow(run.steps[: run.loop_start])
    for _ in range(ROUNDS):
        start = follower.now
        follower.follow(run.steps[run.loop_start :])
        follower.end_turn()
        place = follower.machine.tasks[follower.ids[run.victim]].place
        if place != "waiting" or follower.now == start:
            return False
    return True


def falls_short(follower: Follower, run: Shortfall) -> bool:
    """Over many loops; the first ones may still catch up."""
    follower.follow(run.steps[: run.loop_start])
    for _ in range(ROUNDS):
        follower.follow(run.steps[run.loop_start :])
    start, served = follower.now, follower.served_ns
    for _ in range(ROUNDS):
        follower.follow(run.steps[run.loop_start :])
    got = follower.served_ns - served
    return not follower.was_empty and got * 100 < run.percent * (follower.now - start)


@dataclass
class Follower:
    machine: Simulator
    run: Run
    now: int = 0
    ids: dict[int, int] = field(default_factory=dict)
    ending: Turn | None = None
    arrived: int = 0
    waited_ns: int = 0
    served_ns: int = 0
    was_empty: bool = False
    done: int = 0

    def follow(self, steps: Iterable[Step]) -> None:
        for step in steps:
            match step:
                case Wake():
                    self.wake(step)
                case Turn():
                    self.turn(step)
                case Pass():
                    self.end_turn()
                    self.pass_ns(step.ns)
            self.done += 1

    def turn(self, step: Turn) -> None:
        self.end_turn()
        if self.machine.cpus[0].turn is None:
            self.machine.choose(0, self.now)
        turn = self.machine.cpus[0].turn
        assert turn is not None
        assert turn.task == self.ids[step.task]
        assert 1 <= step.ran_ns <= turn.slice_ns + self.run.tick_ns
        if step.task == self.run.victim:
            self.waited_ns = self.now - self.arrived
        self.pass_ns(step.ran_ns)
        self.ending = step

    def pass_ns(self, ns: int) -> None:
        queue = self.run.queue
        if not isinstance(self.run, Delay) and self.done >= self.run.loop_start:
            self.was_empty |= not has_work(self.machine, 0, queue)
        self.served_ns += ns * serves(self.machine, 0, queue)
        self.now += ns

    def wake(self, step: Wake) -> None:
        task, ending = step.task, self.ending
        if ending is not None and (step.early or (ending.blocks and ending.task == task)):
            self.end_turn()
        if task in self.ids:
            self.machine.wake(self.ids[task], self.now)
        else:
            self.ids[task] = self.machine.fork(self.run.tasks[task], self.now)
        if task == self.run.victim:
            self.arrived = self.now

    def end_turn(self) -> None:
        if self.ending is not None:
            ended, self.ending = self.ending, None
            self.machine.stop(0, self.now, ended.blocks)
            if ended.task == self.run.victim and not ended.blocks:
                self.arrived = self.now
            self.machine.choose(0, self.now)
