"""Runs that starve a queue: found, replayed by the interpreter, and mended."""

from __future__ import annotations

import pytest

from schedlang.ir import nodes as ir
from schedlang.machine.replay import Replay, replay
from schedlang.prover.prove import blocking, prove
from schedlang.prover.solver import Effort
from schedlang.prover.verdict import Proved, Refuted, Unknown, Verdict
from tests.prover.build import (
    MS,
    V,
    after,
    leaf,
    policy,
    queue,
    share,
    strict,
    vruntime,
    weighted,
)
from tests.support.policies import compiled

STRICT = """\
policy two
param quantum : duration = 4ms in 1ms..8ms
queue hi { global  order fifo  slice quantum }
queue lo { global  order fifo  slice 4ms }
route { comm ~ "rt*" or nice < -5 -> hi  else -> lo }
serve strict { hi  lo }
"""


def verdict(subject: ir.Policy, number: int) -> Verdict:
    report = prove(subject)
    return next(f.verdict for f in report.findings if f.queue == number)


def assert_starves(subject: ir.Policy, number: int) -> Refuted:
    found = verdict(subject, number)
    assert isinstance(found, Refuted)
    assert found.run.queue == number
    assert isinstance(replay(subject, found.run, 64), Replay)
    return found


def test_a_queue_below_a_strict_head_starves() -> None:
    subject = compiled(STRICT)
    found = assert_starves(subject, 1)
    assert found.why == "`rt` keeps the CPU, and a task in `lo` waits for ever"
    assert isinstance(verdict(subject, 0), Proved)


def test_the_repair_proves_when_it_is_typed_in() -> None:
    found = assert_starves(compiled(STRICT), 1)
    assert found.repair is not None
    (edit,) = found.repair.edits
    mended = STRICT[: edit.span.start] + edit.text + STRICT[edit.span.end :]
    assert isinstance(verdict(compiled(mended), 1), Proved)
    assert "guard lo at least 5%" in mended


def test_no_share_is_left_so_the_repair_is_a_delay() -> None:
    guards = (share(1, 96),)
    subject = policy([queue("a"), queue("b"), queue("c")], strict(0, 1, 2), guards)
    repair = assert_starves(subject, 2).repair
    assert repair is not None
    assert repair.text == "add `guard c after 1s`"


def test_two_short_delays_starve_the_tree() -> None:
    guards = (after(1, 1000), after(2, 1000))
    subject = policy([queue("v"), queue("a"), queue("b")], strict(0, 1, 2), guards)
    assert_starves(subject, 0)


def test_the_lower_child_inside_a_weighted_node_starves() -> None:
    tree = weighted(0, (strict(0, 1), 4, 1), (2, 2, 2))
    assert_starves(policy([queue("a"), queue("b"), queue("c")], tree), 1)


@pytest.mark.parametrize("placement", [(), (ir.Rung.PREV,), (ir.Rung.CPU_ANY,)])
def test_placement_does_not_matter(placement: tuple[ir.Rung, ...]) -> None:
    subject = policy([queue("a"), queue("b")], strict(0, 1), placement=placement)
    assert_starves(subject, 1)


def test_a_queue_whose_turns_are_not_charged_starves_its_own_tasks() -> None:
    assert_starves(policy([queue("a", order=vruntime(charges=False))], leaf(0)), 0)


def test_a_queue_that_a_guard_serves_can_still_starve_inside() -> None:
    order = vruntime(charges=False, key=V)
    subject = policy([queue("a"), queue("b", order=order)], strict(0, 1), (share(1, 10),))
    found = verdict(subject, 1)
    assert isinstance(found, Refuted | Unknown)
    assert not isinstance(verdict(subject, 1), Proved)


def test_without_a_run_there_is_no_refutation() -> None:
    tree = weighted(0, (weighted(1, (0, 1, 1), (1, 1, 1)), 1, 1), (2, 1, 1))
    subject = policy([queue("a"), queue("b"), queue("c")], tree)
    found = prove(subject, Effort(lasso_steps=3)).findings[0].verdict
    assert isinstance(found, Unknown)
    assert "two `weighted`" in found.detail


def test_accepted_starvation_is_shown_and_does_not_block() -> None:
    subject = compiled(STRICT + 'accept starvation of lo because "idle work"\n')
    report = prove(subject)
    finding = next(f for f in report.findings if f.queue == 1)
    assert finding.accepted == "idle work"
    assert isinstance(finding.verdict, Refuted)
    assert blocking(report) == ()


def test_starvation_blocks() -> None:
    report = prove(compiled(STRICT))
    assert [f.queue for f in blocking(report)] == [1]


def test_the_run_is_for_params_that_the_policy_allows() -> None:
    subject = compiled(STRICT)
    run = assert_starves(subject, 1).run
    assert all(p.lo <= v <= p.hi for p, v in zip(subject.params, run.params, strict=True))


def test_delays_that_leave_time_to_the_tree_are_proved() -> None:
    guards = (after(1, 100 * MS), after(2, 100 * MS))
    subject = policy([queue("v"), queue("a"), queue("b")], strict(0, 1, 2), guards)
    assert isinstance(verdict(subject, 0), Proved)
