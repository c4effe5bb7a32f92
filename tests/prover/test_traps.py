"""Ways to get a scheduler wrong: the broken form is refuted or refused, the mended one is proved.

`traps/` holds them as policies where the language can say them. What only the machine could get
wrong is shown by a machine that does.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from schedlang.ir import nodes as ir
from schedlang.machine.machine import Machine
from schedlang.machine.replay import Mismatch, Replay, replay
from schedlang.machine.scenario import Lasso, TaskSpec, Turn, Wake
from schedlang.prover.conserving import prove_work_conserving
from schedlang.prover.prove import prove
from schedlang.prover.rules import DOCUMENTED
from schedlang.prover.solver import DEFAULT_EFFORT, Effort, Ledger
from schedlang.prover.terms import boolean
from schedlang.prover.verdict import Proved, Refuted, Unknown, Verdict
from schedlang.semantics.lower import lower
from schedlang.source import Source
from schedlang.syntax.parse import parse
from schedlang.topology import Topology
from tests.prover.build import MS, after, policy, queue, share, strict, weighted
from tests.support.policies import compiled

TRAPS = Path(__file__).parent / "traps"
WATCHDOG_NS = 30 * 10**9

REFUTED = {
    "fallback_last": "fallback",
    "favourites": "tasks",
    "guards_take_all": "main",
    "short_bursts_first": "shared",
    "yielder": "tasks",
}
REFUSED = {"fork_storm": "E0214", "free_turns": "E0217", "long_sleeper": "E0215"}


def trap(name: str, form: str) -> str:
    return (TRAPS / f"{name}.{form}.sched").read_text()


def starvation(subject: ir.Policy) -> dict[str, Verdict]:
    return {
        subject.queues[finding.queue].name: finding.verdict
        for finding in prove(subject).findings
        if finding.property is ir.Property.STARVATION_FREE and finding.queue is not None
    }


@pytest.mark.parametrize(("name", "victim"), REFUTED.items())
def test_the_broken_form_starves(name: str, victim: str) -> None:
    subject = compiled(trap(name, "broken"))
    verdict = starvation(subject)[victim]
    assert isinstance(verdict, Refuted)
    assert isinstance(replay(subject, verdict.run, 64), Replay)


@pytest.mark.parametrize(("name", "code"), REFUSED.items())
def test_the_broken_form_is_no_policy(name: str, code: str) -> None:
    source = Source("trap.sched", trap(name, "broken"))
    tree, _ = parse(source)
    assert tree is not None
    assert code in {finding.code for finding in lower(tree, source).findings}


@pytest.mark.parametrize("name", [*REFUTED, *REFUSED])
def test_the_mended_form_is_proved(name: str) -> None:
    verdicts = starvation(compiled(trap(name, "mended")))
    assert all(isinstance(verdict, Proved) for verdict in verdicts.values())


def test_a_share_serves_short_turns_where_a_delay_counts_them() -> None:
    bounds = {}
    for form in ("broken", "mended"):
        verdict = starvation(compiled(trap("turns_not_time", form)))["fair"]
        assert isinstance(verdict, Proved)
        assert verdict.bound is not None
        bounds[form] = verdict.bound.value_ns
    assert bounds["mended"] < WATCHDOG_NS < bounds["broken"]


def test_every_trap_is_tested() -> None:
    names = {path.name.split(".")[0] for path in TRAPS.glob("*.sched")}
    assert names == {*REFUTED, *REFUSED, "turns_not_time"}


# --- what only the machine can get wrong


def test_guards_in_the_order_of_the_text_would_starve_the_last() -> None:
    subject = policy(
        [queue("a"), queue("b"), queue("c")],
        strict(0, 1, 2),
        (after(0, 2 * MS), after(1, 2 * MS), after(2, 20 * MS)),
    )
    by_text = replace(DOCUMENTED, precedes=lambda _d, i, _e, j: boolean(i < j))
    assert isinstance(starvation(subject)["c"], Proved)
    findings = prove(subject, Effort(lasso_steps=2), by_text).findings
    assert isinstance(findings[2].verdict, Unknown)


def test_debts_that_are_forgiven_would_be_no_debts() -> None:
    subject = policy([queue("a"), queue("b")], weighted(0, (0, 1, 1), (1, 1, 1)))
    forgiving = replace(DOCUMENTED, rejoined=lambda _p, v: v)
    assert isinstance(starvation(subject)["a"], Proved)
    findings = prove(subject, Effort(lasso_steps=2), forgiving).findings
    assert any(isinstance(finding.verdict, Unknown) for finding in findings)


def test_what_other_cpus_serve_does_not_count_for_this_one() -> None:
    """A task that is pinned here waits for this CPU, however often others serve its queue."""
    subject = policy([queue("a"), queue("b")], strict(0, 1), (share(1, 10),), placement=())
    machine = Machine(subject, Topology(cpus=2), ())
    here, there = frozenset({0}), frozenset({1})
    for comm, cpus in (("a", here), ("b", there), ("b", there), ("b", here)):
        machine.fork(TaskSpec(comm, affinity=cpus), 0)
    served = []
    for now in range(0, 100 * MS, 4 * MS):
        for cpu in (0, 1):
            if now > 0:
                machine.stop(cpu, now, blocked=False)
            chosen = machine.choose(cpu, now)
            assert chosen is not None
            if cpu == 0:
                served.append(chosen.queue)
    assert served.count(1) == 3  # at 0, 40 and 80 ms


def test_one_wake_up_for_two_tasks_would_leave_a_cpu_idle() -> None:
    subject = policy([queue("a")], strict(0))
    assert prove_work_conserving(subject, DOCUMENTED, Ledger(DEFAULT_EFFORT)) is None
    forgetful = replace(DOCUMENTED, hands_on=False)
    assert prove_work_conserving(subject, forgetful, Ledger(DEFAULT_EFFORT)) is not None


def test_a_waiting_task_does_not_vanish_from_a_run() -> None:
    subject = policy([queue("a"), queue("b")], strict(0, 1))
    tasks = (TaskSpec("a"), TaskSpec("b"))
    lasso = Lasso(
        tasks, (Wake(0), Wake(1), Turn(0, MS, blocks=True), Turn(0, MS, False)), 3, 1, 1, ()
    )
    refused = replay(subject, lasso, 8)
    assert isinstance(refused, Mismatch)
    assert refused.what == "the CPU runs b"
