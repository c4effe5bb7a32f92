"""Fairness between the tasks of one queue, on one CPU.

Two tasks that stay in the queue, waiting or running, are charged alike: whoever starts while the
other waits has a v that is hardly greater, so that neither gets ahead; and no clamp moves a v that
its own turns would not, but once. Everything is asked of the order's own handlers; the sum is a
query as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import final

from schedlang.ir import nodes as ir
from schedlang.prover.corners import Pace
from schedlang.prover.encode import Moment
from schedlang.prover.extremes import supremum
from schedlang.prover.order import prove_order
from schedlang.prover.pairs import two_arrivals
from schedlang.prover.solver import Ledger
from schedlang.prover.subject import Subject, appear, arrive, clock_and_v, free_moment, stop
from schedlang.prover.terms import FALSE, Term, greatest, integer, variable
from schedlang.prover.verdict import Reason, Unknown
from schedlang.units import duration


@final
@dataclass(frozen=True, slots=True)
class FairTasks:
    """|s_i * 100 / w_i - s_j * 100 / w_j| <= bound_ns in every window in which both tasks wait in
    the queue or run; the service s is counted as the order charges it. `formula` is the bound for
    the weights w_i and w_j.
    """

    bound_ns: int
    formula: str
    assumptions: tuple[str, ...]


def prove_fair_tasks(subject: Subject, tick_ns: int, ledger: Ledger) -> FairTasks | Unknown:
    """On one CPU; with more, a task of a great weight can never use its share."""
    key = subject.queue.order.key
    if key is None:
        return Unknown(
            Reason.NO_BOUND,
            "`fifo` is fair by turns, of which no task gets two before another's one;"
            " it does not look at how long they are",
        )
    if key.type is ir.Type.TIME:
        return Unknown(Reason.NO_BOUND, "a key in time does not look at what a task has used")
    pace = prove_order(subject, ledger)
    if isinstance(pace, Unknown):
        return pace
    assert isinstance(pace, Pace)
    limits = _prove_charge(subject, ledger) or _find_limits(subject, pace, ledger)
    if isinstance(limits, Unknown):
        return limits
    gap = _prove_limits(subject, pace, limits, ledger) or _prove_sum(limits, ledger)
    return gap or FairTasks(
        limits.fixed + limits.turn + max(limits.turn, limits.ahead),
        _formula(subject, limits),
        (
            f"a turn lasts at most its slice and {duration(tick_ns)} until the tick",
            "service is what the order charges: for a turn 1us at least, rounded down to 1ns",
            "both tasks wait in the queue or run throughout the window, and keep their weights",
        ),
    )


@final
@dataclass(frozen=True, slots=True)
class _Limits:
    """What two tasks of the queue can differ by.

    `behind`: v is no further behind the clock while its task is runnable. `ahead`: no arrival puts
    it further ahead, but for what a turn was charged. `turn`: the most that a turn is charged.
    `horizon`: whoever starts while another waits has a v that is greater by at most that.
    """

    behind: int
    ahead: int
    turn: int
    horizon: int

    @property
    def fixed(self) -> int:
        return self.behind + self.horizon


def _formula(subject: Subject, limits: _Limits) -> str:
    charge = f"{duration(Fraction(subject.turn_ns))} * 100 / w"
    return (
        f"{duration(Fraction(limits.fixed))} + {charge}_i"
        f" + max({charge}_j, {duration(Fraction(limits.ahead))})"
    )


def _prove_charge(subject: Subject, ledger: Ledger) -> Unknown | None:
    at = free_moment(subject, "stop_")
    _, before = clock_and_v(subject, at)
    stop(subject, at)
    _, after = clock_and_v(subject, at)
    weight, charge = at.attribute(ir.Attribute.WEIGHT), after - before
    used = at.inputs[ir.Input.USED] * integer(100)
    most = subject.used.hi * 100 // subject.weights.lo
    goals = [charge * weight <= used, used < (charge + integer(1)) * weight]
    goals.append(charge <= integer(most))
    name = f"order `{subject.queue.order.name}`: a turn is charged used * 100 / weight"
    gap = ledger.prove(name, at.constraints, goals)
    if gap is None or gap.reason is not Reason.INDUCTION_FAILED:
        return gap
    order = subject.queue.order.name
    return Unknown(Reason.NO_RULE, f"order `{order}` does not charge `used * 100 / weight`")


def _goes_on(subject: Subject, pace: Pace) -> tuple[Moment, Term, Term, Term]:
    """A task arrives after a turn without having slept: its clock, its v before and after."""
    at = free_moment(subject, "join_")
    clock, before = clock_and_v(subject, at)
    arrive(subject, at, FALSE)
    at.constraints.append(before <= clock + integer(max(pace.spent, pace.lead)))
    return at, clock, before, clock_and_v(subject, at)[1]


def _find_limits(subject: Subject, pace: Pace, ledger: Ledger) -> _Limits | Unknown:
    fresh = free_moment(subject, "fork_")
    appear(subject, fresh)
    clock, v = clock_and_v(subject, fresh)
    ahead = supremum(fresh.constraints, v - clock, pace.fork, ledger.effort)
    pair = two_arrivals(subject, pace, blurs=False)
    not_after = (*pair.known, pair.keys[0] <= pair.keys[1])
    horizon = supremum(not_after, pair.vs[0] - pair.vs[1], pace.horizon + 1, ledger.effort)
    if not (isinstance(ahead, int) and isinstance(horizon, int)):
        return Unknown(Reason.SOLVER_LIMIT, f"the limits of order `{subject.queue.order.name}`")
    # A task that was placed on the idle CPU may start while one waits that came just after it.
    placed = pace.lead if subject.policy.places else 0
    turn = subject.used.hi * 100 // subject.weights.lo
    return _Limits(pace.lag + placed, max(ahead, 0), turn, max(horizon, 0))


def _prove_limits(subject: Subject, pace: Pace, limits: _Limits, ledger: Ledger) -> Unknown | None:
    name = f"order `{subject.queue.order.name}`"
    fresh = free_moment(subject, "fork_")
    appear(subject, fresh)
    clock, v = clock_and_v(subject, fresh)
    goal = v <= clock + integer(limits.ahead)
    gap = ledger.prove(f"{name}: a new task starts near the clock", fresh.constraints, [goal])
    if gap is not None:
        return gap
    pair = two_arrivals(subject, pace, blurs=False)
    goes_first = pair.keys[0] <= pair.keys[1]
    goal = goes_first.implies(pair.vs[0] <= pair.vs[1] + integer(limits.horizon))
    gap = ledger.prove(f"{name}: who goes first is not far ahead", pair.known, [goal])
    if gap is not None:
        return gap
    at, clock, before, after = _goes_on(subject, pace)
    # INVARIANT: while a task waits, it falls behind by the horizon at most; no clamp moves that.
    goals = [before <= after, after <= greatest(before, clock - integer(limits.horizon))]
    gap = ledger.prove(f"{name}: no clamp moves a task that goes on", at.constraints, goals)
    if gap is None or gap.reason is not Reason.INDUCTION_FAILED:
        return gap
    return Unknown(
        Reason.INDUCTION_FAILED,
        f"a clamp of {name} moves a task that goes on, though it is no further behind the clock"
        f" than the key lets it fall, {duration(Fraction(limits.horizon))}",
    )


def _prove_sum(limits: _Limits, ledger: Ledger) -> Unknown | None:
    """One task starts for the last time in the window, while the other waits."""
    clock, one, two, lift = (variable(n) for n in ("clock", "one_v", "two_v", "two_lift"))
    one_start, two_then = variable("one_start"), variable("two_then")
    one_charge, two_charge = variable("one_charge"), variable("two_charge")
    turn = integer(limits.turn)
    most = integer(max(limits.turn, limits.ahead))
    known = (
        one >= clock - integer(limits.behind),
        two <= clock + most,
        lift >= integer(0),
        two + lift <= greatest(two, clock - integer(limits.horizon)),
        two_then.equals(two + two_charge + lift),
        one_start <= two_then + integer(limits.horizon),
        one_charge <= one_start + turn - one,
    )
    bound = integer(limits.fixed) + turn + most
    goal = one_charge <= two_charge + bound
    return ledger.prove("two tasks of a queue are charged alike", known, [goal])
