"""For whom a bound on waits is claimed or proved: what an adversary that tries it may do."""

from __future__ import annotations

from schedlang.ir import nodes as ir
from schedlang.prover.search import Scene
from schedlang.prover.starvation import Ground
from schedlang.prover.subject import ANY_WEIGHT
from schedlang.prover.wait import REFERENCE_TASKS, REFERENCE_WEIGHTS

MOST_TASKS = 64
"""How many tasks a claim is tried with that does not bound their number."""


def reference_scene(on: Ground, queue: int) -> Scene:
    """The case that the bound of `starvation_free` is shown for."""
    return Scene(on.policy, queue, REFERENCE_TASKS, REFERENCE_WEIGHTS, on.tick_ns)


def wait_scene(on: Ground, goal: ir.Goal) -> Scene:
    """What the conditions of a `wait` allow; one CPU is no more than any claim allows."""
    (queue,) = goal.queues
    counts = [
        c.count for c in goal.conditions if isinstance(c, ir.TasksAtMost) and c.queue == queue
    ]
    free = any(isinstance(condition, ir.Unrestricted) for condition in goal.conditions)
    return Scene(on.policy, queue, min((*counts, MOST_TASKS)), ANY_WEIGHT, on.tick_ns, free)
