"""Runs that break what could not be proved: found, replayed, explained, and mended where possible.

Nothing is refuted but by a run that the interpreter has replayed.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

from schedlang.ir import nodes as ir
from schedlang.machine.scenario import Lasso, Turn
from schedlang.prover.lasso import find_starving_run
from schedlang.prover.repair import guard_repair
from schedlang.prover.search import ANY_WEIGHT, Budget, Found, Scene, Search, settings
from schedlang.prover.setting import concrete_arbitration
from schedlang.prover.solver import Ledger
from schedlang.prover.starvation import Ground
from schedlang.prover.verdict import Refuted, Unknown
from schedlang.prover.witness import lasso_of, replayed

STARVATION_BUDGET = Budget(turns=10_000, longest=160)
STARVATION_TASKS = 3
MOST_LOOPS = 24


def refute_starvation_free(on: Ground, queue: int, gap: Unknown) -> Refuted | Unknown:
    lasso = _played(on, queue) or _solved(on, queue)
    if lasso is not None:
        return Refuted(lasso, _why(on.policy, lasso), guard_repair(on, queue))
    return replace(gap, detail=f"{gap.detail}; {_tried(on)}")


def _tried(on: Ground) -> str:
    return (
        f"no run that starves it was found in {STARVATION_BUDGET.turns} turns played"
        f" and among those that repeat within {on.effort.lasso_steps} turns"
    )


def _played(on: Ground, queue: int) -> Lasso | None:
    scene = Scene(on.policy, queue, STARVATION_TASKS, ANY_WEIGHT, on.tick_ns)
    search = Search(scene, STARVATION_BUDGET, ended=False)

    def lasso(found: Found) -> Lasso | None:
        return lasso_of(on.policy, found.plan, found.performance, queue, on.tick_ns)

    waiting = (found for found in search.found() if found.is_open)
    starved = next((found for found in islice(waiting, MOST_LOOPS) if lasso(found)), None)
    if starved is None:
        return None
    return lasso(search.shrunk(starved, lambda found: lasso(found) is not None))


def _solved(on: Ground, queue: int) -> Lasso | None:
    for params in settings(on.policy):
        arbitration = concrete_arbitration(on.policy, on.rules, params)
        if not arbitration.guards_of(queue):
            run = find_starving_run(arbitration, queue, Ledger(on.effort))
            lasso = replayed(on.policy, params, run, queue) if run is not None else None
            if lasso is not None:
                return lasso
    return None


def _why(policy: ir.Policy, lasso: Lasso) -> str:
    victim = policy.queues[lasso.queue].name
    loop = [step for step in lasso.steps[lasso.loop_start :] if isinstance(step, Turn)]
    served = dict.fromkeys(lasso.tasks[step.task].comm for step in loop)
    names = " and ".join(f"`{name}`" for name in served)
    keep = "keeps" if len(served) == 1 else "keep"
    return f"{names} {keep} the CPU, and a task in `{victim}` waits for ever"
