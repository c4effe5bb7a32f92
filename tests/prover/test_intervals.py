"""The side obligations: no operation leaves its interval, whatever the policy."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from schedlang.ir import nodes as ir
from schedlang.prover.intervals import prove_intervals
from schedlang.prover.prove import prove
from schedlang.prover.solver import Effort, Ledger
from schedlang.prover.verdict import Reason, Unknown
from tests.prover.build import MS, NOWHERE, USED, WEIGHT, arith, const, leaf, policy, queue
from tests.support.policies import compiled, policies

COUNT, DURATION = ir.Type.COUNT, ir.Type.DURATION
ZERO_TO_TEN = ir.StateRef(COUNT, ir.Interval(0, 10), NOWHERE, ir.Owner.ORDER, 0)
BELOW_0 = ir.StateRef(COUNT, ir.Interval(-1, 10), NOWHERE, ir.Owner.ORDER, 0)


@settings(max_examples=25)
@given(policies())
def test_the_type_checker_is_right_about_all_intervals(text: str) -> None:
    ledger = Ledger(Effort())
    assert prove_intervals(compiled(text), ledger) is None
    assert all(obligation.answer == "unsat" for obligation in ledger.obligations)


WRONG: dict[str, ir.Expr] = {
    "a sum": arith(ir.ArithOp.ADD, const(3), const(4), DURATION, ir.Interval(0, 6)),
    "a product": arith(
        ir.ArithOp.MUL, USED, WEIGHT, DURATION, ir.Interval(1000, 10_000 * 10**9 - 1)
    ),
    "a quotient": arith(ir.ArithOp.DIV, USED, WEIGHT, DURATION, ir.Interval(1, 10**9)),
    "a quotient by 0": arith(ir.ArithOp.DIV, USED, ZERO_TO_TEN, DURATION, ir.Interval(0, 10**9)),
    "a negative numerator": arith(ir.ArithOp.DIV, BELOW_0, WEIGHT, COUNT, ir.Interval(-1, 10)),
    "a least": arith(ir.ArithOp.MIN, USED, const(5000), DURATION, ir.Interval(1000, 4999)),
    "too much": arith(ir.ArithOp.ADD, const(2**62), const(1), DURATION, ir.Interval(0, 2**62 + 1)),
    "a choice": ir.If(
        DURATION,
        ir.Interval(0, 5),
        NOWHERE,
        ir.Const(ir.Type.BOOL, ir.BOOL_RANGE, NOWHERE, 1),
        const(5),
        const(6),
    ),
    "a logarithm": ir.Log2(COUNT, ir.Interval(0, 12), NOWHERE, WEIGHT),
}


@pytest.mark.parametrize("name", WRONG)
def test_an_operation_that_leaves_its_interval_is_noticed(name: str) -> None:
    own = replace(queue("a"), slice=WRONG[name])
    gap = prove_intervals(policy([own], leaf(0)), Ledger(Effort()))
    assert isinstance(gap, Unknown)
    assert gap.reason is Reason.INDUCTION_FAILED


def test_nothing_is_proved_of_a_policy_that_may_overflow() -> None:
    wrong = arith(ir.ArithOp.ADD, const(3 * MS), const(4 * MS), DURATION, ir.Interval(1, 6 * MS))
    report = prove(policy([replace(queue("a"), slice=wrong)], leaf(0)))
    starvation = next(f for f in report.findings if f.property is ir.Property.STARVATION_FREE)
    assert isinstance(starvation.verdict, Unknown)
    assert "no operation leaves its interval" in starvation.verdict.detail
