"""Verdicts on whole policies: bounds, claims, and what the machine's other properties rest on."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from schedlang.ir import nodes as ir
from schedlang.prover.claims import prove_claim
from schedlang.prover.conserving import prove_no_lost_task
from schedlang.prover.prove import blocking, prove
from schedlang.prover.rules import DOCUMENTED
from schedlang.prover.solver import Effort, Ledger
from schedlang.prover.starvation import ground
from schedlang.prover.verdict import Finding, Proved, Reason, Unknown, Verdict
from schedlang.prover.wait import prove_services
from tests.prover.build import (
    MS,
    NOWHERE,
    after,
    claim,
    const,
    leaf,
    policy,
    queue,
    share,
    shared,
    strict,
    vruntime,
    weighted,
)
from tests.support.policies import compiled

WEB = """\
policy web
use std.orders.{vruntime}
param quantum : duration = 4ms in 500us..8ms
param floor   : share    = 10% in 5%..20%
queue ui    { global  order vruntime(credit: 10ms, fork: 1ms)  slice 1ms }
queue work  { global  order vruntime(credit: 20ms, fork: 1ms)  slice quantum }
queue batch { global  order fifo  slice 8ms }
route { process ~ "nginx*" -> ui  cgroup under "/batch.slice" -> batch  else -> work }
serve strict { ui  weighted { work: 4  batch: 1 } }
guard work  after 20ms
guard batch at least floor
place { prev  cpu in any }
guarantee { starvation_free  no_lost_task }
"""


def finding(subject: ir.Policy, kind: ir.Property, number: int | None = None) -> Finding:
    findings = prove(subject).findings
    return next(f for f in findings if f.property is kind and f.queue == number)


def bound_ns(subject: ir.Policy, number: int) -> int:
    verdict = finding(subject, ir.Property.STARVATION_FREE, number).verdict
    assert isinstance(verdict, Proved)
    assert verdict.bound is not None
    return verdict.bound.value_ns


def test_every_property_of_every_policy_is_reported() -> None:
    report = prove(compiled(WEB))
    kinds = [(f.property, f.queue) for f in report.findings]
    assert kinds == [
        (ir.Property.STARVATION_FREE, 0),
        (ir.Property.STARVATION_FREE, 1),
        (ir.Property.STARVATION_FREE, 2),
        (ir.Property.NO_LOST_TASK, None),
        (ir.Property.BOUNDED_PREEMPTION, None),
    ]
    assert all(isinstance(f.verdict, Proved) for f in report.findings)
    assert all(f.obligations for f in report.findings)
    assert [f.claimed is not None for f in report.findings] == [True, True, True, True, False]


def test_fifo_waits_for_those_ahead() -> None:
    # Three turns of its own, one of which runs already, each a slice and a tick.
    assert bound_ns(policy([queue("a", 4 * MS)], leaf(0)), 0) == 3 * 8 * MS


def test_a_delay_is_a_promise_of_its_length_and_a_turn_of_each() -> None:
    subject = policy([queue("a"), queue("b")], strict(0, 1), (after(1, 20 * MS),))
    # Before each of four turns the delay, and the turn that runs when it is over; three turns.
    assert bound_ns(subject, 1) == 4 * (20 * MS + 8 * MS) + 3 * 8 * MS


def test_weights_divide_the_time() -> None:
    subject = policy([queue("a"), queue("b")], weighted(0, (0, 3, 1), (1, 1, 3)))
    assert bound_ns(subject, 0) < bound_ns(subject, 1)
    # A lead of a turn, 1 : 3, and a turn of the other; then a third as much again.
    assert bound_ns(subject, 0) == (8 * MS // 3 + 8 * MS + 24 * MS * 4 // 3) + 1


def test_the_tick_that_is_assumed_is_printed() -> None:
    verdict = finding(policy([queue("a")], leaf(0)), ir.Property.STARVATION_FREE, 0).verdict
    assert isinstance(verdict, Proved)
    assert any("4ms until the tick" in text for text in verdict.assumptions)


def test_an_order_that_forgets_is_not_proved() -> None:
    subject = policy([queue("a", order=vruntime(clamps=False))], leaf(0))
    report = prove(subject, Effort(lasso_steps=2))
    assert isinstance(report.findings[0].verdict, Unknown)
    assert report.findings[0] in blocking(report)


def test_a_queue_that_no_cpu_reads_loses_its_tasks() -> None:
    subject = policy([queue("a"), queue("b")], leaf(0))
    gap = prove_no_lost_task(subject, DOCUMENTED, Ledger(Effort()))
    assert gap is not None
    assert "reads the task's queue" in gap.detail


def test_a_wait_that_the_bound_meets() -> None:
    goal = claim(
        ir.Property.WAIT,
        0,
        bound=8 * MS,
        conditions=(ir.TasksAtMost(0, 2, NOWHERE), ir.TickAtMost(4 * MS, NOWHERE)),
    )
    subject = policy([queue("a")], leaf(0), goals=(goal,))
    verdict = finding(subject, ir.Property.WAIT, 0).verdict
    assert isinstance(verdict, Proved)
    assert verdict.bound is not None
    assert verdict.bound.value_ns == 8 * MS


def test_a_tick_that_is_claimed_to_be_shorter() -> None:
    goal = claim(
        ir.Property.WAIT,
        0,
        bound=5 * MS,
        conditions=(ir.TasksAtMost(0, 2, NOWHERE), ir.TickAtMost(MS, NOWHERE)),
    )
    subject = policy([queue("a")], leaf(0), goals=(goal,))
    assert isinstance(finding(subject, ir.Property.WAIT, 0).verdict, Proved)


def proof(subject: ir.Policy, goal: ir.Goal) -> Verdict:
    """Before anyone looks for a run that refutes it."""
    return prove_claim(ground(subject, DOCUMENTED, Effort()), goal)[0]


def test_a_wait_that_the_bound_misses_is_unknown_and_says_what_it_is() -> None:
    goal = claim(ir.Property.WAIT, 0, bound=7 * MS, conditions=(ir.TasksAtMost(0, 2, NOWHERE),))
    verdict = proof(policy([queue("a")], leaf(0)), goal)
    assert isinstance(verdict, Unknown)
    assert "proved is 8ms" in verdict.detail


def test_a_wait_without_a_number_of_tasks_has_no_bound() -> None:
    verdict = proof(policy([queue("a")], leaf(0)), claim(ir.Property.WAIT, 0, bound=15 * MS))
    assert isinstance(verdict, Unknown)
    assert verdict.reason is Reason.NO_RULE


def shares(percent: int, claimed: int) -> Verdict:
    subject = policy([queue("a"), queue("b")], strict(0, 1), (share(1, percent),))
    return proof(subject, share_claim(1, claimed))


def share_claim(number: int, percent: int) -> ir.Goal:
    return ir.Goal(ir.Property.SHARE, (number,), const(percent, ir.Type.SHARE), (), NOWHERE)


def test_a_share_is_what_the_guard_keeps() -> None:
    assert isinstance(shares(10, 10), Proved)
    assert isinstance(shares(10, 11), Unknown)


def test_rounding_costs_a_share_that_does_not_divide() -> None:
    assert isinstance(shares(30, 30), Unknown)
    assert isinstance(shares(30, 25), Proved)


@pytest.mark.parametrize(
    ("tree", "least"),
    [
        (strict(0, 1, 2), 90),
        (strict(shared(3, 1), 2), 67),
        (shared(3, 1, 1), 54),
        (weighted(0, (shared(3, 1, index=1), 1, 1), (2, 1, 1)), 33),
    ],
)
def test_a_share_is_what_the_tree_gives_beside_the_guards(tree: ir.Tree, least: int) -> None:
    """To `a`, while 10% of the time is kept for `c`."""
    for percent, expected in ((least, Proved), (least + 1, Unknown)):
        subject = policy([queue(name) for name in "abc"], tree, (share(2, 10),))
        assert type(proof(subject, share_claim(0, percent))) is expected


# --- trees


def test_weights_below_weights() -> None:
    inner = shared(1, 1, index=1)
    subject = policy([queue(name) for name in "abc"], weighted(0, (inner, 1, 1), (2, 1, 1)))
    # In the inner node: a lead and a turn; in the outer one as much again, a lead and a turn. The
    # turn that runs is one of these. Of a's three turns of 8 ms each costs four.
    assert bound_ns(subject, 0) == (16 + 16 + 8 + 8) * MS + 4 * 24 * MS
    assert bound_ns(subject, 2) == 16 * MS + 2 * 24 * MS


def test_first_below_weights_is_as_good_as_a_queue_after_the_turn_that_runs() -> None:
    queues = [queue(name) for name in "abc"]
    alone = policy(queues[:2], shared(1, 1))
    first = policy(queues, weighted(0, (strict(0, 2), 1, 1), (1, 1, 1)))
    assert bound_ns(first, 0) == 8 * MS + bound_ns(alone, 0)


def tree_gap(tree: ir.Tree, guards: Sequence[ir.Guard], number: int) -> str:
    on = ground(policy([queue(name) for name in "abc"], tree, guards), DOCUMENTED, Effort())
    assert not isinstance(on.facts, Unknown)
    gap = prove_services(on.arbitration, number, on.facts, on.ledger())
    assert isinstance(gap, Unknown)
    return gap.detail


def test_a_queue_that_the_tree_need_not_come_to() -> None:
    second = weighted(0, (strict(0, 2), 1, 1), (1, 1, 1))
    assert "below another queue in a `strict`" in tree_gap(second, (), 2)
    beside = weighted(0, (shared(1, 1, index=1), 1, 1), (2, 1, 1))
    assert "the guard on `b` takes from the share" in tree_gap(beside, (share(1, 10),), 0)


# --- fairness


def fair(
    tree: ir.Tree, *queues: int, within_ms: int | None, guards: Sequence[ir.Guard] = ()
) -> Proved | Unknown:
    goal = claim(ir.Property.FAIR, *queues, bound=None if within_ms is None else within_ms * MS)
    verdict = proof(policy([queue(name) for name in "abc"], tree, guards), goal)
    assert isinstance(verdict, Proved | Unknown)
    return verdict


def test_queues_part_by_a_turn_of_each() -> None:
    level = shared(1, 1, 1)
    assert isinstance(fair(level, 0, 1, within_ms=16), Proved)
    assert isinstance(fair(level, 0, 1, 2, within_ms=None), Proved)
    missed = fair(level, 0, 1, within_ms=15)
    assert isinstance(missed, Unknown)
    assert missed.detail == "proved is 16ms"


def test_a_turn_of_a_heavy_queue_counts_less() -> None:
    assert isinstance(fair(shared(4, 1, 2), 0, 1, within_ms=10), Proved)
    assert isinstance(fair(shared(4, 1, 2), 0, 1, within_ms=9), Unknown)
    # Without the lightest the lighter of the two counts 1.
    assert isinstance(fair(shared(4, 1, 2), 0, 2, within_ms=12), Proved)
    assert isinstance(fair(shared(4, 1, 2), 0, 2, within_ms=11), Unknown)


def test_guards_matter_to_those_that_they_serve() -> None:
    guards = (share(2, 30),)
    assert isinstance(fair(shared(1, 1, 1), 0, 1, within_ms=16, guards=guards), Proved)
    gap = fair(shared(1, 1, 1), 0, 2, within_ms=16, guards=guards)
    assert isinstance(gap, Unknown)
    assert "the guard on `c` serves it beside its weight" in gap.detail


def test_fairness_is_between_children_of_one_node() -> None:
    gap = fair(strict(0, 1, 2), 0, 1, within_ms=None)
    assert isinstance(gap, Unknown)
    assert gap.reason is Reason.NO_RULE
    gap = fair(weighted(0, (shared(1, 1, index=1), 1, 1), (2, 1, 1)), 0, 2, within_ms=None)
    assert isinstance(gap, Unknown)
    assert "shares its part" in gap.detail
    foremost = weighted(0, (strict(0, 1), 1, 1), (2, 1, 1))
    assert isinstance(fair(foremost, 0, 2, within_ms=16), Proved)


def fair_tasks(*conditions: ir.Condition) -> Proved | Unknown:
    goal = claim(ir.Property.FAIR, 0, conditions=conditions)
    verdict = proof(policy([queue("a", order=vruntime())], leaf(0)), goal)
    assert isinstance(verdict, Proved | Unknown)
    return verdict


def test_tasks_of_a_queue_are_treated_alike_on_one_cpu() -> None:
    assert isinstance(fair_tasks(ir.CpusAtMost(1, NOWHERE)), Proved)
    for conditions in ((), (ir.CpusAtMost(2, NOWHERE),)):
        gap = fair_tasks(*conditions)
        assert isinstance(gap, Unknown)
        assert "cpus <= 1" in gap.detail


# --- work conservation


def test_no_cpu_is_idle_beside_work() -> None:
    goal = claim(ir.Property.WORK_CONSERVING)
    subject = policy([queue("a"), queue("b")], strict(0, 1), (after(1, MS),), goals=(goal,))
    assert isinstance(finding(subject, ir.Property.WORK_CONSERVING).verdict, Proved)


# --- conditions


def test_a_claim_is_proved_for_its_tick() -> None:
    goal = claim(ir.Property.STARVATION_FREE, conditions=(ir.TickAtMost(MS, NOWHERE),))
    verdict = finding(policy([queue("a")], leaf(0), goals=(goal,)), goal.property, 0).verdict
    assert isinstance(verdict, Proved)
    assert any("1ms until the tick" in text for text in verdict.assumptions)
    assert verdict.bound is not None
    assert verdict.bound.value_ns == 3 * 5 * MS


def test_of_two_claims_the_one_that_assumes_less_is_proved() -> None:
    goals = (
        claim(ir.Property.STARVATION_FREE, conditions=(ir.TickAtMost(MS, NOWHERE),)),
        claim(ir.Property.STARVATION_FREE),
    )
    assert bound_ns(policy([queue("a")], leaf(0), goals=goals), 0) == 3 * 8 * MS
