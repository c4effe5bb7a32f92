"""`no_lost_task` and `bounded_preemption`, for any number of CPUs and tasks and any affinities.

A CPU is idle, or awake: it runs a turn, or was woken and will choose. Queues are the numbers of the
policy's queues; which of them a CPU reads is generated from its tree.
"""

from __future__ import annotations

from schedlang.ir import nodes as ir
from schedlang.ir.walk import leaves
from schedlang.prover.solver import Ledger
from schedlang.prover.terms import (
    Sort,
    Term,
    any_of,
    between,
    greatest,
    integer,
    least,
    variable,
)
from schedlang.prover.verdict import Unknown

_SORTS = """\
(declare-sort Cpu 0)
(declare-sort Task 0)
(declare-fun allowed (Task Cpu) Bool)
(declare-fun routed (Task) Int)
(declare-fun some-cpu (Task) Cpu)
(define-fun reads ((c Cpu) (q Int)) Bool {reads})
(declare-fun queued (Task) Bool)
(declare-fun awake (Cpu) Bool)
(declare-fun queued-after (Task) Bool)
(declare-fun awake-after (Cpu) Bool)
(declare-fun watcher (Task) Cpu)
(declare-const task Task)
(declare-const cpu Cpu)"""

_HAS_CPU = "(forall ((t Task)) (allowed t (some-cpu t)))"
_ROUTED = "(forall ((t Task)) {routed})"
_WATCHED = "(forall ((t Task)) (=> (queued t) (and (allowed t (watcher t)) (awake (watcher t)))))"
_WATCHED_AFTER = (
    "(forall ((t Task))"
    " (=> (queued-after t) (exists ((c Cpu)) (and (allowed t c) (awake-after c)))))"
)
_SAME_QUEUED = "(forall ((t Task)) (= (queued-after t) (queued t)))"
_ARRIVES = "(forall ((t Task)) (= (queued-after t) (or (queued t) (= t task))))"
_WAKES_ONE = (
    "(and (=> (exists ((c Cpu)) (and (allowed task c) (not (awake c)))) (allowed task cpu))"
    " (forall ((c Cpu)) (= (awake-after c) (or (awake c) (and (= c cpu) (allowed task cpu))))))"
)
_FINDS_NOTHING = (
    "(and (awake cpu) (forall ((t Task))"
    " (=> (and (queued t) (allowed t cpu)) (not (reads cpu (routed t))))))"
)
_SLEEPS = "(forall ((c Cpu)) (= (awake-after c) (and (awake c) (not (= c cpu)))))"
_TAKES = (
    "(and (awake cpu) (queued task) (allowed task cpu) (reads cpu (routed task))"
    " (forall ((t Task)) (= (queued-after t) (and (queued t) (not (= t task)))))"
    " (forall ((c Cpu)) (= (awake-after c) (awake c))))"
)


def fact(text: str) -> Term:
    return Term(text, Sort.BOOL)


def preamble(policy: ir.Policy) -> str:
    """CPUs, tasks and what is asked of them; `reads` says which queues a CPU chooses from."""
    read = [variable("q").equals(integer(leaf.queue)) for leaf in leaves(policy.serve)]
    return _SORTS.format(reads=any_of(read).text)


def every_task(policy: ir.Policy) -> tuple[Term, Term]:
    """Every task may run somewhere, and its queue is one that the route leads to."""
    targets = sorted({policy.route.otherwise, *(rule.queue for rule in policy.route.rules)})
    to = any_of(Term(f"(= (routed t) {queue})", Sort.BOOL) for queue in targets)
    return fact(_HAS_CPU), fact(_ROUTED.format(routed=to.text))


def prove_no_lost_task(policy: ir.Policy, ledger: Ledger) -> Unknown | None:
    """Every queued task has a CPU in its affinity that is awake and reads its queue."""
    sorts, tasks = preamble(policy), every_task(policy)
    reads = "(reads (some-cpu task) (routed task))"
    gap = ledger.prove(
        "a CPU of every affinity reads the task's queue", tasks, [fact(reads)], preamble=sorts
    )
    events = {
        "an arrival": (_ARRIVES, _WAKES_ONE),
        "a CPU that finds nothing": (_FINDS_NOTHING, _SLEEPS, _SAME_QUEUED),
        "a CPU that takes a task": (_TAKES,),
    }
    for name, event in events.items():
        hypotheses = (*tasks, fact(_WATCHED), *(fact(text) for text in event))
        gap = gap or ledger.prove(
            f"{name} leaves every queued task a CPU that is awake",
            hypotheses,
            [fact(_WATCHED_AFTER)],
            preamble=sorts,
        )
    return gap


def prove_bounded_preemption(policy: ir.Policy, tick_ns: int, ledger: Ledger) -> Unknown | None:
    """A turn that ends has lasted as long as its slice, as the task needed, or as long as the rules
    of `preempt` leave it: the least duration of those over its queue."""
    allowed, need, late, ran = (variable(n) for n in ("allowed", "need", "late", "ran"))
    hypotheses = (
        between(1, allowed, ir.MAX_SLICE_NS),
        need >= integer(1),
        between(0, late, tick_ns),
        ran.equals(least(need, allowed + late)),
    )
    goals = [ran >= least(need, allowed), ran <= allowed + integer(tick_ns)]
    text = "only what it is allowed or the task itself ends a turn"
    gap = ledger.prove(text, hypotheses, goals)
    for rule in policy.preemptions:
        gap = gap or _prove_floor(policy, rule, ledger)
    return gap


def floor_ns(policy: ir.Policy, queue: int) -> int | None:
    """What every turn of the queue is left if it needs it; None: no rule cuts it short."""
    floors = (r.after.range.lo for r in policy.preemptions if r.over == queue and r.after.range)
    return min(floors, default=None)


def _prove_floor(policy: ir.Policy, rule: ir.Preempt, ledger: Ledger) -> Unknown | None:
    """However often turns are cut short, at their start or later, they keep what they are left."""
    slice_ns, before, delay, ran, after = (
        variable(n) for n in ("slice", "before", "delay", "ran", "after")
    )
    left, bounds = floor_ns(policy, rule.over), rule.after.range
    assert left is not None
    assert bounds is not None
    floor = least(slice_ns, integer(left))
    hypotheses = (
        between(1, slice_ns, ir.MAX_SLICE_NS),
        between(bounds.lo, delay, bounds.hi),
        ran >= integer(0),
        before >= floor,
        after.equals(least(before, greatest(delay, ran))),
    )
    by, over = (policy.queues[queue].name for queue in (rule.by, rule.over))
    goal = [after >= floor]
    return ledger.prove(f"`{by}` leaves each turn of `{over}` its time", hypotheses, goal)
