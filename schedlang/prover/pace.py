"""The constants of an order in virtual time, each of them proved of the order's own handlers.

The interpreter's corner values are tried first; what they do not give is looked for (`extremes`).
Either way the solver decides, for any params, attributes and states.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

from schedlang.ir import nodes as ir
from schedlang.ir.walk import walk
from schedlang.prover.corners import Pace, guess_pace
from schedlang.prover.encode import Moment
from schedlang.prover.extremes import FAR, Beyond, supremum
from schedlang.prover.solver import Effort, Ledger, decide
from schedlang.prover.subject import (
    Subject,
    appear,
    arrive,
    clock_and_v,
    free_moment,
    key_of,
    stop,
)
from schedlang.prover.terms import Term, all_of, integer, negation, script, variable
from schedlang.prover.verdict import Reason, Unknown

MOST_ROUNDS = 4
MOST_RATIOS = 12


def prove_pace(subject: Subject, ledger: Ledger, *, blurs: bool) -> Pace | Unknown:
    guess = guess_pace(subject.policy, subject.queue, subject.weights, subject.used)
    trial = Ledger(ledger.effort)
    pace: Pace | Unknown = guess
    if _flaw(subject, guess) is not None or _prove_all(subject, guess, trial, blurs):
        trial = Ledger(ledger.effort)
        pace = _search(subject, guess, trial.effort, blurs)
        if not isinstance(pace, Unknown):
            pace = _flaw(subject, pace) or _prove_all(subject, pace, trial, blurs) or pace
    if not isinstance(pace, Unknown):
        pace = _with_horizon(subject, pace, trial, blurs)
    if not isinstance(pace, Unknown):
        pace = _with_service(subject, pace, trial, blurs)
    ledger.obligations += trial.obligations
    return pace


def _flaw(subject: Subject, pace: Pace) -> Unknown | None:
    name = subject.queue.order.name
    if pace.lag > FAR:
        return Unknown(
            Reason.NO_BOUND,
            f"nothing in order `{name}` lifts a task that joins to the clock:"
            " one that has slept goes first for as long as it slept",
        )
    if pace.charge < 1:
        return Unknown(
            Reason.INDUCTION_FAILED, f"a turn need not move a task on in order `{name}`"
        )
    if pace.fork < 1:
        return Unknown(
            Reason.INDUCTION_FAILED,
            f"a new task need not start behind the clock of order `{name}`:"
            " tasks that are forked again and again can go first for ever",
        )
    if pace.lead > FAR:
        return Unknown(
            Reason.NO_BOUND,
            f"a task can be put so far ahead in order `{name}` that all others go before it"
            " for hours",
        )
    return None


# --- the lemmas


Lemma = Callable[[Subject, Pace, Moment], tuple[list[Term], list[Term]]]
"""What is known of the moment, and what follows."""


def _prove_all(subject: Subject, pace: Pace, ledger: Ledger, blurs: bool) -> Unknown | None:
    lemmas: tuple[tuple[str, str, Lemma], ...] = (
        ("stop_", "a turn moves v on", _stopped),
        ("join_", "an arriving v is near the clock", _arrived),
        ("fork_", "a new task starts ahead of the clock", _appeared),
    )
    for prefix, says, lemma in lemmas:
        at = free_moment(subject, prefix, blurs=blurs)
        known, goals = lemma(subject, pace, at)
        name = f"order `{subject.queue.order.name}`: {says}"
        gap = ledger.prove(name, (*at.constraints, *known), goals)
        if gap is not None:
            return gap
    return None


def _stopped(subject: Subject, pace: Pace, at: Moment) -> tuple[list[Term], list[Term]]:
    clock, before = clock_and_v(subject, at)
    stop(subject, at)
    _, after = clock_and_v(subject, at)
    goals = [after >= before + integer(pace.charge), after <= clock + integer(pace.lead)]
    return [before <= clock], goals


def _arrived(subject: Subject, pace: Pace, at: Moment) -> tuple[list[Term], list[Term]]:
    clock, before = clock_and_v(subject, at)
    arrive(subject, at)
    _, after = clock_and_v(subject, at)
    lead = integer(pace.lead)
    goals = [
        after >= before,
        after >= clock - integer(pace.lag),
        (before <= clock + lead).implies(after <= clock + lead),
    ]
    return [], goals


def _appeared(subject: Subject, pace: Pace, at: Moment) -> tuple[list[Term], list[Term]]:
    appear(subject, at)
    clock, v = clock_and_v(subject, at)
    return [], [v >= clock + integer(pace.fork), v <= clock + integer(pace.lead)]


# --- the search for their constants


def _search(subject: Subject, guess: Pace, effort: Effort, blurs: bool) -> Pace | Unknown:
    """The least constants, one after the other; where there is none, one beyond `FAR`."""
    find = _Finder(subject, effort, blurs)
    turn = find.turn()
    fresh = find.fresh()
    charge = -find(turn, lambda _, before, after: before - after, -guess.charge)
    fork = -find(fresh, lambda clock, _, v: clock - v, -guess.fork)
    ahead = [find(m, lambda clock, _, v: v - clock, guess.lead) for m in (turn, fresh)]
    lag = find(find.arrival(None), lambda clock, _, v: clock - v, guess.lag)
    lead = max(*ahead, 0)
    for _ in range(MOST_ROUNDS):
        lifted = find(find.arrival(lead), lambda clock, _, v: v - clock, lead)
        if lifted <= lead or find.gave_up:
            break
        lead = lifted
    if find.gave_up:
        name = f"the constants of order `{subject.queue.order.name}`"
        return Unknown(Reason.SOLVER_LIMIT, name)
    return replace(guess, lead=lead, lag=max(lag, 0), fork=fork, charge=charge)


Evaluation = tuple[Moment, Term, Term, Term, list[Term]]
"""The moment, its clock, v before and after, and what else is known."""


class _Finder:
    """Greatest values of what happens to v. `gave_up` is whether the solver did."""

    def __init__(self, subject: Subject, effort: Effort, blurs: bool) -> None:
        self._subject, self._effort, self._blurs = subject, effort, blurs
        self.gave_up = False

    def turn(self) -> Evaluation:
        return self._evaluation("stop_", stop, lambda clock, before: [before <= clock])

    def fresh(self) -> Evaluation:
        return self._evaluation("fork_", appear, lambda _clock, _before: [])

    def arrival(self, lead: int | None) -> Evaluation:
        """Of a v that was at most `lead` ahead of the clock."""
        return self._evaluation(
            "join_",
            arrive,
            lambda clock, before: [] if lead is None else [before <= clock + integer(lead)],
        )

    def _evaluation(
        self,
        prefix: str,
        happen: Callable[[Subject, Moment], None],
        known: Callable[[Term, Term], list[Term]],
    ) -> Evaluation:
        at = free_moment(self._subject, prefix, blurs=self._blurs)
        clock, before = clock_and_v(self._subject, at)
        happen(self._subject, at)
        return at, clock, before, clock_and_v(self._subject, at)[1], known(clock, before)

    def __call__(
        self, where: Evaluation, term: Callable[[Term, Term, Term], Term], guess: int
    ) -> int:
        at, clock, before, after, known = where
        constraints = (*at.constraints, *known)
        found = supremum(constraints, term(clock, before, after), guess, self._effort)
        self.gave_up |= found is None
        return found if isinstance(found, int) else FAR + 1


# --- the key and the service


def _with_horizon(
    subject: Subject, pace: Pace, ledger: Ledger, blurs: bool
) -> Pace | Unknown:
    """Of two waiting tasks the one that came later goes first only if its v is at most `horizon`
    greater."""
    name = subject.queue.order.name
    (keys, clocks, vs, nows), known = two_arrivals(subject, pace, blurs)
    known += [clocks[1] <= clocks[0], nows[1] <= nows[0]]
    horizon = -1
    if not isinstance(subject.queue.order.key, ir.StateRef):
        constraints = (*known, keys[0] < keys[1])
        found = supremum(constraints, vs[0] - vs[1], pace.horizon, ledger.effort)
        if found is None:
            return Unknown(Reason.SOLVER_LIMIT, f"the horizon of order `{name}`")
        if isinstance(found, Beyond):
            return Unknown(
                Reason.NO_BOUND, f"the key of order `{name}` need not follow its vtime state"
            )
        horizon = found
    goal = (keys[0] < keys[1]).implies(vs[0] <= vs[1] + integer(horizon))
    says = f"order `{name}`: who comes later and goes first is not far ahead"
    return ledger.prove(says, known, [goal]) or replace(pace, horizon=horizon)


def two_arrivals(
    subject: Subject, pace: Pace, blurs: bool
) -> tuple[tuple[list[Term], list[Term], list[Term], list[Term]], list[Term]]:
    """The keys, clocks, vs and times of two arrivals, and what is known of them."""
    columns: tuple[list[Term], list[Term], list[Term], list[Term]] = ([], [], [], [])
    known: list[Term] = []
    reads_more = _reads_more_than_v(subject)
    for prefix in ("first_", "second_"):
        at = free_moment(subject, prefix, blurs=blurs)
        clock, v = clock_and_v(subject, at)
        if reads_more:
            known.append(v <= clock + integer(pace.lead))
            arrive(subject, at)
            _, v = clock_and_v(subject, at)
        values = (key_of(subject, at), clock, v, at.inputs[ir.Input.NOW])
        for column, value in zip(columns, values, strict=True):
            column.append(value)
        near = all_of((clock - integer(pace.lag) <= v, v <= clock + integer(pace.lead)))
        known += [*at.constraints, near]
    return columns, known


def _reads_more_than_v(subject: Subject) -> bool:
    """Whether the key depends on a state that is not free in its range after an arrival."""
    key = subject.queue.order.key
    assert key is not None
    own = {n.index for n in walk(key) if isinstance(n, ir.StateRef) and n.owner is ir.Owner.ORDER}
    times = [n for n in walk(key) if isinstance(n, ir.StateRef) and n.type is ir.Type.TIME]
    return bool(times or own - {subject.queue.order.clock_state})


def _with_service(subject: Subject, pace: Pace, ledger: Ledger, blurs: bool) -> Pace:
    """`pace` with how long turns can be that add a given amount to v, if the solver confirms it."""
    at = free_moment(subject, "stop_", blurs=blurs)
    clock, before = clock_and_v(subject, at)
    used = at.inputs[ir.Input.USED]
    stop(subject, at)
    _, after = clock_and_v(subject, at)
    moved, known = variable("moved"), [*at.constraints, before <= clock]
    known.append(moved.equals(after - before))
    name = f"order `{subject.queue.order.name}`: long turns move v far"
    ratio = pace.per_charge
    for tries in range(MOST_RATIOS):
        goal = used * integer(ratio.denominator) <= (moved + integer(1)) * integer(ratio.numerator)
        trial = Ledger(ledger.effort)
        if trial.prove(name, known, [goal]) is None:
            ledger.obligations += trial.obligations
            return replace(pace, per_charge=ratio)
        model = decide(script((*known, negation(goal))), ledger.effort.rlimit).model
        if not model or tries and ratio >= subject.turn_ns:
            break
        found = Fraction(model[used.text], model[moved.text] + 1)
        ratio = max(found, ratio * (1 if tries < MOST_RATIOS // 2 else 2))
    return replace(pace, per_charge=Fraction(subject.turn_ns))
