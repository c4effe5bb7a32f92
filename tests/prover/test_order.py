"""The order inside a queue: its constants, what they imply, and the handlers that it needs."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from schedlang.ir import nodes as ir
from schedlang.prover import order as order_rules
from schedlang.prover.ahead import ByArrival, Ordering, Turns, turns_ahead
from schedlang.prover.corners import Pace, guess_pace
from schedlang.prover.order import ANY_WEIGHT, Subject, prove_order
from schedlang.prover.solver import Effort, Ledger
from schedlang.prover.verdict import Reason, Unknown
from schedlang.prover.wait import REFERENCE_WEIGHTS
from tests.prover.build import (
    CLOCK,
    FIFO,
    MS,
    NICE,
    NOW,
    NOWHERE,
    USED,
    V,
    arith,
    const,
    handler,
    leaf,
    policy,
    queue,
    vruntime,
)

TURN = 8 * MS


def subject(order: ir.Order, weights: ir.Interval = REFERENCE_WEIGHTS) -> Subject:
    own = policy([queue("a", order=order)], leaf(0))
    return Subject(own, own.queues[0], weights, TURN)


def proved(order: ir.Order, weights: ir.Interval = REFERENCE_WEIGHTS) -> Ordering | Unknown:
    return prove_order(subject(order, weights), Ledger(Effort()))


def plus_nice(point: ir.Expr, kind: ir.Type) -> ir.Expr:
    """point + nice * 1ms + 20ms: the least nice goes first, but not for ever."""
    product = arith(
        ir.ArithOp.MUL,
        NICE,
        const(MS),
        ir.Type.DURATION,
        ir.Interval(-20 * MS, 19 * MS),
    )
    return arith(ir.ArithOp.ADD, point, product, kind)


def test_fifo_lets_nobody_past() -> None:
    assert proved(FIFO) == ByArrival(0)
    assert turns_ahead(ByArrival(0), 4, TURN) == Turns(0, 3, 3 * TURN)


def test_the_constants_of_vruntime() -> None:
    found = proved(vruntime(credit_ns=20 * MS, fork_ns=1 * MS))
    assert found == Pace(TURN, 20 * MS, MS, 1000, Fraction(1), 0)


def test_the_constants_for_any_weight() -> None:
    found = proved(vruntime(), ANY_WEIGHT)
    assert found == Pace(100 * TURN, 20 * MS, MS, 10, Fraction(100), 0)


def test_turns_of_vruntime_add_up() -> None:
    pace = Pace(lead=8, lag=20, fork=2, charge=1, per_charge=Fraction(1), horizon=0)
    one = turns_ahead(pace, 1, 5)
    two = turns_ahead(pace, 2, 5)
    # A fresh task for each of 4 levels, with 6, 4, 2 and 0 to go, and a last turn each.
    assert one.count == 12 + 4
    # Another task has 28 to go, a first turn and a last one; and may fork as many again.
    assert two.count - one.count == 28 + 2 + 16


def test_a_key_that_prefers_is_bounded_by_its_horizon() -> None:
    found = proved(vruntime(key=plus_nice(V, ir.Type.VTIME)))
    assert isinstance(found, Pace)
    assert found.horizon == 39 * MS


def test_a_key_in_time_is_bounded_by_its_horizon() -> None:
    by_time = ir.Order("deadline", (), (), plus_nice(NOW, ir.Type.TIME), None, NOWHERE)
    assert proved(by_time) == ByArrival(39 * MS)


def test_a_key_that_does_not_move_with_time_has_no_rule() -> None:
    state = ir.State("t", ir.Type.TIME, NOW, None, NOWHERE)
    own = ir.StateRef(ir.Type.TIME, None, NOWHERE, ir.Owner.ORDER, 0)
    found = proved(ir.Order("first_seen", (state,), (), own, None, NOWHERE))
    assert isinstance(found, Unknown)
    assert found.reason is Reason.NO_RULE


JOIN_RESETS = handler(ir.Event.JOIN, arith(ir.ArithOp.ADD, CLOCK, const(MS), ir.Type.VTIME))
HALF_CHARGE = handler(
    ir.Event.STOP,
    arith(
        ir.ArithOp.ADD,
        V,
        arith(
            ir.ArithOp.DIV,
            USED,
            const(10**9, ir.Type.COUNT),
            ir.Type.DURATION,
            ir.Interval(0, 1),
        ),
        ir.Type.VTIME,
    ),
)
STOP_RESETS = handler(ir.Event.STOP, arith(ir.ArithOp.ADD, CLOCK, const(1), ir.Type.VTIME))
MUTANTS = {
    "a clamp when tasks join": (vruntime(clamps=False), "lifts a task that joins"),
    "a charge": (vruntime(charges=False), "need not move a task on"),
    "a charge for short turns too": (
        replace(vruntime(), handlers=(vruntime().handlers[0], HALF_CHARGE)),
        "need not move a task on",
    ),
    "a fork penalty": (vruntime(fork_ns=0), "a new task need not start behind"),
    "a join that keeps what was charged": (
        replace(vruntime(), handlers=(JOIN_RESETS, vruntime().handlers[1])),
        "an arriving v is near the clock",
    ),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_an_order_needs(name: str) -> None:
    order, complaint = MUTANTS[name]
    found = proved(order)
    assert isinstance(found, Unknown)
    assert complaint in found.detail


def test_a_stop_that_charges_to_the_clock_is_a_round_robin() -> None:
    order = replace(vruntime(), handlers=(vruntime().handlers[0], STOP_RESETS))
    assert isinstance(proved(order), Pace)


LIES = {
    "lead": "a turn moves v on",
    "lag": "an arriving v is near the clock",
    "fork": "a new task starts ahead of the clock",
    "charge": "a turn moves v on",
}


@pytest.mark.parametrize("constant", LIES)
def test_a_wrong_guess_is_not_proved(constant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = subject(vruntime())
    guess = guess_pace(asked.policy, asked.queue, asked.weights, asked.used)
    wrong = {
        "lead": replace(guess, lead=guess.lead - 1),
        "lag": replace(guess, lag=guess.lag - 1),
        "fork": replace(guess, fork=guess.fork + 1),
        "charge": replace(guess, charge=guess.charge + 1),
    }[constant]
    monkeypatch.setattr(order_rules, "guess_pace", lambda *_: wrong)
    found = prove_order(asked, Ledger(Effort()))
    assert isinstance(found, Unknown)
    assert LIES[constant] in found.detail


def test_a_wrong_horizon_is_not_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = subject(vruntime(key=plus_nice(V, ir.Type.VTIME)))
    guess = guess_pace(asked.policy, asked.queue, asked.weights, asked.used)
    wrong = replace(guess, horizon=guess.horizon - 1)
    monkeypatch.setattr(order_rules, "guess_pace", lambda *_: wrong)
    found = prove_order(asked, Ledger(Effort()))
    assert isinstance(found, Unknown)
    assert "who goes first" in found.detail


def test_params_are_taken_over_their_whole_range() -> None:
    credit = ir.Param("credit", ir.Type.DURATION, 5 * MS, MS, 30 * MS, True, NOWHERE)
    ref = ir.ParamRef(ir.Type.DURATION, ir.Interval(MS, 30 * MS), NOWHERE, 0)
    floor = arith(ir.ArithOp.SUB, CLOCK, ref, ir.Type.VTIME)
    join = handler(ir.Event.JOIN, arith(ir.ArithOp.MAX, V, floor, ir.Type.VTIME))
    order = replace(vruntime(), handlers=(join, vruntime().handlers[1]))
    own = policy([queue("a", order=order)], leaf(0), params=[credit])
    found = prove_order(Subject(own, own.queues[0], REFERENCE_WEIGHTS, TURN), Ledger(Effort()))
    assert isinstance(found, Pace)
    assert found.lag == 30 * MS
