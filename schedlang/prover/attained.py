"""Runs that come near to proved bounds: what a bound is worth, shown on the interpreter.

No verdict depends on them. A run is kept only if the interpreter replays it.
"""

from __future__ import annotations

from dataclasses import replace

from schedlang.machine.scenario import Delay
from schedlang.prover.search import Budget, Scene, Search
from schedlang.prover.verdict import Proved, Verdict
from schedlang.prover.witness import delay_of

BUDGET = Budget(turns=16_000, longest=1_280)


def with_run(verdict: Verdict, scene: Scene) -> Verdict:
    """The verdict with a run that comes near to its bound, if it has a bound on a wait."""
    if isinstance(verdict, Proved) and verdict.bound is not None:
        return replace(verdict, attained=attained(scene))
    return verdict


def attained(scene: Scene) -> Delay | None:
    """The run with the longest wait that was found within the budget; None if none was."""
    search = Search(scene, BUDGET, ended=True)
    best = max(search.found(), key=lambda found: found.worth(), default=None)
    if best is None:
        return None
    waited_ns = best.ns
    best = search.shrunk(best, lambda found: found.ns >= waited_ns)
    return delay_of(scene.policy, best.plan, best.performance, scene.queue, scene.tick_ns)
