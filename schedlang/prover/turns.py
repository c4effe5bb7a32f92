"""What a turn in virtual time does: how far v comes until the task's next arrival, and how long the
turn can have been for that."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import final

from schedlang.ir import nodes as ir
from schedlang.prover.corners import Pace
from schedlang.prover.extremes import FAR, Beyond, supremum
from schedlang.prover.solver import Ledger, decide
from schedlang.prover.subject import Subject, arrive, clock_and_v, free_moment, stop
from schedlang.prover.terms import Term, all_of, any_of, integer, negation, script, variable
from schedlang.prover.verdict import Reason, Unknown

MOST_RATIOS = 12


@final
@dataclass(frozen=True, slots=True)
class _Turn:
    """A turn, and the task's next arrival: how far v comes, unless it comes past all who wait."""

    used: Term
    moved: Term
    goes_past: Term
    known: tuple[Term, ...]


def _turn(subject: Subject, pace: Pace, blurs: bool) -> _Turn:
    at = free_moment(subject, "stop_", blurs=blurs)
    clock, start = clock_and_v(subject, at)
    stop(subject, at)
    then = free_moment(subject, "join_", blurs=blurs)
    then.order_states = at.order_states
    arrive(subject, then)
    later, after = clock_and_v(subject, then)
    known = (
        *at.constraints,
        *then.constraints,
        start <= clock,
        clock <= later,
        at.inputs[ir.Input.NOW] <= then.inputs[ir.Input.NOW],
        _MOVED.equals(after - start),
    )
    goes_past = after > later + integer(pace.lead + pace.horizon)
    return _Turn(at.inputs[ir.Input.USED], _MOVED, goes_past, known)


_MOVED = variable("moved")


def with_charge(subject: Subject, pace: Pace, ledger: Ledger, blurs: bool) -> Pace | Unknown:
    """A turn moves v on."""
    name = subject.queue.order.name
    turn = _turn(subject, pace, blurs)
    trial = Ledger(ledger.effort)
    gap = _prove_charge(name, turn, pace.charge, trial) if pace.charge > 0 else None
    if gap is None and pace.charge > 0:
        ledger.obligations += trial.obligations
        return replace(pace, charge=_unless_anew(pace, pace.charge))
    known = (*turn.known, negation(turn.goes_past))
    least = supremum(known, integer(0) - turn.moved, -pace.charge, ledger.effort)
    if least is None:
        return Unknown(Reason.SOLVER_LIMIT, f"the charge of order `{name}`")
    if isinstance(least, Beyond) or least > -1:
        return Unknown(Reason.INDUCTION_FAILED, f"a turn need not move a task on in order `{name}`")
    gap = _prove_charge(name, turn, -least, ledger)
    return gap or replace(pace, charge=_unless_anew(pace, -least))


def _prove_charge(name: str, turn: _Turn, charge: int, ledger: Ledger) -> Unknown | None:
    goal = any_of((turn.goes_past, turn.moved >= integer(charge)))
    return ledger.prove(f"order `{name}`: a turn moves v on", turn.known, [goal])


def _unless_anew(pace: Pace, moved: int) -> int:
    """A move that is left if the task arrives again: its v is then what it was, or `kept` ahead of
    a clock that is not behind the turn's start."""
    keeps = pace.kept >= pace.lead or pace.kept > pace.lead + pace.horizon
    return moved if keeps else min(moved, pace.kept)


def with_service(subject: Subject, pace: Pace, ledger: Ledger, blurs: bool) -> Pace:
    """`pace` with how long turns can be that move v by a given amount."""
    turn = _turn(subject, pace, blurs)
    name = f"order `{subject.queue.order.name}`: long turns move v far"
    ratio = pace.per_charge
    for tries in range(MOST_RATIOS):
        most = (turn.moved + integer(1)) * integer(ratio.numerator)
        is_paid = turn.used * integer(ratio.denominator) <= most
        trial = Ledger(ledger.effort)
        if trial.prove(name, turn.known, [any_of((turn.goes_past, is_paid))]) is None:
            ledger.obligations += trial.obligations
            anew = Fraction(subject.turn_ns, _unless_anew(pace, FAR) + 1)
            return replace(pace, per_charge=max(ratio, anew))
        free = all_of((negation(turn.goes_past), negation(is_paid)))
        model = decide(script((*turn.known, free)), ledger.effort.rlimit).model
        if not model:
            break
        found = Fraction(model[turn.used.text], model[_MOVED.text] + 1)
        ratio = max(found, ratio * (1 if tries < MOST_RATIOS // 2 else 2))
    # Every turn moves v by its charge, and none is longer than the longest.
    return replace(pace, per_charge=Fraction(subject.turn_ns))
