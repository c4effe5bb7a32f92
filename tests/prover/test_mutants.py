"""Every rule of the arbitration is needed: change one, and a lemma that is named here fails."""

from __future__ import annotations

from dataclasses import replace

import pytest

from schedlang.ir import nodes as ir
from schedlang.prover.conserving import prove_work_conserving
from schedlang.prover.fairness import prove_fair_queues
from schedlang.prover.guards import guard_facts
from schedlang.prover.rates import prove_rate
from schedlang.prover.rules import DOCUMENTED, Rules
from schedlang.prover.setting import TICK_NS, arbitration_of
from schedlang.prover.solver import Effort, Ledger
from schedlang.prover.starvation import ground, prove_starvation_free
from schedlang.prover.terms import boolean
from schedlang.prover.verdict import Unknown
from schedlang.prover.weighted import prove_running, role_node
from tests.prover.build import MS, after, policy, queue, share, strict, weighted

GUARDED = policy(
    [queue("a"), queue("b"), queue("c"), queue("d")],
    strict(0, 1, 2, 3),
    (share(1, 10), after(2, 20 * MS), share(3, 5)),
)
WEIGHTED = policy(
    [queue("a"), queue("b"), queue("c")], weighted(0, (0, 4, 1), (1, 2, 2), (2, 1, 4))
)
MIXED = policy(
    [queue("a"), queue("b"), queue("c")],
    strict(0, weighted(0, (1, 4, 1), (2, 1, 4))),
    (after(1, 20 * MS), share(2, 10)),
)


def unproved(subject: ir.Policy, rules: Rules) -> dict[int, Unknown]:
    on = ground(subject, rules, Effort())
    verdicts = {q: prove_starvation_free(on, q, on.ledger()) for q in on.arbitration.queues}
    return {q: verdict for q, verdict in verdicts.items() if isinstance(verdict, Unknown)}


@pytest.mark.parametrize("subject", [GUARDED, WEIGHTED, MIXED])
def test_the_documented_rules_are_enough(subject: ir.Policy) -> None:
    assert not unproved(subject, DOCUMENTED)


GUARD_MUTANTS = {
    "ties in the order of the text": (
        replace(DOCUMENTED, precedes=lambda _d, i, _e, j: boolean(i < j)),
        "is not passed while overdue",
    ),
    "the newest first": (
        replace(DOCUMENTED, precedes=lambda d, _i, e, _j: d >= e),
        "is not passed while overdue",
    ),
    "a delay that counts backwards": (
        replace(DOCUMENTED, after_settled=lambda now, delay: now - delay),
        "uses up its reserve",
    ),
    "a delay that starts late": (
        replace(DOCUMENTED, after_seen_empty=lambda now, delay: now + delay + delay),
        "deadline is near",
    ),
    "a delay that does not start anew": (
        replace(DOCUMENTED, after_settled=lambda now, _: now),
        "settles it",
    ),
    "a share that is not charged": (
        replace(DOCUMENTED, share_settled=lambda due, _: due),
        "uses up its reserve",
    ),
    "a share that is charged twice": (
        replace(DOCUMENTED, share_settled=lambda due, cost: due + cost + cost),
        "deadline is near",
    ),
    "a surplus that the tree's turns leave standing": (
        replace(DOCUMENTED, share_started=lambda due, _: due),
        "deadline is near",
    ),
    "a debt that idleness leaves standing": (
        replace(DOCUMENTED, share_seen_empty=lambda due, _: due),
        "does not go back",
    ),
    "a surplus that emptiness forgives": (
        replace(DOCUMENTED, share_seen_empty=lambda _, now: now),
        "uses up its reserve",
    ),
}


@pytest.mark.parametrize("name", GUARD_MUTANTS)
def test_guards_need(name: str) -> None:
    rules, lemma = GUARD_MUTANTS[name]
    ledger = Ledger(Effort())
    facts = guard_facts(arbitration_of(GUARDED, rules, TICK_NS), ledger)
    assert isinstance(facts, Unknown)
    assert lemma in facts.detail
    assert ledger.obligations[-1].answer == "sat"


WEIGHTED_MUTANTS = {
    "the greatest first": (
        replace(DOCUMENTED, lighter=lambda p, _i, q, _j: p >= q),
        "keeps the children of a weighted node together",
    ),
    "a child that comes back where it was": (
        replace(DOCUMENTED, rejoined=lambda p, _: p),
        "keeps the children of a weighted node together",
    ),
    "a child that comes back without its debt": (
        replace(DOCUMENTED, rejoined=lambda _, v: v),
        "keeps the wait at a weighted node short",
    ),
    "a V that stands still": (
        replace(DOCUMENTED, advanced=lambda v, _: v),
        "keeps the children of a weighted node together",
    ),
    "a service that costs nothing": (
        replace(DOCUMENTED, charged=lambda p, _cost, _v: p),
        "keeps the wait at a weighted node short",
    ),
    "placed turns that do not move V": (
        replace(DOCUMENTED, placed_turns_walk=False),
        "a placed turn of",
    ),
}


@pytest.mark.parametrize("name", WEIGHTED_MUTANTS)
def test_weighted_nodes_need(name: str) -> None:
    rules, lemma = WEIGHTED_MUTANTS[name]
    gaps = unproved(WEIGHTED, rules)
    assert len(gaps) == len(WEIGHTED.queues)
    assert all(lemma in gap.detail for gap in gaps.values())


def test_a_placed_turn_counts_only_because_it_moves_v() -> None:
    for rules, is_proved in (
        (DOCUMENTED, True),
        (replace(DOCUMENTED, placed_turns_walk=False), False),
    ):
        gap = prove_running(role_node(rules, guarded=(1, 2)), Ledger(Effort()))
        assert (gap is None) is is_proved
        assert gap is None or "counts in a wait that begins meanwhile" in gap.detail


FAIR_ANYHOW = {"a child that comes back without its debt"}
"""In a window in which a child is never empty, it does not come back."""

RATE_MUTANTS = {
    "a share that is not charged": (0, replace(DOCUMENTED, share_settled=lambda due, _: due)),
    "a delay that does not start anew": (1, replace(DOCUMENTED, after_settled=lambda now, _: now)),
    "a delay that emptiness ends": (1, replace(DOCUMENTED, after_seen_empty=lambda now, _: now)),
}


@pytest.mark.parametrize("name", RATE_MUTANTS)
def test_rates_need(name: str) -> None:
    guard, rules = RATE_MUTANTS[name]
    for tried, is_proved in ((DOCUMENTED, True), (rules, False)):
        arbitration = arbitration_of(GUARDED, tried, TICK_NS)
        gap = prove_rate(arbitration, arbitration.guards[guard], 100 * MS, Ledger(Effort()))
        assert (gap is None) is is_proved


def test_no_mutant_of_the_guards_is_proved_by_accident() -> None:
    for rules, _ in GUARD_MUTANTS.values():
        assert len(unproved(GUARDED, rules)) == len(GUARDED.queues)


@pytest.mark.parametrize("name", WEIGHTED_MUTANTS)
def test_fairness_needs(name: str) -> None:
    rules, _ = WEIGHTED_MUTANTS[name]
    for tried, is_proved in ((DOCUMENTED, True), (rules, name in FAIR_ANYHOW)):
        arbitration = arbitration_of(WEIGHTED, tried, TICK_NS)
        found = prove_fair_queues(arbitration, (0, 1), Ledger(Effort()))
        assert isinstance(found, Unknown) is not is_proved


CHAIN_MUTANTS = {
    "a wake-up that is not handed on": (
        replace(DOCUMENTED, hands_on=False),
        "leaves a woken CPU while an idle one has work",
    ),
    "nobody is taken of two that are level": (
        replace(DOCUMENTED, lighter=lambda p, _i, q, _j: p < q),
        "takes something if there is anything",
    ),
    "of two overdue guards none is served": (
        replace(DOCUMENTED, precedes=lambda d, _i, e, _j: d < e),
        "takes something if there is anything",
    ),
}


@pytest.mark.parametrize("name", CHAIN_MUTANTS)
def test_work_conservation_needs(name: str) -> None:
    rules, lemma = CHAIN_MUTANTS[name]
    assert prove_work_conserving(GUARDED, DOCUMENTED, Ledger(Effort())) is None
    gap = prove_work_conserving(GUARDED, rules, Ledger(Effort()))
    assert gap is not None
    assert lemma in gap.detail
