"""What guards are worth: how late a queue that becomes overdue is served.

Method: fix a moment m. While the CPU serves deadlines not after m, every turn uses up part of a
reserve: each other `after` guard has one turn left before m, each share guard what it is owed up to
m and one turn. The lemmas are queries about one turn of one guard beside any others (`roles`); only
their sums are taken over all guards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from schedlang.prover.arbiter import (
    Arbitration,
    Draw,
    Guarded,
    State,
    Turn,
    free_draw,
    free_state,
    placed_turns,
    runs,
    turns,
)
from schedlang.prover.roles import guard_roles
from schedlang.prover.solver import Ledger
from schedlang.prover.terms import (
    FALSE,
    Term,
    all_of,
    between,
    integer,
    total,
    variable,
    when,
)
from schedlang.prover.verdict import Reason, Unknown

PERCENT = integer(100)
ZERO = integer(0)


@final
@dataclass(frozen=True, slots=True)
class GuardFacts:
    """`lag_ns`: a non-empty share-guarded queue is never overdue for longer. `delay_ns`, by guard:
    from any moment at which its queue is non-empty, the queue is served within it (not counting a
    turn of its own that is running then).
    """

    lag_ns: int
    delay_ns: tuple[int, ...]


def guard_facts(arbitration: Arbitration, ledger: Ledger) -> GuardFacts | Unknown:
    shares = sum(guard.high for guard in arbitration.guards if guard.is_share)
    if shares >= 100:
        return Unknown(Reason.NO_RULE, "the share guards may ask for all of the time")
    for guard in arbitration.guards:
        gap = prove_guard(*guard_roles(arbitration, guard), ledger.of_roles())
        if gap is not None:
            return gap
    lag = _lag(arbitration, shares, ledger)
    if isinstance(lag, Unknown):
        return lag
    delays: list[int] = []
    for guard in arbitration.guards:
        delay = _delay(arbitration, guard, lag, ledger)
        if isinstance(delay, Unknown):
            return delay
        delays.append(delay)
    return GuardFacts(lag, tuple(delays))


def prove_guard(arbitration: Arbitration, guard: Guarded, ledger: Ledger) -> Unknown | None:
    """What the bounds rest on, for one of the arbitration's guards."""
    proofs = (_prove_not_passed, _prove_reserve, _prove_kept, _prove_slack, _prove_settled)
    for prove in proofs:
        gap = prove(arbitration, guard, ledger)
        if gap is not None:
            return gap
    return _prove_past(arbitration, guard, ledger) if guard.is_share else None


def _prove_not_passed(arbitration: Arbitration, guard: Guarded, ledger: Ledger) -> Unknown | None:
    """While the guard is overdue, only guards with a deadline not after its own are served."""
    state = free_state(arbitration, "")
    draw = free_draw(arbitration, "", occupied=guard.queue)
    own = state.due[guard.index]
    goals = [
        turn.condition.implies(FALSE if turn.guard is None else state.due[turn.guard] <= own)
        for turn in turns(arbitration, state, draw)
    ]
    return ledger.prove(
        f"the guard on `{guard.name}` is not passed while overdue",
        (*draw.known, own <= state.now),
        goals,
    )


def reserve(arbitration: Arbitration, guard: Guarded, due: Term, m: Term) -> Term:
    """A hundred times the service that the guard can still get with deadlines up to m."""
    turn = integer(100 * arbitration.max_turn_ns[guard.queue])
    if guard.is_share:
        turn = (m - due) * integer(guard.high) + turn
    return when(due <= m, turn, ZERO)


def _prove_reserve(arbitration: Arbitration, guard: Guarded, ledger: Ledger) -> Unknown | None:
    """A turn for a deadline up to m uses up the reserve of its guard, and adds to no other's."""
    m, (state, draw) = variable("m"), _step(arbitration, None)
    before = reserve(arbitration, guard, state.due[guard.index], m)
    goals = []
    for turn in turns(arbitration, state, draw):
        if turn.guard is not None:
            after = reserve(arbitration, guard, turn.after.due[guard.index], m)
            used = draw.ran * PERCENT if turn.guard == guard.index else ZERO
            taken = all_of((*runs(arbitration, turn, draw), state.due[turn.guard] <= m))
            goals.append(taken.implies(after + used <= before))
    name = f"a turn of the guard on `{guard.name}` uses up its reserve"
    return ledger.prove(name, (*draw.known, m <= state.now), goals)


def _prove_kept(arbitration: Arbitration, guard: Guarded, ledger: Ledger) -> Unknown | None:
    """While the queue is non-empty here, only its own turns change its deadline."""
    state, draw = _step(arbitration, guard.queue)
    index = guard.index
    others = [t for t in turns(arbitration, state, draw) if t.queue != guard.queue]
    goals = [t.condition.implies(t.after.due[index].equals(state.due[index])) for t in others]
    name = f"the deadline of the guard on `{guard.name}` stays while it waits"
    return ledger.prove(name, draw.known, goals)


def _prove_slack(arbitration: Arbitration, guard: Guarded, ledger: Ledger) -> Unknown | None:
    """The deadline is never further ahead than one turn, or one delay, puts it."""
    state, draw = _step(arbitration, None)
    slack, index = integer(_slack(arbitration, guard)), guard.index
    goals = [
        all_of(runs(arbitration, t, draw)).implies(t.after.due[index] <= t.after.now + slack)
        for t in _all_turns(arbitration, state, draw)
    ]
    goals.append(_seen_empty(arbitration, guard, state, draw) <= state.now + slack)
    hypotheses = (*draw.known, state.due[index] <= state.now + slack)
    return ledger.prove(f"the guard on `{guard.name}`: its deadline is near", hypotheses, goals)


def _prove_settled(arbitration: Arbitration, guard: Guarded, ledger: Ledger) -> Unknown | None:
    """A turn of the queue, whoever grants it, leaves an `after` guard no reserve at its end."""
    state, draw = _step(arbitration, None)
    own = [] if guard.is_share else _all_turns(arbitration, state, draw)
    goals = [
        all_of(runs(arbitration, t, draw)).implies(t.after.due[guard.index] > t.after.now)
        for t in own
        if t.queue == guard.queue
    ]
    if not goals:
        return None
    name = f"a turn of the guard's queue `{guard.name}` settles it"
    return ledger.prove(name, draw.known, goals)


def _prove_past(arbitration: Arbitration, guard: Guarded, ledger: Ledger) -> Unknown | None:
    """Once the deadline has passed a moment x that is over, it does not return before x."""
    x, (state, draw) = variable("x"), _step(arbitration, None)
    own = state.due[guard.index]
    goals = [
        all_of(runs(arbitration, t, draw)).implies(t.after.due[guard.index] > x)
        for t in _all_turns(arbitration, state, draw)
    ]
    seen = _seen_empty(arbitration, guard, state, draw)
    goals += [seen > x, seen >= state.now]
    hypotheses = (*draw.known, own > x, state.now >= x)
    name = f"the guard on `{guard.name}`: its deadline does not go back"
    return ledger.prove(name, hypotheses, goals)


def _lag(arbitration: Arbitration, shares: int, ledger: Ledger) -> int | Unknown:
    """Since the deadline x passed: the turn that was running, then only deadlines up to x, for
    which there was the reserve of the moment after that turn, where by induction no lag was longer.
    Of the queue's own reserve one turn is left, since its deadline is x.
    """
    turns_ns = [(guard, arbitration.max_turn_ns[guard.queue]) for guard in arbitration.guards]
    left = min((ns for guard, ns in turns_ns if guard.is_share), default=0)
    reserved = sum(ns for _, ns in turns_ns) - left
    longest = max(arbitration.max_turn_ns)
    lag = -(-100 * (longest + reserved) // (100 - shares))
    x, first, now = variable("x"), variable("first"), variable("now")
    debts, known = _debts(arbitration.guards, lag)
    hypotheses = (
        *known,
        between_terms(x, first, x + integer(longest)),
        (now - first) * PERCENT <= debts + integer(100 * reserved),
    )
    gap = ledger.prove("share guards lag no further", hypotheses, [now - x <= integer(lag)])
    return lag if gap is None else gap


def _delay(arbitration: Arbitration, guard: Guarded, lag: int, ledger: Ledger) -> int | Unknown:
    """While the queue is not served: its deadline, the turn that runs then, and the reserves.

    That turn is another queue's, and if that has an `after` guard, it is its reserve.
    """
    slack = _slack(arbitration, guard)
    if guard.is_share:
        return slack + lag
    others = [g for g in arbitration.guards if g.queue != guard.queue]
    settled = {guard.queue, *(g.queue for g in others if not g.is_share)}
    running = (ns for q, ns in enumerate(arbitration.max_turn_ns) if q not in settled)
    longest = max(running, default=0)
    reserved = sum(arbitration.max_turn_ns[g.queue] for g in others)
    owed = sum(g.high for g in others if g.is_share) * lag
    delay = slack + longest + reserved + -(-owed // 100)
    start, m, first, now = (variable(name) for name in ("start", "m", "first", "now"))
    debts, known = _debts(tuple(others), lag)
    hypotheses = (
        *known,
        m <= start + integer(slack),
        first <= start + integer(slack + longest),
        (now - first) * PERCENT <= debts + integer(100 * reserved),
    )
    goal = now - start <= integer(delay)
    gap = ledger.prove(f"the guard on `{guard.name}` serves in time", hypotheses, [goal])
    return delay if gap is None else gap


def _debts(guards: tuple[Guarded, ...], lag: int) -> tuple[Term, list[Term]]:
    """A hundred times what the share guards among `guards` are owed, if none lags by more."""
    shares = [g for g in guards if g.is_share]
    lags = [variable(f"lag{g.index}") for g in shares]
    owed = [lag_k * integer(g.high) for lag_k, g in zip(lags, shares, strict=True)]
    return total(owed, ZERO), [between(0, lag_k, lag) for lag_k in lags]


def _slack(arbitration: Arbitration, guard: Guarded) -> int:
    if not guard.is_share:
        return guard.high
    return -(-arbitration.max_turn_ns[guard.queue] * (100 - guard.low) // guard.low)


def _step(arbitration: Arbitration, occupied: int | None) -> tuple[State, Draw]:
    return free_state(arbitration, ""), free_draw(arbitration, "", occupied=occupied)


def _all_turns(arbitration: Arbitration, state: State, draw: Draw) -> tuple[Turn, ...]:
    """To a guard, a stolen turn is one that was placed after all queues were seen empty."""
    return turns(arbitration, state, draw) + placed_turns(arbitration, state, draw)


def _seen_empty(arbitration: Arbitration, guard: Guarded, state: State, draw: Draw) -> Term:
    if guard.is_share:
        return arbitration.rules.share_seen_empty(state.due[guard.index], state.now)
    return arbitration.rules.after_seen_empty(state.now, draw.quantities[guard.index])


def between_terms(low: Term, term: Term, high: Term) -> Term:
    return all_of((low <= term, term <= high))
