"""Which tasks of its own queue go before a waiting task, whatever they do.

Fifo: those that arrived before it. A key in time: nobody who arrives later than the key's
`horizon`. A key in virtual time: a task that goes first has a v near the waiting task's, every turn
moves v on, and an arriving v is near the clock (`pace`); what follows from that is counted in
`ahead`. The key may be any expression: horizons are looked for, and then proved.
"""

from __future__ import annotations

from schedlang.ir import nodes as ir
from schedlang.prover.ahead import ByArrival, Ordering, prove_places
from schedlang.prover.corners import Pace, guess_horizon
from schedlang.prover.extremes import Beyond, supremum
from schedlang.prover.pace import prove_pace
from schedlang.prover.pairs import Pair, overtaking, two_arrivals, with_behind
from schedlang.prover.solver import Ledger
from schedlang.prover.subject import Subject
from schedlang.prover.terms import all_of, any_of, integer, variable
from schedlang.prover.verdict import Reason, Unknown

WRAPS = 2**63
CLOCK_RUN = 2**61
"""How far the clock goes at most while one task waits. That is assumed (docs/guarantees.md)."""


def prove_order(subject: Subject, ledger: Ledger) -> Ordering | Unknown:
    if subject.queue.order.key is None:
        return _prove_fifo(ledger) or ByArrival(0)
    is_time = subject.queue.order.key.type is ir.Type.TIME
    prove = _prove_in_time if is_time else _prove_in_virtual_time
    exactly = Ledger(ledger.effort)
    found = prove(subject, exactly, blurs=False)
    if isinstance(found, Unknown) and found.reason is Reason.SOLVER_LIMIT:
        roughly = Ledger(ledger.effort)
        again = prove(subject, roughly, blurs=True)
        if not isinstance(again, Unknown):
            exactly, found = roughly, again
    ledger.obligations += exactly.obligations
    return found


def _prove_fifo(ledger: Ledger) -> Unknown | None:
    """Keys are 0, so whoever was inserted later does not have the least (key, seq)."""
    key, seqs = integer(0), (variable("first_seq"), variable("second_seq"))
    goes_first = any_of((key < key, all_of((key.equals(key), seqs[0] < seqs[1]))))
    return ledger.prove("fifo: later arrivals go behind", [goes_first], [seqs[0] <= seqs[1]])


def _prove_in_virtual_time(subject: Subject, ledger: Ledger, *, blurs: bool) -> Pace | Unknown:
    order = subject.queue.order
    if order.clock_state is None:
        return Unknown(Reason.NO_RULE, f"order `{order.name}` has no vtime state")
    pace = prove_pace(subject, ledger, blurs=blurs)
    if isinstance(pace, Unknown):
        return pace
    pace = with_behind(subject, pace, ledger, blurs)
    gap = prove_places(pace, subject.turn_ns, ledger)
    return gap or _prove_near(subject, two_arrivals(subject, pace, blurs), ledger) or pace


def _prove_in_time(subject: Subject, ledger: Ledger, *, blurs: bool) -> ByArrival | Unknown:
    name = subject.queue.order.name
    pair = two_arrivals(subject, None, blurs)
    later = pair.nows[0] - pair.nows[1]
    known = (*pair.known, integer(0) <= later)
    goes_first = pair.keys[0] < pair.keys[1]
    guess = guess_horizon(subject.policy, subject.queue.order, subject.used)
    found = supremum((*known, goes_first), later, guess, ledger.effort)
    if found is None:
        return Unknown(Reason.SOLVER_LIMIT, f"the horizon of order `{name}`")
    if isinstance(found, Beyond):
        return Unknown(Reason.NO_BOUND, overtaking(subject, found.model))
    horizon = max(found, 0)
    says = f"order `{name}`: who arrives later than the horizon goes behind"
    gap = ledger.prove(says, known, [goes_first.implies(later <= integer(horizon))])
    return gap or _prove_near(subject, pair, ledger) or ByArrival(horizon)


def _prove_near(subject: Subject, pair: Pair, ledger: Ledger) -> Unknown | None:
    """The keys of two waiting tasks are near enough to be told apart by a signed difference."""
    one, two = pair.clocks
    near = (one - two <= integer(CLOCK_RUN), two - one <= integer(CLOCK_RUN))
    one, two = pair.keys
    goals = [one - two < integer(WRAPS), two - one < integer(WRAPS)]
    says = f"order `{subject.queue.order.name}`: no two keys are 2^63 apart"
    return ledger.prove(says, (*pair.known, *near), goals)
