"""Verdicts on whole policies: bounds, claims, and what the machine's other properties rest on."""

from __future__ import annotations

from schedlang.ir import nodes as ir
from schedlang.prover.prove import blocking, prove
from schedlang.prover.reachability import prove_no_lost_task
from schedlang.prover.solver import Effort, Ledger
from schedlang.prover.verdict import Finding, Proved, Reason, Unknown
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
    # The turn that runs, and three of its own, each a slice and a tick.
    assert bound_ns(policy([queue("a", 4 * MS)], leaf(0)), 0) == 4 * 8 * MS


def test_a_delay_is_a_promise_of_its_length_and_a_turn_of_each() -> None:
    subject = policy([queue("a"), queue("b")], strict(0, 1), (after(1, 20 * MS),))
    # Four turns of its own; before each the delay, and the turn that runs when it is over.
    assert bound_ns(subject, 1) == 4 * (20 * MS + 8 * MS) + 4 * 8 * MS


def test_weights_divide_the_time() -> None:
    subject = policy([queue("a"), queue("b")], weighted(0, (0, 3, 1), (1, 1, 3)))
    assert bound_ns(subject, 0) < bound_ns(subject, 1)
    # Running turn, a turn's lead of 1 : 3, a turn of the other; then a third as much again.
    assert bound_ns(subject, 0) == (8 * MS + 8 * MS // 3 + 8 * MS + 24 * MS * 4 // 3) + 1


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
    gap = prove_no_lost_task(subject, Ledger(Effort()))
    assert gap is not None
    assert "reads the task's queue" in gap.detail


def test_a_wait_that_the_bound_meets() -> None:
    goal = claim(
        ir.Property.WAIT,
        0,
        bound=16 * MS,
        conditions=(ir.TasksAtMost(0, 2, NOWHERE), ir.TickAtMost(4 * MS, NOWHERE)),
    )
    subject = policy([queue("a")], leaf(0), goals=(goal,))
    verdict = finding(subject, ir.Property.WAIT, 0).verdict
    assert isinstance(verdict, Proved)
    assert verdict.bound is not None
    assert verdict.bound.value_ns == 16 * MS


def test_a_tick_that_is_claimed_to_be_shorter() -> None:
    goal = claim(
        ir.Property.WAIT,
        0,
        bound=10 * MS,
        conditions=(ir.TasksAtMost(0, 2, NOWHERE), ir.TickAtMost(MS, NOWHERE)),
    )
    subject = policy([queue("a")], leaf(0), goals=(goal,))
    assert isinstance(finding(subject, ir.Property.WAIT, 0).verdict, Proved)


def test_a_wait_that_the_bound_misses_is_unknown_and_says_what_it_is() -> None:
    goal = claim(ir.Property.WAIT, 0, bound=15 * MS, conditions=(ir.TasksAtMost(0, 2, NOWHERE),))
    verdict = finding(policy([queue("a")], leaf(0), goals=(goal,)), ir.Property.WAIT, 0).verdict
    assert isinstance(verdict, Unknown)
    assert "16ms" in verdict.detail


def test_a_wait_without_a_number_of_tasks_has_no_bound() -> None:
    goal = claim(ir.Property.WAIT, 0, bound=15 * MS)
    verdict = finding(policy([queue("a")], leaf(0), goals=(goal,)), ir.Property.WAIT, 0).verdict
    assert isinstance(verdict, Unknown)
    assert verdict.reason is Reason.NO_RULE


def shares(percent: int, claimed: int) -> Finding:
    goal = ir.Goal(ir.Property.SHARE, (1,), const(claimed, ir.Type.SHARE), (), NOWHERE)
    subject = policy([queue("a"), queue("b")], strict(0, 1), (share(1, percent),), goals=(goal,))
    return finding(subject, ir.Property.SHARE, 1)


def test_a_share_is_what_the_guard_keeps() -> None:
    assert isinstance(shares(10, 10).verdict, Proved)
    assert isinstance(shares(10, 11).verdict, Unknown)


def test_rounding_costs_a_share_that_does_not_divide() -> None:
    assert isinstance(shares(30, 30).verdict, Unknown)
    assert isinstance(shares(30, 25).verdict, Proved)


def test_work_conservation_is_not_proved_of_this_machine() -> None:
    goal = claim(ir.Property.WORK_CONSERVING)
    subject = policy([queue("a")], leaf(0), goals=(goal,))
    verdict = finding(subject, ir.Property.WORK_CONSERVING).verdict
    assert isinstance(verdict, Unknown)
    assert "may take another" in verdict.detail


def test_fairness_has_no_rule_yet() -> None:
    goal = claim(ir.Property.FAIR, 0, 1)
    subject = policy([queue("a"), queue("b")], weighted(0, (0, 1, 1), (1, 1, 1)), goals=(goal,))
    verdict = finding(subject, ir.Property.FAIR).verdict
    assert isinstance(verdict, Unknown)
    assert verdict.reason is Reason.NO_RULE
