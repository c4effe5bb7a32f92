"""Looks for a loop in which a queue that is never empty gets less of the time than is claimed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from schedlang.ir import nodes as ir
from schedlang.machine.evaluate import constant_values
from schedlang.machine.machine import Machine
from schedlang.machine.replay import Replay, replay
from schedlang.machine.scenario import Shortfall
from schedlang.prover.adversary import Ending, Length, Plan, Play
from schedlang.prover.casting import Casting
from schedlang.prover.search import settings
from schedlang.prover.starvation import Ground
from schedlang.prover.subject import ANY_WEIGHT
from schedlang.prover.witness import loops_of, tasks_in
from schedlang.topology import Topology

TURNS = 1200
LENGTHS = (Length.WHOLE, Length.LONG, Length.SHORT)
OWN_TASKS = 2
"""With two that go on, one is in the queue whenever the CPU chooses."""


def find_shortfall(on: Ground, goal: ir.Goal) -> Shortfall | None:
    """Of a few plain plans the first that is one."""
    (queue,) = goal.queues
    assert goal.bound is not None
    for params in settings(on.policy):
        (percent,) = constant_values([goal.bound], params)
        machine = Machine(on.policy, Topology(cpus=1), params)
        for plan in _plans(on.policy, queue, params):
            play = Play(machine.afresh(), plan, queue, on.tick_ns)
            performance = play.perform(TURNS)
            for steps, start in loops_of(performance, 0):
                tasks = tasks_in(performance, steps)
                run = Shortfall(tasks, steps, start, 0, queue, params, percent, on.tick_ns)
                if isinstance(replay(on.policy, run), Replay):
                    return run
    return None


def _plans(policy: ir.Policy, queue: int, params: tuple[int, ...]) -> Iterator[Plan]:
    """Everybody is there all the time, or the others come and go; turns are long or short."""
    casting = Casting(policy, params)
    others = [casting.longest(other) for other in range(len(policy.queues)) if other != queue]
    crowd = [part for part in others if part is not None]
    for own in casting.parts(queue, ANY_WEIGHT):
        for mine, theirs, ending in product(LENGTHS, LENGTHS, (Ending.STAYS, Ending.BLINKS)):
            parts = [replace(own, length=mine)] * OWN_TASKS
            parts += [replace(part, length=theirs, ending=ending) for part in crowd]
            yield Plan(params, tuple(parts))
