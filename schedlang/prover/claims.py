"""What a policy claims beyond starvation-freedom: `wait`, `share`, `fair`, `work_conserving`.

A claim is proved for all machines and loads, or for those of its conditions; a proof that needs
less than the conditions is a proof of the claim.
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import assert_never

from schedlang.ir import nodes as ir
from schedlang.prover.conserving import prove_work_conserving
from schedlang.prover.fair_tasks import prove_fair_tasks
from schedlang.prover.fairness import prove_fair_queues
from schedlang.prover.shares import Kept, prove_share
from schedlang.prover.solver import Ledger
from schedlang.prover.starvation import Ground, assumptions, ground
from schedlang.prover.subject import ANY_WEIGHT, Subject
from schedlang.prover.trees import tree_spans
from schedlang.prover.verdict import Bound, Obligation, Proved, Reason, Unknown, Verdict
from schedlang.prover.wait import bound, prove_wait, prove_ways
from schedlang.units import duration

Judgement = tuple[Verdict, tuple[Obligation, ...]]
CHAIN = (
    "a CPU that is woken chooses",
    "no higher scheduling class takes a CPU before it has chosen",
)


def prove_claim(on: Ground, goal: ir.Goal) -> Judgement:
    """The verdict on a claim, under its conditions."""
    here = under(on, (goal,))
    match goal.property:
        case ir.Property.WORK_CONSERVING:
            ledger = Ledger(on.effort)
            policy = undivided(on.policy) if _one_cpu(goal) else on.policy
            gap = prove_work_conserving(policy, on.rules, ledger)
            verdict: Verdict = gap or Proved(None, CHAIN, tree_spans(on.policy))
        case ir.Property.WAIT | ir.Property.SHARE | ir.Property.FAIR:
            ledger = here.ledger()
            verdict = _timed(here, goal, ledger)
        case (
            ir.Property.STARVATION_FREE | ir.Property.NO_LOST_TASK | ir.Property.BOUNDED_PREEMPTION
        ):
            raise ValueError(f"{goal.property} is checked of every policy")
        case _:
            assert_never(goal.property)
    return verdict, tuple(ledger.obligations)


def undivided(policy: ir.Policy) -> ir.Policy:
    """The policy as it acts on one CPU, to which every instance belongs."""
    queues = (replace(queue, scope=ir.Scope.GLOBAL, steal=None) for queue in policy.queues)
    return replace(policy, queues=tuple(queues))


def under(on: Ground, goals: tuple[ir.Goal, ...]) -> Ground:
    """The ground for what all the goals claim: with the longest tick that one of them allows."""
    ticks = [_tick_ns(goal, on.tick_ns) for goal in goals]
    tick_ns = max(ticks, default=on.tick_ns)
    return on if tick_ns == on.tick_ns else ground(on.policy, on.rules, on.effort, tick_ns)


def _tick_ns(goal: ir.Goal, usual_ns: int) -> int:
    ticks = (c.tick_ns for c in goal.conditions if isinstance(c, ir.TickAtMost))
    return min(ticks, default=usual_ns)


def _timed(on: Ground, goal: ir.Goal, ledger: Ledger) -> Verdict:
    if isinstance(on.facts, Unknown):
        return on.facts
    for queue in goal.queues:
        if queue in on.unused:
            name = on.policy.queues[queue].name
            return Unknown(Reason.VACUOUS, f"no task is ever routed to `{name}`")
    match goal.property:
        case ir.Property.WAIT:
            return _wait(on, goal, ledger)
        case ir.Property.SHARE:
            return _share(on, goal, ledger)
        case _ if len(goal.queues) == 1:
            return _fair_tasks(on, goal, ledger)
        case _:
            return _fair_queues(on, goal, ledger)


def _wait(on: Ground, goal: ir.Goal, ledger: Ledger) -> Proved | Unknown:
    queue, wanted_ns = goal.queues[0], _least(goal.bound)
    counts = [
        c.count for c in goal.conditions if isinstance(c, ir.TasksAtMost) and c.queue == queue
    ]
    if not counts:
        name = on.policy.queues[queue].name
        return Unknown(Reason.NO_RULE, f"a bound needs `when tasks({name}) <= N`")
    assert not isinstance(on.facts, Unknown)
    ways = prove_ways(on.arbitrations, queue, on.facts, ledger)
    if isinstance(ways, Unknown):
        return ways
    tasks = min(counts)
    wait = prove_wait(
        on.policy,
        on.arbitration,
        queue,
        ways,
        ANY_WEIGHT,
        ledger,
        tasks,
        one_cpu=_one_cpu(goal),
    )
    if isinstance(wait, Unknown):
        return wait
    case = f"{tasks} tasks of any weight, tick {duration(on.tick_ns)}"
    if _one_cpu(goal):
        case += ", one CPU"
    found = bound(on.policy, wait, tasks, case)
    if found.value_ns > wanted_ns:
        detail = f"proved is {duration(found.value_ns)} for {case}"
        return Unknown(Reason.INDUCTION_FAILED, detail)
    return Proved(found, assumptions(on, queue), (goal.span,))


def _one_cpu(goal: ir.Goal) -> bool:
    return any(isinstance(c, ir.CpusAtMost) and c.count == 1 for c in goal.conditions)


def _share(on: Ground, goal: ir.Goal, ledger: Ledger) -> Proved | Unknown:
    queue, percent = goal.queues[0], _most(goal.bound)
    assert not isinstance(on.facts, Unknown)
    ways: list[Kept] = []
    for arbitration in on.arbitrations:
        found = prove_share(arbitration, queue, percent, on.facts, ledger)
        if isinstance(found, Unknown):
            return arbitration.located(found)
        ways.append(found)
    kept = max(ways, key=lambda way: way.lost_ns)
    limit_ns = min((way.limit_ns for way in ways if way.limit_ns is not None), default=None)
    reached = Bound(
        f"service >= {percent}% * (T - {duration(kept.lost_ns)}) in any window T{_by(on, kept)}",
        kept.lost_ns,
        "the part of a window that counts for nothing",
    )
    texts = ["the share is that of long windows in which the queue is never empty on the CPU"]
    if limit_ns is not None:
        texts.append(f"windows are shorter than {duration(limit_ns)}")
    return Proved(reached, (*assumptions(on, queue)[:2], *texts), (goal.span,))


def _by(on: Ground, kept: Kept) -> str:
    if kept.guard is None:
        return ""
    return f" (guard on `{on.policy.queues[on.policy.guards[kept.guard].queue].name}`)"


def _fair_queues(on: Ground, goal: ir.Goal, ledger: Ledger) -> Proved | Unknown:
    apart = Fraction(0)
    for arbitration in on.arbitrations:
        found = prove_fair_queues(arbitration, goal.queues, ledger)
        if isinstance(found, Unknown):
            return arbitration.located(found)
        apart = max(apart, found)
    names = " and ".join(f"`{on.policy.queues[queue].name}`" for queue in goal.queues)
    text = "the services are those of one CPU, in a window in which no queue named is empty there"
    reached = Bound(
        f"the services of {names}, each divided by its weight, differ by {duration(apart)} at most",
        math.ceil(apart),
        "the least weight counts as 1",
    )
    proved = Proved(reached, (*assumptions(on, goal.queues[0])[:2], text), (goal.span,))
    return _fair(goal, apart, proved)


def _fair_tasks(on: Ground, goal: ir.Goal, ledger: Ledger) -> Proved | Unknown:
    """On one CPU, whose choice of queues does not matter: the order says which task is next."""
    if not _one_cpu(goal):
        detail = "a task of a great weight cannot use its share of several CPUs: `when cpus <= 1`"
        return Unknown(Reason.NO_RULE, detail)
    (queue,) = goal.queues
    turn_ns = on.arbitration.max_turn_ns[queue]
    policy = undivided(on.policy)
    subject = Subject(policy, policy.queues[queue], ANY_WEIGHT, turn_ns)
    found = prove_fair_tasks(subject, on.tick_ns, ledger)
    if isinstance(found, Unknown):
        return found
    reached = Bound(found.formula, found.bound_ns, "any two tasks of any weights")
    return _fair(goal, found.bound_ns, Proved(reached, found.assumptions, (goal.span,)))


def _fair(goal: ir.Goal, apart_ns: Fraction | int, proved: Proved) -> Proved | Unknown:
    if goal.bound is None or apart_ns <= _least(goal.bound):
        return proved
    return Unknown(Reason.INDUCTION_FAILED, f"proved is {duration(apart_ns)}")


def _least(bound: ir.Expr | None) -> int:
    assert bound is not None
    assert bound.range is not None
    return bound.range.lo


def _most(bound: ir.Expr | None) -> int:
    assert bound is not None
    assert bound.range is not None
    return bound.range.hi
