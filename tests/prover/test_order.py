"""The order inside a queue: its constants, what they imply, and the handlers that it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

import pytest

from schedlang.ir import nodes as ir
from schedlang.prover import pace as pace_rules
from schedlang.prover.ahead import ByArrival, Ordering, Turns, turns_ahead
from schedlang.prover.corners import Pace, guess_pace
from schedlang.prover.order import prove_order
from schedlang.prover.solver import Effort, Ledger
from schedlang.prover.subject import ANY_WEIGHT, Subject
from schedlang.prover.verdict import Reason, Unknown
from schedlang.prover.wait import REFERENCE_WEIGHTS
from tests.prover.build import (
    CLOCK,
    FIFO,
    MS,
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
from tests.support.policies import compiled

TURN = 8 * MS


def subject(order: ir.Order, weights: ir.Interval = REFERENCE_WEIGHTS) -> Subject:
    own = policy([queue("a", order=order)], leaf(0))
    return Subject(own, own.queues[0], weights, TURN)


def proved(order: ir.Order, weights: ir.Interval = REFERENCE_WEIGHTS) -> Ordering | Unknown:
    return prove_order(subject(order, weights), Ledger(Effort()))


def written(order: str, weights: ir.Interval = REFERENCE_WEIGHTS, rest: str = "") -> Subject:
    """The order `own`, as a user writes it."""
    text = f"policy sample\n{rest}\norder own {{ {order} }}\n"
    text += "queue a { global  order own  slice 4ms }\nroute { else -> a }\nserve a\n"
    own = compiled(text)
    return Subject(own, own.queues[0], weights, TURN)


def decided(order: str, weights: ir.Interval = REFERENCE_WEIGHTS, rest: str = "") -> Ordering:
    ledger = Ledger(Effort())
    found = prove_order(written(order, weights, rest), ledger)
    assert not isinstance(found, Unknown), found
    assert all(obligation.answer == "unsat" for obligation in ledger.obligations)
    return found


# --- fifo and keys in time


def test_fifo_lets_nobody_past() -> None:
    assert proved(FIFO) == ByArrival(0)
    assert turns_ahead(ByArrival(0), 4, TURN) == Turns(0, 3, 3 * TURN)


EDF = "due : time = now + 5ms  on join { due = clamp(due, now - 5ms, now + 100ms) }  key due"
BURST = "task { burst : duration = 5ms in 0ns..50ms  on stop { burst = ewma(burst, used, 4) } }"
TIMES = {
    "arrival": ("key now", "", 0),
    "nice": ("key now + nice * 1ms", "", 39 * MS - 1),
    "shortest burst first": ("key now + burst", BURST, 50 * MS - 1),
    "longest burst first": ("key now - burst", BURST, 50 * MS - 1),
    "half a burst": ("key now + burst / 2", BURST, 25 * MS - 1),
    "earliest deadline": (EDF, "", 105 * MS - 1),
    "kernel threads first": ("key if kthread then now - 3ms else now", "", 3 * MS - 1),
    "the earlier of two": ("key min(now, now + nice * 1ms)", "", 20 * MS - 1),
    "a state of the task": (
        "key since",
        "task { since : time = now  on join { since = clamp(since, now - 7ms, now) } }",
        7 * MS - 1,
    ),
}


@pytest.mark.parametrize("name", TIMES)
def test_a_key_in_time_is_bounded_by_its_horizon(name: str) -> None:
    order, rest, horizon = TIMES[name]
    found = decided(order, rest=rest)
    assert isinstance(found, ByArrival)
    assert horizon <= found.horizon_ns <= horizon + horizon // 2**13


def test_a_deadline_that_is_divided_by_the_weight() -> None:
    order = "key now + 5ms * 100 / weight"
    assert decided(order) == ByArrival(0)
    # Weight 1 has to wait for 500 ms, weight 10000 for 50 us.
    assert decided(order, ANY_WEIGHT) == ByArrival(500 * MS - 50_000 - 1)


def test_every_task_is_served_once_after_the_horizon() -> None:
    assert turns_ahead(ByArrival(7), 4, TURN) == Turns(7, 3, 3 * TURN)


NO_BOUND = {
    "by birth": ("key born", "task { born : time = now }"),
    "slower by weight": (
        "key born + max(now - born, 0ns) / weight",
        "task { born : time = now }",
    ),
    "the time since a wake-up": (
        (
            "v : vtime = clock + 1ms  on join { v = max(v, clock - 1ms) }"
            "  on stop { v = v + used }  key v - (now - born)"
        ),
        "task { born : time = now  on wake { born = now } }",
    ),
}


@pytest.mark.parametrize("name", NO_BOUND)
def test_a_key_without_a_horizon_has_no_bound(name: str) -> None:
    order, rest = NO_BOUND[name]
    found = prove_order(written(order, ANY_WEIGHT, rest), Ledger(Effort()))
    assert isinstance(found, Unknown)
    assert found.reason is Reason.NO_BOUND
    # Two tasks, and when they come.
    assert "born" in found.detail
    assert found.detail.count("arriving at") == 2


# --- keys in virtual time


def test_the_constants_of_vruntime() -> None:
    found = proved(vruntime(credit_ns=20 * MS, fork_ns=1 * MS))
    assert found == Pace(
        lead=TURN,
        lag=20 * MS,
        fork=MS,
        kept=TURN,
        spent=TURN,
        horizon=-1,
        charge=1000,
        per_charge=Fraction(1),
    )


def test_the_constants_for_any_weight() -> None:
    found = proved(vruntime(), ANY_WEIGHT)
    assert isinstance(found, Pace)
    assert (found.lead, found.lag, found.charge) == (100 * TURN, 20 * MS, 10)
    assert found.per_charge == 100


VTIME = "v : vtime = clock + 1ms  on join { v = max(v, clock - 20ms) }"
CHARGE = "on stop { v = v + used * 100 / weight }"
HORIZONS = {
    "nice": ("key v + nice * 1ms", 39 * MS - 1),
    "a deadline": ("key v + 3ms * 100 / weight", -1),
    "not behind the clock": ("key max(v, clock)", -1),
    "not far ahead": ("key min(v, clock + 2ms)", -1),
    "an odd ladder": ("key if nice < -10 then v - 7ms else v + nice * 10us", 7_190_000 - 1),
}


@pytest.mark.parametrize("name", HORIZONS)
def test_a_key_that_prefers_is_bounded_by_its_horizon(name: str) -> None:
    key, horizon = HORIZONS[name]
    found = decided(f"{VTIME} {CHARGE} {key}")
    assert isinstance(found, Pace)
    assert found.horizon == horizon


SHAPES = {
    "eligible first": f"{VTIME} {CHARGE} key if v <= clock then v + 3ms else v + 50ms",
    "a debt that is remembered": (
        "v : vtime = clock + 1ms  lag : duration = 0ms in 0ms - 20ms..20ms"
        "  on join { lag = clamp(v - clock, 0ms - 20ms, 20ms)  v = max(v, clock - 20ms) }"
        f"  {CHARGE}  key v + max(lag, 0ms) / 2"
    ),
    "a debt that is forgiven": (
        "v : vtime = clock + 1ms  on join { v = clamp(v, clock - 20ms, clock + 3ms) }"
        f"  {CHARGE}  key v"
    ),
    "longer turns for less": f"{VTIME} on stop {{ v = v + used * 100 / weight + 1ms }} key v",
    "a charge for the slice": f"{VTIME} on stop {{ v = v + granted }} key v",
    "criticality": f"{VTIME} {CHARGE} key v - clamp(wakes, 0, 20) * 500us",
}
TASK = "task { wakes : count = 0 in 0..100  on wake { wakes = wakes + 1 } }"


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("weights", [REFERENCE_WEIGHTS, ANY_WEIGHT], ids=["weight 100", "any"])
def test_what_authors_write_is_decided(name: str, weights: ir.Interval) -> None:
    text = SHAPES[name].replace("key v + max(lag, 0ms) / 2", "key v + max(lag, 0ms) / 2")
    assert isinstance(decided(text, weights, TASK), Pace)


def test_a_debt_that_is_forgiven_leads_no_further() -> None:
    found = decided(SHAPES["a debt that is forgiven"])
    assert isinstance(found, Pace)
    assert (found.lead, found.spent) == (3 * MS, TURN)
    assert found.charge == 1000


# --- the count


def test_turns_of_vruntime_add_up() -> None:
    pace = Pace(
        lead=8, lag=20, fork=100, kept=8, spent=8, horizon=-1, charge=1, per_charge=Fraction(1)
    )
    assert turns_ahead(pace, 1, 5) == Turns(0, 0, 0)
    # Starts at v = -20 .. 7 are 28, and one may have been waiting from before. In steps of a turn
    # of 5: a whole one that has been waiting, 27 to go, a whole one at the end.
    assert turns_ahead(pace, 2, 5) == Turns(0, 29, min(29 * 5, 2 * 27 + 10))
    assert turns_ahead(pace, 4, 5).count == 3 * 29


def test_forks_make_turns_longer_not_more() -> None:
    pace = Pace(
        lead=8000, lag=20_000, fork=1000, kept=8000, spent=8000, horizon=-1, charge=1,
        per_charge=Fraction(1, 2),
    )  # fmt: skip
    without, forking = (turns_ahead(pace, 2, 8000, forks=f) for f in (False, True))
    assert forking.count == without.count
    # Seven times a whole turn for a step of 1000.
    assert forking.service_ns - without.service_ns == 7 * (8000 - 1000)


def test_a_short_fork_penalty_makes_more_turns() -> None:
    pace = Pace(
        lead=100, lag=0, fork=1, kept=100, spent=100, horizon=-1, charge=50, per_charge=Fraction(1)
    )
    assert turns_ahead(pace, 2, 50, forks=False).count == 3
    assert turns_ahead(pace, 2, 50).count == 2 + 99


# --- what an order needs


JOIN_RESETS = handler(ir.Event.JOIN, arith(ir.ArithOp.ADD, CLOCK, const(MS), ir.Type.VTIME))
JOIN_FORGETS = handler(ir.Event.JOIN, arith(ir.ArithOp.SUB, CLOCK, const(MS), ir.Type.VTIME))
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
CLIMBS = handler(ir.Event.JOIN, arith(ir.ArithOp.ADD, V, const(MS), ir.Type.VTIME))
MUTANTS = {
    "a clamp when tasks join": (vruntime(clamps=False), "lifts a task that joins"),
    "a charge": (vruntime(charges=False), "need not move a task on"),
    "a charge for short turns too": (
        replace(vruntime(), handlers=(vruntime().handlers[0], HALF_CHARGE)),
        "need not move a task on",
    ),
    "a fork penalty": (vruntime(fork_ns=0), "a new task need not start behind"),
    "a join that does not push": (
        replace(vruntime(), handlers=(*vruntime().handlers, CLIMBS)),
        "an arriving v is near the clock",
    ),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_an_order_needs(name: str) -> None:
    order, complaint = MUTANTS[name]
    found = proved(order)
    assert isinstance(found, Unknown)
    assert complaint in found.detail


@pytest.mark.parametrize("reset", [JOIN_RESETS, JOIN_FORGETS, STOP_RESETS])
def test_a_v_that_is_set_beside_the_clock_is_a_round_robin(reset: ir.Handler) -> None:
    kept = [h for h in vruntime().handlers if h.event is not reset.event]
    found = proved(replace(vruntime(), handlers=(reset, *kept)))
    assert isinstance(found, Pace)


LIES: Mapping[str, tuple[int, str]] = {
    "lead": (-1, "an arriving v is near the clock"),
    "lag": (-1, "an arriving v is near the clock"),
    "fork": (1, "a new task starts ahead of the clock"),
    "spent": (-1, "a turn puts v not far ahead"),
}


@pytest.mark.parametrize("constant", LIES)
def test_a_wrong_guess_is_not_proved(constant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = subject(vruntime())
    guess = guess_pace(asked.policy, asked.queue, asked.weights, asked.used)
    step, lemma = LIES[constant]
    wrong = {
        "lead": replace(guess, lead=guess.lead + step, spent=guess.spent + step),
        "lag": replace(guess, lag=guess.lag + step),
        "fork": replace(guess, fork=guess.fork + step),
        "spent": replace(guess, spent=guess.spent + step),
    }[constant]
    monkeypatch.setattr(pace_rules, "guess_pace", lambda *_: wrong)
    monkeypatch.setattr(pace_rules, "_search", lambda *_: wrong)
    found = prove_order(asked, Ledger(Effort()))
    assert isinstance(found, Unknown)
    assert lemma in found.detail or constant == "lead"


@pytest.mark.parametrize("constant", ["lead", "lag", "fork", "spent", "charge", "horizon"])
@pytest.mark.parametrize("off_by", [-MS, MS])
def test_the_guess_does_not_decide(
    constant: str, off_by: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = written(f"{VTIME} {CHARGE} key v + nice * 1ms")
    right = prove_order(asked, Ledger(Effort()))
    guess = guess_pace(asked.policy, asked.queue, asked.weights, asked.used)
    wrong = replace(guess, **{constant: getattr(guess, constant) + off_by})
    monkeypatch.setattr(pace_rules, "guess_pace", lambda *_: wrong)
    found = prove_order(asked, Ledger(Effort()))
    assert isinstance(found, Pace)
    assert isinstance(right, Pace)
    # Never better than it is; worse only where a wrong guess is still true.
    assert found.lead >= right.lead
    assert found.lag >= right.lag
    assert found.fork <= right.fork
    assert found.charge <= right.charge
    assert found.horizon >= right.horizon


def test_params_are_taken_over_their_whole_range() -> None:
    rest = "param credit : duration = 5ms in 1ms..30ms"
    found = decided(f"{VTIME.replace('20ms', 'credit')} {CHARGE} key v", rest=rest)
    assert isinstance(found, Pace)
    assert found.lag == 30 * MS


def test_keys_that_could_wrap_are_not_proved() -> None:
    far = arith(
        ir.ArithOp.ADD,
        NOW,
        ir.StateRef(ir.Type.DURATION, ir.Interval(0, 2**62), NOWHERE, ir.Owner.ORDER, 0),
        ir.Type.TIME,
    )
    state = ir.State("d", ir.Type.DURATION, const(0), ir.Interval(0, 2**62), NOWHERE)
    found = proved(ir.Order("far", (state,), (), far, None, NOWHERE))
    assert isinstance(found, Unknown)
