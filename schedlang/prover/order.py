"""Which tasks of its own queue go before a waiting task, whatever they do.

Fifo: those that arrived before it. A key in time: nobody who arrives later than the key's
`horizon`. A key in virtual time: a task that goes first has a v near the waiting task's, every turn
moves v on, and an arriving v is near the clock; what follows from that is counted in `ahead`. The
lemmas are about the order's own handlers, for any params, attributes and states.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import final

from schedlang.ir import nodes as ir
from schedlang.ir.walk import walk
from schedlang.prover.ahead import ByArrival, Ordering
from schedlang.prover.corners import Pace, expressions, guess_horizon, guess_pace
from schedlang.prover.encode import Moment, encode, free_state, run_handlers, saturate
from schedlang.prover.solver import Ledger
from schedlang.prover.terms import (
    Sort,
    Term,
    all_of,
    any_of,
    between,
    integer,
    variable,
    when,
)
from schedlang.prover.verdict import Reason, Unknown

# A v further behind the clock than this is one that nothing holds near it.
UNHELD = 2**45
ANY_WEIGHT = ir.ATTRIBUTE_TYPES[ir.Attribute.WEIGHT][1]


@final
@dataclass(frozen=True, slots=True)
class Subject:
    """A queue's order, for tasks of these weights and turns up to `turn_ns`."""

    policy: ir.Policy
    queue: ir.Queue
    weights: ir.Interval
    turn_ns: int

    @property
    def used(self) -> ir.Interval:
        most = min(max(self.turn_ns, ir.MIN_CHARGE_NS), ir.MAX_CHARGE_NS)
        return ir.Interval(ir.MIN_CHARGE_NS, most)


def prove_order(subject: Subject, ledger: Ledger) -> Ordering | Unknown:
    order = subject.queue.order
    gap = _prove_divisors(subject, ledger)
    if gap is not None:
        return gap
    if order.key is None:
        return _prove_fifo(ledger) or ByArrival(0)
    if order.key.type is ir.Type.TIME:
        return _prove_in_time(subject, order.key, ledger)
    if order.clock_state is None:
        return Unknown(Reason.NO_RULE, f"order `{order.name}` has no vtime state")
    pace = guess_pace(subject.policy, subject.queue, subject.weights, subject.used)
    if pace.lag >= UNHELD:
        return Unknown(
            Reason.INDUCTION_FAILED,
            f"nothing in order `{order.name}` lifts a task that joins to the clock:"
            " one that has slept goes first for as long as it slept",
        )
    if pace.charge < 1:
        return Unknown(
            Reason.INDUCTION_FAILED, f"a turn need not move a task on in order `{order.name}`"
        )
    if pace.fork < 1:
        return Unknown(
            Reason.INDUCTION_FAILED,
            f"a new task need not start behind the clock of order `{order.name}`:"
            " tasks that are forked again and again can go first for ever",
        )
    return _prove_pace(subject, pace, ledger)


def _moment(subject: Subject, prefix: str) -> tuple[Moment, list[Term]]:
    """An evaluation with every state, attribute and input free in its range."""
    known: list[Term] = []
    weight = integer(subject.weights.lo)
    if not subject.weights.is_single:
        weight = variable(f"{prefix}weight")
        known.append(between(subject.weights.lo, weight, subject.weights.hi))
    columns: list[list[Term]] = []
    for kind, states in (("task", subject.policy.states), ("own", subject.queue.order.states)):
        pairs = [free_state(s, f"{prefix}{kind}{i}") for i, s in enumerate(states)]
        columns.append([term for term, _ in pairs])
        known += [fact for _, fact in pairs]
    used, granted = variable(f"{prefix}used"), variable(f"{prefix}granted")
    known += [
        between(subject.used.lo, used, subject.used.hi),
        between(1, granted, ir.MAX_SLICE_NS),
    ]
    inputs = {
        ir.Input.NOW: variable(f"{prefix}now"),
        ir.Input.CLOCK: variable(f"{prefix}clock"),
        ir.Input.USED: used,
        ir.Input.GRANTED: granted,
        ir.Input.BLOCKED: variable(f"{prefix}blocked", Sort.BOOL),
    }
    return Moment(prefix, subject.policy.params, columns[0], columns[1], inputs, weight), known


def _arrive(subject: Subject, at: Moment) -> None:
    """The order's part of an arrival, of a task that woke or of one that did not."""
    order, before = subject.queue.order, list(at.order_states)
    run_handlers(order.handlers, order.states, ir.Event.WAKE, at)
    woke = variable(f"{at.prefix}woke", Sort.BOOL)
    at.order_states = [
        when(woke, after, old) for after, old in zip(at.order_states, before, strict=True)
    ]
    run_handlers(order.handlers, order.states, ir.Event.JOIN, at)


def _prove_pace(subject: Subject, pace: Pace, ledger: Ledger) -> Pace | Unknown:
    for prove in (_prove_stop, _prove_arrival, _prove_fresh, _prove_horizon):
        gap = prove(subject, pace, ledger)
        if gap is not None:
            return gap
    gap = _prove_way(pace, ledger)
    if gap is not None:
        return gap
    return _with_service(subject, pace, ledger)


def _clock_and_v(subject: Subject, at: Moment) -> tuple[Term, Term]:
    state = subject.queue.order.clock_state
    assert state is not None
    return at.inputs[ir.Input.CLOCK], at.order_states[state]


def _prove_stop(subject: Subject, pace: Pace, ledger: Ledger) -> Unknown | None:
    order = subject.queue.order
    at, known = _moment(subject, "stop_")
    clock, before = _clock_and_v(subject, at)
    run_handlers(order.handlers, order.states, ir.Event.STOP, at)
    _, after = _clock_and_v(subject, at)
    hypotheses = (*known, *at.constraints, before <= clock)
    goals = [after >= before + integer(pace.charge), after <= clock + integer(pace.lead)]
    return ledger.prove(f"order `{order.name}`: a turn moves v on", hypotheses, goals)


def _prove_arrival(subject: Subject, pace: Pace, ledger: Ledger) -> Unknown | None:
    at, known = _moment(subject, "join_")
    clock, before = _clock_and_v(subject, at)
    _arrive(subject, at)
    _, after = _clock_and_v(subject, at)
    lead = integer(pace.lead)
    goals = [
        after >= before,
        after >= clock - integer(pace.lag),
        (before <= clock + lead).implies(after <= clock + lead),
    ]
    name = f"order `{subject.queue.order.name}`: an arriving v is near the clock"
    return ledger.prove(name, (*known, *at.constraints), goals)


def _prove_fresh(subject: Subject, pace: Pace, ledger: Ledger) -> Unknown | None:
    order = subject.queue.order
    at, known = _moment(subject, "fork_")
    for index, state in enumerate(order.states):
        # An initial value may read the states before it.
        initial = saturate(encode(state.initial, at), state)
        at.order_states = [*at.order_states[:index], initial, *at.order_states[index + 1 :]]
    _arrive(subject, at)
    clock, v = _clock_and_v(subject, at)
    goals = [v >= clock + integer(pace.fork), v <= clock + integer(pace.lead)]
    name = f"order `{order.name}`: a new task starts ahead of the clock"
    return ledger.prove(name, (*known, *at.constraints), goals)


def _prove_horizon(subject: Subject, pace: Pace, ledger: Ledger) -> Unknown | None:
    """Of two waiting tasks the one that goes first has a v at most `horizon` greater."""
    order = subject.queue.order
    assert order.key is not None
    keys, vs, known = [], [], []
    for prefix in ("first_", "second_"):
        at, facts = _moment(subject, prefix)
        clock, v = _clock_and_v(subject, at)
        keys.append(encode(order.key, at))
        vs.append(v)
        known += [*facts, *at.constraints, clock - integer(pace.lag) <= v]
        known.append(v <= clock + integer(pace.lead))
    goal = vs[0] <= vs[1] + integer(pace.horizon)
    name = f"order `{order.name}`: who goes first is not far ahead"
    return ledger.prove(name, (*known, keys[0] <= keys[1]), [goal])


def _prove_way(pace: Pace, ledger: Ledger) -> Unknown | None:
    """What the turns of one task can add to its v while another waits: all but its first and last,
    and for a fresh one all but its last."""
    clock, waiting, last, second, added = (
        variable(name) for name in ("clock", "waiting", "last", "second", "added")
    )
    forked, clock_then = variable("forked"), variable("clock_then")
    reach = pace.lead + pace.horizon
    hypotheses = (
        waiting <= clock + integer(pace.lead),
        last <= waiting + integer(pace.horizon),
        any_of(
            (
                all_of((second >= clock - integer(pace.lag), forked.equals(integer(0)))),
                all_of(
                    (
                        forked.equals(integer(1)),
                        clock_then >= clock,
                        second >= clock_then + integer(pace.fork),
                    )
                ),
            )
        ),
        last >= second + added,
    )
    goals = [
        forked.equals(integer(0)).implies(added <= integer(reach + pace.lag)),
        forked.equals(integer(1)).implies(
            all_of(
                (
                    added <= integer(reach - pace.fork) - (clock_then - clock),
                    clock_then + integer(pace.fork) <= clock + integer(reach) - added,
                )
            )
        ),
    ]
    return ledger.prove("a task's turns during another's wait are bounded", hypotheses, goals)


def _with_service(subject: Subject, pace: Pace, ledger: Ledger) -> Pace:
    """`pace` with how long turns can be that add a given amount to v, if the solver confirms it."""
    order = subject.queue.order
    at, known = _moment(subject, "stop_")
    clock, before = _clock_and_v(subject, at)
    used = at.inputs[ir.Input.USED]
    run_handlers(order.handlers, order.states, ir.Event.STOP, at)
    _, after = _clock_and_v(subject, at)
    added = after - before + integer(1)
    ratio = pace.per_charge
    goal = used * integer(ratio.denominator) <= added * integer(ratio.numerator)
    trial = Ledger(ledger.effort)
    name = f"order `{order.name}`: long turns move v far"
    gap = trial.prove(name, (*known, *at.constraints, before <= clock), [goal])
    if gap is not None:
        return replace(pace, per_charge=Fraction(subject.turn_ns))
    ledger.obligations += trial.obligations
    return pace


def _prove_fifo(ledger: Ledger) -> Unknown | None:
    """Keys are 0, so whoever was inserted later does not have the least (key, seq)."""
    key, seqs = integer(0), (variable("first_seq"), variable("second_seq"))
    goes_first = any_of((key < key, all_of((key.equals(key), seqs[0] < seqs[1]))))
    return ledger.prove("fifo: later arrivals go behind", [goes_first], [seqs[0] <= seqs[1]])


def _prove_in_time(subject: Subject, key: ir.Expr, ledger: Ledger) -> ByArrival | Unknown:
    horizon = guess_horizon(subject.policy, subject.queue.order, subject.used)
    keys, nows, known = [], [], []
    for prefix in ("first_", "second_"):
        at, facts = _moment(subject, prefix)
        keys.append(encode(key, at))
        nows.append(at.inputs[ir.Input.NOW])
        known += [*facts, *at.constraints]
    name = f"order `{subject.queue.order.name}`: who arrives later than the horizon goes behind"
    goal = nows[0] <= nows[1] + integer(horizon)
    gap = ledger.prove(name, (*known, keys[0] <= keys[1]), [goal])
    if gap is None:
        return ByArrival(horizon)
    if gap.reason is Reason.INDUCTION_FAILED:
        return Unknown(Reason.NO_RULE, "its key is no time of arrival plus something bounded")
    return gap


def _prove_divisors(subject: Subject, ledger: Ledger) -> Unknown | None:
    """No division by zero, whatever the inputs."""
    at, known = _moment(subject, "any_")
    divisors = [
        encode(node.right, at)
        for expr in (*expressions(subject.queue.order), subject.queue.slice)
        for node in walk(expr)
        if isinstance(node, ir.Arith) and node.op is ir.ArithOp.DIV
    ]
    goals = [divisor >= integer(1) for divisor in divisors if divisor.literal is None]
    if not goals:
        return None
    return ledger.prove("no divisor is 0", (*known, *at.constraints), goals)
