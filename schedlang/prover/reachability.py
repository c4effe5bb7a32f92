"""`no_lost_task` and `bounded_preemption`, for any number of CPUs and tasks and any affinities.

A CPU is idle, or awake: it runs a turn, or was woken and will choose. Queues are the numbers of the
policy's queues; which of them a CPU reads is generated from its tree. An instance belongs to any
set of CPUs that contains the home of the tasks in it, so that the proofs are for any topology.
"""

from __future__ import annotations

from collections.abc import Iterable

from schedlang.ir import nodes as ir
from schedlang.ir.walk import leaves
from schedlang.prover.solver import Ledger
from schedlang.prover.terms import (
    FALSE,
    Sort,
    Term,
    all_of,
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
(declare-fun home (Task) Cpu)
(declare-fun here (Task Cpu) Bool)
(declare-fun near (Task Cpu) Bool)
(define-fun reads ((c Cpu) (q Int)) Bool {reads})
(define-fun sees ((t Task) (c Cpu)) Bool
  (and (allowed t c) (reads c (routed t)) (here t c)))
(define-fun fits ((t Task) (c Cpu)) Bool
  (and (allowed t c) (reads c (routed t)) (or (here t c) {stolen})))
(declare-fun queued (Task) Bool)
(declare-fun awake (Cpu) Bool)
(declare-fun queued-after (Task) Bool)
(declare-fun awake-after (Cpu) Bool)
(declare-fun watcher (Task) Cpu)
(declare-const task Task)
(declare-const cpu Cpu)"""

_HAS_HOME = "(forall ((t Task)) (and (allowed t (home t)) (here t (home t))))"
_ROUTED = "(forall ((t Task)) {routed})"
_UNDIVIDED = "(forall ((t Task) (c Cpu)) (=> {undivided} (here t c)))"
_WATCHED = "(forall ((t Task)) (=> (queued t) (and (sees t (watcher t)) (awake (watcher t)))))"
_WATCHED_AFTER = (
    "(forall ((t Task)) (=> (queued-after t) (exists ((c Cpu)) (and (sees t c) (awake-after c)))))"
)
_SAME_QUEUED = "(forall ((t Task)) (= (queued-after t) (queued t)))"
_ARRIVES = "(forall ((t Task)) (= (queued-after t) (or (queued t) (= t task))))"
_WAKES_ONE = (
    "(and (=> (exists ((c Cpu)) (and (fits task c) (not (awake c)))) (fits task cpu))"
    " (forall ((c Cpu)) (= (awake-after c) (or (awake c) (and (= c cpu) (fits task cpu))))))"
)
_FINDS_NOTHING = "(and (awake cpu) (forall ((t Task)) (=> (queued t) (not (fits t cpu)))))"
_SLEEPS = "(forall ((c Cpu)) (= (awake-after c) (and (awake c) (not (= c cpu)))))"
_TAKES = (
    "(and (awake cpu) (queued task) (fits task cpu)"
    " (forall ((t Task)) (= (queued-after t) (and (queued t) (not (= t task)))))"
    " (forall ((c Cpu)) (= (awake-after c) (awake c))))"
)


def fact(text: str) -> Term:
    return Term(text, Sort.BOOL)


def preamble(policy: ir.Policy) -> str:
    """CPUs, tasks and what is asked of them: `reads` says which queues a CPU chooses from, `here`
    whether the instance in which the task waits is the CPU's own, `sees` whether it chooses from
    the task, and `fits` whether it may take the task, or steal it.
    """
    trees = [frozenset(leaf.queue for leaf in leaves(s.tree)) for s in policy.serves]
    # INVARIANT: every tree names every queue; what one left out, no CPU would be sure to read.
    in_all = sorted(frozenset.intersection(*trees))
    read = any_of(variable("q").equals(integer(queue)) for queue in in_all)
    anyone, neighbours = (_in(_stolen(policy, reach)) for reach in (ir.Steal.ANY, ir.Steal.NODE))
    stolen = any_of((anyone, all_of((neighbours, fact("(near t c)")))))
    return _SORTS.format(reads=read.text, stolen=stolen.text)


def _stolen(policy: ir.Policy, reach: ir.Steal) -> Iterable[int]:
    return (number for number, queue in enumerate(policy.queues) if queue.steal is reach)


def _in(queues: Iterable[int]) -> Term:
    """Task `t` is routed to one of the queues."""
    return any_of(fact(f"(= (routed t) {queue})") for queue in queues)


def every_task(policy: ir.Policy) -> tuple[Term, ...]:
    """Every task has a home where it may run, and waits in the instance that is there, of a queue
    that the route leads to."""
    targets = sorted({policy.route.otherwise, *(rule.queue for rule in policy.route.rules)})
    undivided = _in(n for n, queue in enumerate(policy.queues) if queue.scope is ir.Scope.GLOBAL)
    facts = [fact(_HAS_HOME), fact(_ROUTED.format(routed=_in(targets).text))]
    if undivided != FALSE:
        facts.append(fact(_UNDIVIDED.format(undivided=undivided.text)))
    return tuple(facts)


def prove_home(policy: ir.Policy, ledger: Ledger) -> Unknown | None:
    """However small a task's affinity, and whatever the topology."""
    says = "a CPU of every affinity reads the task's queue, where it waits"
    goal = fact("(sees task (home task))")
    return ledger.prove(says, every_task(policy), [goal], preamble=preamble(policy))


def prove_watched(policy: ir.Policy, ledger: Ledger) -> Unknown | None:
    """At any time every queued task has a CPU that is awake and sees it. Of a policy that steals
    that is so when the CPUs that were woken have chosen (`conserving`)."""
    sorts, tasks = preamble(policy), every_task(policy)
    gap = prove_home(policy, ledger)
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
