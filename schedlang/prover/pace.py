"""The constants of an order in virtual time, each of them proved of the order's own handlers.

The interpreter's corner values are tried first; what they do not give is looked for (`extremes`).
Either way the solver decides, for any params, attributes and states.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from schedlang.prover.corners import Pace, guess_pace
from schedlang.prover.encode import Moment
from schedlang.prover.extremes import FAR, supremum
from schedlang.prover.pairs import with_horizon
from schedlang.prover.solver import Effort, Ledger
from schedlang.prover.subject import (
    Subject,
    appear,
    arrive,
    clock_and_v,
    come_over,
    free_moment,
    stop,
)
from schedlang.prover.terms import Term, any_of, integer
from schedlang.prover.turns import with_charge, with_service
from schedlang.prover.verdict import Reason, Unknown

MOST_ROUNDS = 4


def prove_pace(subject: Subject, ledger: Ledger, *, blurs: bool) -> Pace | Unknown:
    guess = guess_pace(subject.policy, subject.queue, subject.weights, subject.used)
    trial = Ledger(ledger.effort)
    pace: Pace | Unknown = _prove_guess(subject, guess, trial, blurs)
    if isinstance(pace, Unknown) or pace.fork < 1:
        trial = Ledger(ledger.effort)
        found = _search(subject, guess, trial.effort, blurs)
        pace = found if isinstance(found, Unknown) else _prove_guess(subject, found, trial, blurs)
    for improve in (with_horizon, _without_flaw, with_charge, with_service):
        if not isinstance(pace, Unknown):
            pace = improve(subject, pace, trial, blurs)
    ledger.obligations += trial.obligations
    return pace


def _prove_guess(subject: Subject, pace: Pace, ledger: Ledger, blurs: bool) -> Pace | Unknown:
    return _flaw(subject, pace) or _prove_near(subject, pace, ledger, blurs) or pace


def _flaw(subject: Subject, pace: Pace) -> Unknown | None:
    name = subject.queue.order.name
    if pace.lag > FAR:
        return Unknown(
            Reason.NO_BOUND,
            f"nothing in order `{name}` lifts a task that joins to the clock:"
            " one that has slept goes first for as long as it slept",
        )
    if max(pace.lead, pace.spent) > FAR:
        return Unknown(
            Reason.NO_BOUND,
            f"a task can get so far ahead in order `{name}` that others go before it for hours",
        )
    return None


def _without_flaw(subject: Subject, pace: Pace, _ledger: Ledger, _blurs: bool) -> Pace | Unknown:
    """Those that come without a turn before get behind the clock, or behind all who wait."""
    name, top = subject.queue.order.name, pace.lead + pace.horizon
    if pace.fork < 1 and pace.fork <= top:
        return Unknown(
            Reason.INDUCTION_FAILED,
            f"a new task need not start behind the clock of order `{name}`:"
            " tasks that are forked again and again can go first for ever",
        )
    if pace.kept < 1 and pace.kept < pace.lead and pace.kept <= top:
        return Unknown(
            Reason.INDUCTION_FAILED,
            f"a task that joins order `{name}` again without a turn may come further forward",
        )
    return pace


# --- v is near the clock


def _prove_near(subject: Subject, pace: Pace, ledger: Ledger, blurs: bool) -> Unknown | None:
    lemmas: list[tuple[str, str, _Lemma]] = [
        ("stop_", "a turn puts v not far ahead", _stopped),
        ("join_", "an arriving v is near the clock", _arrived),
        ("fork_", "a new task starts ahead of the clock", _appeared),
    ]
    if subject.hop:
        lemmas.append(("hop_", "so does one from another instance", _came_over))
    for prefix, says, lemma in lemmas:
        at = free_moment(subject, prefix, blurs=blurs)
        known, goals = lemma(subject, pace, at)
        name = f"order `{subject.queue.order.name}`: {says}"
        gap = ledger.prove(name, (*at.constraints, *known), goals)
        if gap is not None:
            return gap
    return None


_Lemma = Callable[[Subject, Pace, Moment], tuple[list[Term], list[Term]]]
"""What is known of the moment, and what follows."""


def _stopped(subject: Subject, pace: Pace, at: Moment) -> tuple[list[Term], list[Term]]:
    clock, before = clock_and_v(subject, at)
    stop(subject, at)
    _, after = clock_and_v(subject, at)
    return [before <= clock], [after <= clock + integer(pace.spent)]


def _arrived(subject: Subject, pace: Pace, at: Moment) -> tuple[list[Term], list[Term]]:
    """After a turn, or anew because its affinity or weight was changed while it waited."""
    clock, before = clock_and_v(subject, at)
    arrive(subject, at)
    _, after = clock_and_v(subject, at)
    lead = integer(pace.lead)
    goals = [
        after >= clock - integer(pace.lag),
        (before <= clock + lead).implies(
            any_of((after >= before, after >= clock + integer(pace.kept)))
        ),
        after <= clock + lead,
    ]
    return [before <= clock + integer(max(pace.lead, pace.spent))], goals


def _appeared(subject: Subject, pace: Pace, at: Moment) -> tuple[list[Term], list[Term]]:
    appear(subject, at)
    clock, v = clock_and_v(subject, at)
    return [], [v >= clock + integer(pace.fork), v <= clock + integer(pace.lead)]


def _came_over(subject: Subject, pace: Pace, at: Moment) -> tuple[list[Term], list[Term]]:
    """It was no further ahead of the clock of the instance that it comes from."""
    clock, before = clock_and_v(subject, at)
    come_over(subject, at)
    _, v = clock_and_v(subject, at)
    known = [before <= clock + integer(max(pace.lead, pace.spent))]
    return known, [v >= clock + integer(pace.fork), v <= clock + integer(pace.lead)]


def _search(subject: Subject, guess: Pace, effort: Effort, blurs: bool) -> Pace | Unknown:
    """The least constants, one after the other; where there is none, one beyond `FAR`."""
    find = _Finder(subject, effort, blurs)
    fresh = find.evaluation("fork_", appear)
    fork = -find(fresh, lambda clock, v: clock - v, -guess.fork)
    turn = find.evaluation("stop_", stop, 0)
    spent = find(turn, lambda clock, v: v - clock, guess.spent)
    lead = find(fresh, lambda clock, v: v - clock, guess.lead)
    for _ in range(MOST_ROUNDS):
        arrival = find.evaluation("join_", arrive, max(spent, lead))
        lifted = find(arrival, lambda clock, v: v - clock, guess.lead)
        if subject.hop:
            hop = find.evaluation("hop_", come_over, max(spent, lead))
            lifted = max(lifted, find(hop, lambda clock, v: v - clock, guess.lead))
            fork = min(fork, -find(hop, lambda clock, v: clock - v, -fork))
        if lifted <= lead or find.gave_up:
            break
        lead = lifted
    lag = find(find.evaluation("join_", arrive), lambda clock, v: clock - v, guess.lag)
    anew = find.evaluation("join_", arrive, lead, falls=True)
    kept = min(-find(anew, lambda clock, v: clock - v, -lead), lead)
    if find.gave_up:
        name = f"the constants of order `{subject.queue.order.name}`"
        return Unknown(Reason.SOLVER_LIMIT, name)
    return replace(guess, lead=lead, lag=lag, fork=fork, spent=spent, kept=kept)


_Evaluation = tuple[tuple[Term, ...], Term, Term]
"""What is known, the clock, and v after it."""


class _Finder:
    """Greatest values of what happens to v. `gave_up` is whether the solver did."""

    def __init__(self, subject: Subject, effort: Effort, blurs: bool) -> None:
        self._subject, self._effort, self._blurs = subject, effort, blurs
        self.gave_up = False

    def evaluation(
        self,
        prefix: str,
        happen: Callable[[Subject, Moment], None],
        ahead: int | None = None,
        *,
        falls: bool = False,
    ) -> _Evaluation:
        """Of a v that was at most `ahead` of the clock, or that was anywhere; and that is less
        afterwards, if it `falls`."""
        at = free_moment(self._subject, prefix, blurs=self._blurs)
        clock, before = clock_and_v(self._subject, at)
        happen(self._subject, at)
        _, after = clock_and_v(self._subject, at)
        near = [] if ahead is None else [before <= clock + integer(ahead)]
        near += [after < before] if falls else []
        return (*at.constraints, *near), clock, after

    def __call__(self, where: _Evaluation, term: Callable[[Term, Term], Term], guess: int) -> int:
        known, clock, v = where
        found = supremum(known, term(clock, v), guess, self._effort)
        self.gave_up |= found is None
        return found if isinstance(found, int) else FAR + 1
