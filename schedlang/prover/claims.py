"""What a policy claims beyond starvation-freedom: `wait`, `share`, `work_conserving`, `fair`."""

from __future__ import annotations

from schedlang.ir import nodes as ir
from schedlang.prover.arbiter import free_draw, free_state, runs, turns
from schedlang.prover.order import ANY_WEIGHT
from schedlang.prover.reachability import prove_work_conserving
from schedlang.prover.setting import TICK_NS
from schedlang.prover.solver import Ledger
from schedlang.prover.starvation import Ground, assumptions, ground
from schedlang.prover.terms import all_of, integer
from schedlang.prover.verdict import Bound, Obligation, Proved, Reason, Unknown, Verdict
from schedlang.prover.wait import bound, duration, prove_services, prove_wait


def prove_claim(on: Ground, goal: ir.Goal) -> tuple[Verdict, tuple[Obligation, ...]]:
    """The verdict on a claim that is about no queue, or about one."""
    match goal.property:
        case ir.Property.WAIT:
            return _wait(on, goal)
        case ir.Property.SHARE:
            return _share(on, goal)
        case ir.Property.WORK_CONSERVING:
            ledger = Ledger(on.effort)
            gap = prove_work_conserving(on.policy, ledger)
            return gap or Proved(None, (), (on.policy.serve.span,)), tuple(ledger.obligations)
        case _:
            return Unknown(Reason.NO_RULE, f"`{goal.property}` has no proof rule"), ()


def _wait(on: Ground, goal: ir.Goal) -> tuple[Verdict, tuple[Obligation, ...]]:
    queue, wanted = goal.queues[0], goal.bound
    assert wanted is not None
    assert wanted.range is not None
    counts = [
        c.count for c in goal.conditions if isinstance(c, ir.TasksAtMost) and c.queue == queue
    ]
    name = on.policy.queues[queue].name
    if not counts:
        return Unknown(Reason.NO_RULE, f"a bound needs `when tasks({name}) <= N`"), ()
    ticks = [c.tick_ns for c in goal.conditions if isinstance(c, ir.TickAtMost)]
    here = ground(on.policy, on.rules, on.effort, min(ticks, default=TICK_NS))
    ledger = here.ledger()
    if isinstance(here.facts, Unknown):
        return here.facts, tuple(ledger.obligations)
    services = prove_services(here.arbitration, queue, here.facts, ledger)
    if isinstance(services, Unknown):
        return services, tuple(ledger.obligations)
    tasks = min(counts)
    wait = prove_wait(on.policy, here.arbitration, queue, services, ANY_WEIGHT, ledger, tasks)
    if isinstance(wait, Unknown):
        return wait, tuple(ledger.obligations)
    case = f"{tasks} tasks of any weight, tick {duration(here.tick_ns)}"
    found = bound(on.policy, wait, tasks, case)
    if found.value_ns > wanted.range.lo:
        detail = f"proved is {duration(found.value_ns)} for {case}"
        return Unknown(Reason.INDUCTION_FAILED, detail), tuple(ledger.obligations)
    return Proved(found, assumptions(here, queue), (goal.span,)), tuple(ledger.obligations)


def _share(on: Ground, goal: ir.Goal) -> tuple[Verdict, tuple[Obligation, ...]]:
    """A share guard's deadline follows the clock and moves by the service given, so that the
    service of a window of length T is the guard's share of T, less a constant."""
    queue, wanted = goal.queues[0], goal.bound
    assert wanted is not None
    assert wanted.range is not None
    ledger = on.ledger()
    guards = [g for g in on.arbitration.guards_of(queue) if g.is_share]
    if isinstance(on.facts, Unknown):
        return on.facts, tuple(ledger.obligations)
    if not guards:
        name = on.policy.queues[queue].name
        return Unknown(Reason.NO_RULE, f"only `guard {name} at least` gives a share"), ()
    guard = max(guards, key=lambda g: g.low)
    if guard.low < wanted.range.hi:
        detail = f"its guard gives {guard.low}%"
        return Unknown(Reason.NO_RULE, detail), tuple(ledger.obligations)
    state = free_state(on.arbitration, "")
    draw = free_draw(on.arbitration, "", occupied=queue)
    goals = []
    for turn in turns(on.arbitration, state, draw):
        if turn.queue == queue:
            moved = turn.after.due[guard.index] - state.due[guard.index]
            paced = moved * integer(wanted.range.hi) <= draw.ran * integer(100)
            goals.append(all_of(runs(on.arbitration, turn, draw)).implies(paced))
    gap = ledger.prove("the deadline moves by the service given", draw.known, goals)
    behind = on.facts.delay_ns[guard.index]
    reached = Bound(
        f"service >= {wanted.range.hi}% * (T - {duration(behind)}) in any window T",
        behind,
        "the part of a window that counts for nothing",
    )
    text = "the share is that of long windows in which the queue is never empty on the CPU"
    verdict = gap or Proved(reached, (*assumptions(on, queue), text), (goal.span,))
    return verdict, tuple(ledger.obligations)
