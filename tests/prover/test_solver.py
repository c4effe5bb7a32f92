"""The ledger says proved only of what follows, and from something."""

from __future__ import annotations

import pytest

from schedlang.prover.prove import prove
from schedlang.prover.solver import Effort, Ledger, decide
from schedlang.prover.terms import (
    FALSE,
    TRUE,
    Term,
    all_of,
    any_of,
    integer,
    least,
    negation,
    script,
    variable,
    when,
)
from schedlang.prover.verdict import Obligation, Proved, Reason, Unknown
from tests.prover.build import after, policy, queue, share, strict, vruntime

X, Y = variable("x"), variable("y")
WEB = policy(
    [queue("a", order=vruntime()), queue("b"), queue("c")],
    strict(0, 1, 2),
    (after(1, 20_000_000), share(2, 10)),
)


def reason(gap: Unknown | None) -> Reason | None:
    return None if gap is None else gap.reason


def test_what_follows_is_proved_and_recorded() -> None:
    ledger = Ledger(Effort())
    assert ledger.prove("order", [X < Y], [X <= Y, negation(Y <= X)]) is None
    (obligation,) = ledger.obligations
    assert (obligation.name, obligation.answer) == ("order", "unsat")
    assert decide(obligation.smt2, 10**6).answer == "unsat"


def test_what_does_not_follow_is_not_proved() -> None:
    assert reason(Ledger(Effort()).prove("order", [X <= Y], [X < Y])) is Reason.INDUCTION_FAILED


def test_nothing_follows_from_a_contradiction() -> None:
    assert reason(Ledger(Effort()).prove("order", [X < Y, Y < X], [FALSE])) is Reason.VACUOUS


def test_a_solver_that_gives_up_proves_nothing() -> None:
    product = [integer(10**9) >= X * X + Y * Y * Y, integer(17) <= X * Y]
    gap = Ledger(Effort(rlimit=50)).prove("hard", product, [integer(10**12) >= X * Y * Y])
    assert reason(gap) is Reason.SOLVER_LIMIT


def test_a_policy_with_too_little_effort_is_unknown() -> None:
    verdicts = [f.verdict for f in prove(WEB, Effort(rlimit=20, lasso_steps=1)).findings]
    assert not any(isinstance(verdict, Proved) for verdict in verdicts)


def obligations() -> list[Obligation]:
    return [o for f in prove(WEB).findings for o in f.obligations]


def test_effort_is_the_same_every_time() -> None:
    first = obligations()
    decide.cache_clear()
    decide(script([integer(7) <= X * Y]), 10**6)
    assert obligations() == first
    assert all(o.effort > 0 for o in first)


def test_every_obligation_of_a_proof_is_unsat_by_its_text_alone() -> None:
    decide.cache_clear()
    assert {decide(o.smt2, 3_000_000).answer for o in obligations()} == {"unsat"}


@pytest.mark.parametrize(
    ("term", "text"),
    [
        (integer(-3), "(- 3)"),
        (integer(2) + integer(3), "5"),
        (X + integer(0), "x"),
        (integer(1) * X, "x"),
        (all_of([TRUE, X < Y]), "(< x y)"),
        (all_of([FALSE, X < Y]), "false"),
        (any_of([]), "false"),
        (negation(TRUE), "false"),
        (when(TRUE, X, Y), "x"),
        (least(X, Y), "(ite (<= x y) x y)"),
        ((X + Y) // integer(2), "(div (+ x y) 2)"),
    ],
)
def test_terms_are_smt_lib(term: Term, text: str) -> None:
    assert term.text == text


def test_scripts_declare_each_variable_once() -> None:
    lines = script([X < Y, Y < X]).splitlines()
    assert lines[:2] == ["(declare-const x Int)", "(declare-const y Int)"]
    assert len(lines) == 4
