"""Runs that starve a queue: found, replayed by the interpreter, and mended."""

from __future__ import annotations

from random import Random

import pytest

from schedlang.diagnostics.model import Repair
from schedlang.ir import nodes as ir
from schedlang.machine.replay import Replay, replay
from schedlang.machine.scenario import Delay, Lasso, Shortfall
from schedlang.prover.prove import blocking, prove
from schedlang.prover.verdict import Finding, Proved, Refuted, Unknown, Verdict
from schedlang.resources import data_root
from tests.prover.build import (
    CPU_IN_ANY,
    MS,
    PREV,
    V,
    after,
    leaf,
    policy,
    queue,
    random_policy,
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


@pytest.mark.parametrize("placement", [(), (PREV,), (CPU_IN_ANY,)])
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
    guards = (after(1, 10 * MS), after(2, 1 * MS))
    queues = [queue("a", 1 * MS), queue("b", 1 * MS), queue("c", 4 * MS)]
    subject = policy(queues, strict(0, weighted(0, (2, 1, 1), (1, 1, 1))), guards)
    found = verdict(subject, 0)
    assert isinstance(found, Unknown)
    assert "no run that starves it was found in 16000 turns played" in found.detail


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


# --- other claims

CLAIMS = """\
policy claims
param quantum : duration = 4ms in 1ms..8ms
queue quick {{ global  order fifo  slice 1ms }}
queue batch {{ global  order fifo  slice quantum }}
route {{ nice < 0 -> quick  else -> batch }}
serve strict {{ quick  batch }}
guard batch at least 10%
guarantee {{ {claim} }}
"""


def claimed(claim: str) -> tuple[str, Finding]:
    text = CLAIMS.format(claim=claim)
    return text, prove(compiled(text)).findings[-1]


def typed_in(text: str, repair: Repair | None) -> str:
    """The policy with the repair, as its author would type it in."""
    assert repair is not None
    for edit in sorted(repair.edits, key=lambda edit: -edit.span.start):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text


@pytest.mark.parametrize(
    "claim",
    [
        "wait(quick) <= 10ms when tasks(quick) <= 4",
        "wait(quick) <= 9ms when tasks(quick) <= 4 and tick <= 1ms and unrestricted",
        "wait(quick) <= quantum when tasks(quick) <= 3",
        "wait(batch) <= 100ms when tasks(batch) <= 2",
        "wait(batch) <= 50ms when tasks(batch) <= 1",
        "share(batch) >= 20% when backlogged(batch)",
    ],
)
def test_a_claim_that_is_too_strong_is_refuted_and_mended(claim: str) -> None:
    text, finding = claimed(claim)
    assert isinstance(finding.verdict, Refuted), finding.verdict
    assert isinstance(replay(compiled(text), finding.verdict.run, 64), Replay)
    mended = compiled(typed_in(text, finding.verdict.repair))
    assert isinstance(prove(mended).findings[-1].verdict, Proved)


def test_a_late_run_keeps_to_the_conditions_of_its_claim() -> None:
    text, finding = claimed("wait(quick) <= 12ms when tasks(quick) <= 3 and tick <= 2ms")
    assert isinstance(finding.verdict, Refuted)
    run = finding.verdict.run
    assert isinstance(run, Delay)
    assert run.tick_ns == 2 * MS
    assert sum(task.nice < 0 for task in run.tasks) <= 3
    found = replay(compiled(text), run, 1)
    assert isinstance(found, Replay)
    assert found.end_ns - found.victim_since_ns > 12 * MS


def test_a_claim_that_bounds_no_number_of_tasks_is_refuted_by_many() -> None:
    _, finding = claimed("wait(quick) <= 100ms")
    assert isinstance(finding.verdict, Refuted)


def test_a_claim_that_may_hold_is_not_refuted() -> None:
    _, finding = claimed("wait(quick) <= 28ms when tasks(quick) <= 4")
    assert isinstance(finding.verdict, Unknown)
    assert "no longer wait was found in 24000 turns played" in finding.verdict.detail


def test_a_shortfall_says_what_the_queue_gets() -> None:
    text, finding = claimed("share(batch) >= 20% when backlogged(batch)")
    assert isinstance(finding.verdict, Refuted)
    assert isinstance(finding.verdict.run, Shortfall)
    found = replay(compiled(text), finding.verdict.run, 64)
    assert isinstance(found, Replay)
    assert found.served_ns is not None
    assert found.period_ns is not None
    assert found.served_ns * 100 < 20 * found.period_ns


# --- the examples that are wrong on purpose

WRONG = {
    "delay_is_no_bound": (ir.Property.WAIT, Delay, "replace `20ms` by `68ms`"),
    "guards_take_all": (ir.Property.STARVATION_FREE, Lasso, "add `guard main at least 5%`"),
    "more_than_guarded": (ir.Property.SHARE, Shortfall, "replace `guard batch at least 10%` by"),
    "put_back_at_every_wake": (ir.Property.STARVATION_FREE, Lasso, None),
    "short_slice_is_no_priority": (ir.Property.WAIT, Delay, "replace `10ms` by"),
}


@pytest.mark.parametrize("name", WRONG)
def test_an_instructive_claim_is_refuted(name: str) -> None:
    text = (data_root("examples") / "refuted" / f"{name}.sched").read_text()
    kind, shape, help_ = WRONG[name]
    subject = compiled(text)
    refuted = [f for f in prove(subject).findings if isinstance(f.verdict, Refuted)]
    assert [f.property for f in refuted] == [kind]
    found = refuted[0].verdict
    assert isinstance(found, Refuted)
    assert isinstance(found.run, shape)
    assert isinstance(replay(subject, found.run, 64), Replay)
    if help_ is None:
        assert found.repair is None
    else:
        mended = compiled(typed_in(text, found.repair))
        assert found.repair is not None
        assert found.repair.text.startswith(help_)
        assert all(isinstance(f.verdict, Proved) for f in prove(mended).findings)


def test_every_instructive_claim_is_tested() -> None:
    paths = (data_root("examples") / "refuted").glob("*.sched")
    assert {path.stem for path in paths} == set(WRONG)


# --- how much is decided


def test_few_random_policies_stay_undecided() -> None:
    """A sample; what is left is guards that take most of the CPU without ever taking all of it."""
    verdicts = [
        finding.verdict
        for seed in range(12)
        for finding in prove(random_policy(Random(seed))).findings
        if finding.property is ir.Property.STARVATION_FREE
    ]
    unknown = [verdict for verdict in verdicts if isinstance(verdict, Unknown)]
    assert len(unknown) * 10 <= len(verdicts), unknown
