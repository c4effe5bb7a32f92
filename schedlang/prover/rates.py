"""How much time a guard can take: its rate, which is what the tree loses to it.

An `after` guard serves one turn in every delay and turn. A share guard serves what its deadline
lags behind, and the deadline moves on with the service.
"""

from __future__ import annotations

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
from schedlang.prover.solver import Ledger
from schedlang.prover.terms import Term, all_of, any_of, between, integer, variable
from schedlang.prover.verdict import Unknown

PERCENT = integer(100)
ZERO = integer(0)
START, GIVEN = variable("start"), variable("given")  # of the window; by the guard, since then


def prove_rate(
    arbitration: Arbitration, guard: Guarded, lag_ns: int, ledger: Ledger
) -> Unknown | None:
    """In a window of length T the guard itself serves at most

    - `after D`: turn + T * turn / (turn + D), with what is left of a turn of its queue that goes on
      when the window begins, whoever granted it;
    - `at least S`: turn + (T + lag) * S, if the tree serves its queue not once in the window.
    """
    state, draw = free_state(arbitration, ""), free_draw(arbitration, "")
    known = (*draw.known, state.now >= START, GIVEN >= ZERO)
    if guard.is_share:
        hypotheses, goals = _share_lemma(arbitration, guard, lag_ns, state, draw)
    else:
        hypotheses, goals = _after_lemma(arbitration, guard, state, draw)
    name = f"the guard on `{guard.name}` takes no more than its rate"
    gap = ledger.prove(name, (*known, *hypotheses), goals)
    return gap if guard.is_share else gap or _prove_begun(arbitration, guard, ledger)


Lemma = tuple[list[Term], list[Term]]


def _after_lemma(arbitration: Arbitration, guard: Guarded, state: State, draw: Draw) -> Lemma:
    last, goals = variable("last"), []
    for turn in turns(arbitration, state, draw):
        end = turn.after.now if turn.queue == guard.queue else last
        due = turn.after.due[guard.index]
        kept = _after_holds(arbitration, guard, _given(guard, turn, draw), (START, end), due)
        goals.append(all_of(runs(arbitration, turn, draw)).implies(kept))
    known = _after_holds(arbitration, guard, GIVEN, (START, last), state.due[guard.index])
    return [last <= state.now, known], goals


def _prove_begun(arbitration: Arbitration, guard: Guarded, ledger: Ledger) -> Unknown | None:
    """The window begins in a turn of the queue: what is left of it is as if the guard gave it."""
    state, draw = free_state(arbitration, ""), free_draw(arbitration, "")
    left = variable("left")
    goals = []
    for turn in turns(arbitration, state, draw) + placed_turns(arbitration, state, draw):
        if turn.queue == guard.queue:
            end, due = turn.after.now, turn.after.due[guard.index]
            is_left = between(0, left, arbitration.max_turn_ns[guard.queue])
            taken = (turn.condition, draw.ran >= integer(1), is_left, left <= draw.ran)
            holds = _after_holds(arbitration, guard, left, (end - left, end), due)
            goals.append(all_of(taken).implies(holds))
    name = f"the guard on `{guard.name}`: a turn that goes on counts towards its rate"
    return ledger.prove(name, draw.known, goals)


def _after_holds(
    arbitration: Arbitration, guard: Guarded, given: Term, window: tuple[Term, Term], due: Term
) -> Term:
    """In a window up to the end of the queue's last turn."""
    start, last = window
    within = _within(arbitration, guard, given, last - start)
    return all_of((due >= last + integer(guard.low), within))


def _within(arbitration: Arbitration, guard: Guarded, given: Term, elapsed: Term) -> Term:
    """given <= turn + elapsed * turn / (turn + delay), for a guard that has served at all"""
    turn_ns = arbitration.max_turn_ns[guard.queue]
    cycle = turn_ns + guard.low
    most = elapsed * integer(turn_ns) + integer(cycle * turn_ns)
    return any_of((given.equals(ZERO), given * integer(cycle) <= most))


def _share_lemma(
    arbitration: Arbitration, guard: Guarded, lag_ns: int, state: State, draw: Draw
) -> Lemma:
    index, share, lag = guard.index, integer(guard.high), integer(lag_ns)
    turn_ns = arbitration.max_turn_ns[guard.queue]

    def paid(given: Term, due: Term) -> Term:
        return any_of((given.equals(ZERO), given * PERCENT <= (due - START + lag) * share))

    most = (state.now - START + lag) * share + integer(100 * turn_ns)
    goals = []
    for turn in turns(arbitration, state, draw):
        if turn.guard is None and turn.queue == guard.queue:
            continue
        given = _given(guard, turn, draw)
        kept = [paid(given, turn.after.due[index])]
        if turn.guard == index:
            kept.append(given * PERCENT <= most)
        goals.append(all_of(runs(arbitration, turn, draw)).implies(all_of(kept)))
    lagging = draw.occupied[guard.queue].implies(state.now - state.due[index] <= lag)
    return [paid(GIVEN, state.due[index]), lagging], goals


def _given(guard: Guarded, turn: Turn, draw: Draw) -> Term:
    return GIVEN + draw.ran if turn.guard == guard.index else GIVEN
