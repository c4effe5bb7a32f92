"""Runs that break what could not be proved: found, replayed, explained, and mended where possible.

Nothing is refuted but by a run that the interpreter has replayed.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

from schedlang.ir import nodes as ir
from schedlang.machine.evaluate import constant_values
from schedlang.machine.replay import Replay, What, replay
from schedlang.machine.scenario import Delay, Lasso, TaskSpec, Turn
from schedlang.prover.lasso import find_starving_run
from schedlang.prover.repair import bound_repair, guard_repair, share_repair
from schedlang.prover.scenes import wait_scene
from schedlang.prover.search import Budget, Found, Scene, Search, settings
from schedlang.prover.setting import concrete_arbitration
from schedlang.prover.shortfall import find_shortfall
from schedlang.prover.solver import Ledger
from schedlang.prover.starvation import Ground
from schedlang.prover.subject import ANY_WEIGHT
from schedlang.prover.verdict import Refuted, Unknown
from schedlang.prover.witness import delay_of, lasso_of, replayed
from schedlang.units import duration

STARVATION_BUDGET = Budget(turns=16_000, longest=640)
WAIT_BUDGET = Budget(turns=24_000, longest=6_000)
STARVATION_TASKS = 3
MOST_LOOPS = 8


def refute_starvation_free(on: Ground, queue: int, gap: Unknown) -> Refuted | Unknown:
    lasso = _played(on, queue) or _solved(on, queue)
    if lasso is not None:
        return Refuted(lasso, _why_starved(on.policy, lasso), guard_repair(on, queue))
    tried = (
        f"no run that starves it was found in {STARVATION_BUDGET.turns} turns played"
        f" and among those that repeat within {on.effort.lasso_steps} turns"
    )
    return replace(gap, detail=f"{gap.detail}; {tried}")


def refute_claim(on: Ground, goal: ir.Goal, gap: Unknown) -> Refuted | Unknown:
    """`on` is the ground under the goal's conditions."""
    if any(queue in on.unused for queue in goal.queues):
        return gap
    match goal.property:
        case ir.Property.WAIT:
            return _refute_wait(on, goal, gap)
        case ir.Property.SHARE:
            return _refute_share(on, goal, gap)
        case _:
            return gap


# --- starvation


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


def _why_starved(policy: ir.Policy, lasso: Lasso) -> str:
    victim = policy.queues[lasso.queue].name
    loop = [step for step in lasso.steps[lasso.loop_start :] if isinstance(step, Turn)]
    waiting = lasso.tasks[lasso.victim]
    numbers = dict.fromkeys(step.task for step in loop)
    names = dict.fromkeys(_name(lasso.tasks[number], waiting) for number in numbers)
    keep = "keeps" if len(numbers) == 1 else "keep"
    return f"{' and '.join(names)} {keep} the CPU, and a task in `{victim}` waits for ever"


def _name(spec: TaskSpec, waiting: TaskSpec) -> str:
    """A task's comm; for one that is called like the task that waits, what tells them apart."""
    if spec.comm != waiting.comm:
        return f"`{spec.comm}`"
    pairs = (
        (f"nice {spec.nice}", spec.nice != waiting.nice),
        (f"weight {spec.weight}", spec.weight != waiting.weight),
        (
            "a kernel thread" if spec.kthread else "no kernel thread",
            spec.kthread != waiting.kthread,
        ),
        ("pinned" if spec.pinned else "not pinned", spec.pinned != waiting.pinned),
        (f"process `{spec.process}`", spec.process != waiting.process),
        (f"cgroup `{spec.cgroup}`", spec.cgroup != waiting.cgroup),
    )
    traits = ", ".join(text for text, differs in pairs if differs)
    return f"other tasks `{spec.comm}`" + (f" ({traits})" if traits else "")


# --- wait


def _refute_wait(on: Ground, goal: ir.Goal, gap: Unknown) -> Refuted | Unknown:
    delay = _late(on, goal)
    if delay is None:
        tried = f"no longer wait was found in {WAIT_BUDGET.turns} turns played"
        return replace(gap, detail=f"{gap.detail}; {tried}")
    return Refuted(delay, _why_late(on.policy, delay), bound_repair(on, goal))


def _late(on: Ground, goal: ir.Goal) -> Delay | None:
    """A run within the claim's conditions in which a task waits for longer than is claimed."""
    scene = wait_scene(on, goal)
    search = Search(scene, WAIT_BUDGET, ended=True)

    def is_late(found: Found) -> bool:
        assert goal.bound is not None
        return found.ns > constant_values([goal.bound], found.plan.params)[0]

    late = next(filter(is_late, search.found()), None)
    if late is None:
        return None
    late = search.shrunk(late, is_late)
    return delay_of(on.policy, late.plan, late.performance, scene.queue, on.tick_ns)


def _why_late(policy: ir.Policy, delay: Delay) -> str:
    """Who runs, and for how long, while the task waits."""
    found = replay(policy, delay)
    assert isinstance(found, Replay)
    served: dict[int, int] = {}
    for happening in found.happenings[:-1]:
        if happening.what is What.RUNS and happening.queue is not None:
            end = happening.at_ns + happening.ns
            overlap = end - max(happening.at_ns, found.victim_since_ns)
            served[happening.queue] = served.get(happening.queue, 0) + max(overlap, 0)
    parts = [
        f"{'other tasks of ' if queue == delay.queue else ''}`{policy.queues[queue].name}`"
        f" {duration(ns)}"
        for queue, ns in served.items()
        if ns
    ]
    waited = duration(found.end_ns - found.victim_since_ns)
    name = policy.queues[delay.queue].name
    return f"a task in `{name}` waits {waited}, while the CPU serves {' and '.join(parts)}"


# --- share


def _refute_share(on: Ground, goal: ir.Goal, gap: Unknown) -> Refuted | Unknown:
    shortfall = find_shortfall(on, goal)
    if shortfall is None:
        return replace(gap, detail=f"{gap.detail}; no loop was found in which it gets less")
    found = replay(on.policy, shortfall)
    assert isinstance(found, Replay)
    assert found.served_ns is not None
    assert found.period_ns is not None
    name = on.policy.queues[shortfall.queue].name
    why = (
        f"`{name}` gets {duration(found.served_ns)} of every {duration(found.period_ns)},"
        f" less than {shortfall.percent}%"
    )
    return Refuted(shortfall, why, share_repair(on, goal))
