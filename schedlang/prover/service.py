"""How long a queue waits for its n-th turn, as a linear function of what it is served meanwhile.

A queue gets the CPU by its guard (`guards`) or from the tree (`compose`), from which the guards of
other queues take their rates off. The bounds are linear so that `wait` can put in any order's
number of turns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import final

from schedlang.prover.arbiter import Arbitration, Guarded, free_draw, free_state, runs, turns
from schedlang.prover.compose import Ahead, Linear, prove_ahead
from schedlang.prover.guards import GuardFacts
from schedlang.prover.rates import prove_rate
from schedlang.prover.roles import guard_roles
from schedlang.prover.solver import Ledger
from schedlang.prover.terms import Sort, all_of, integer, real, total, variable
from schedlang.prover.verdict import Reason, Unknown
from schedlang.prover.weighted import FAR


@final
@dataclass(frozen=True, slots=True)
class Service:
    """After n turns of the queue that served A ns in all, the next one starts within
    `fixed + n * per_turn + A * per_service` of any moment since which the queue was non-empty.
    `guard` is the guard that sees to it, None if the tree does. It holds as long as no debt of
    `debts` is far (`weighted.FAR`).
    """

    fixed: Fraction
    per_turn: Fraction
    per_service: Fraction
    guard: int | None
    debts: tuple[Linear, ...] = ()

    @property
    def service_limit_ns(self) -> int | None:
        """Up to this much service it holds; None: without limit."""
        limits = [(FAR - debt.fixed) / debt.per_service for debt in self.debts]
        return math.ceil(min(limits)) - 1 if limits else None

    def holds_for(self, service_ns: int) -> bool:
        limit = self.service_limit_ns
        return limit is None or service_ns <= limit

    def wait_ns(self, turn_count: int, service_ns: int) -> int:
        exact = self.fixed + turn_count * self.per_turn + service_ns * self.per_service
        return math.ceil(exact)


def guard_service(
    arbitration: Arbitration, guard: Guarded, facts: GuardFacts, ledger: Ledger
) -> Service | Unknown:
    """The guard's word, turn after turn."""
    delay = Fraction(facts.delay_ns[guard.index])
    if not guard.is_share:
        # What is left of a turn of its own is service; the first delay begins at its end.
        return Service(delay, delay, Fraction(1), guard.index)
    gap = _prove_share_pace(*guard_roles(arbitration, guard), ledger.of_roles())
    return gap or Service(delay, Fraction(1), Fraction(100, guard.low), guard.index)


def _prove_share_pace(arbitration: Arbitration, guard: Guarded, ledger: Ledger) -> Unknown | None:
    """A turn of d ns puts a share guard's deadline at most d * 100 / share + 1 further."""
    state = free_state(arbitration, "")
    draw = free_draw(arbitration, "", occupied=guard.queue)
    goals = []
    for turn in turns(arbitration, state, draw):
        if turn.queue == guard.queue:
            moved = turn.after.due[guard.index] - state.due[guard.index] - integer(1)
            paced = moved * integer(guard.low) <= draw.ran * integer(100)
            goals.append(all_of(runs(arbitration, turn, draw)).implies(paced))
    return ledger.prove(f"the guard on `{guard.name}` keeps its pace", draw.known, goals)


def tree_service(
    arbitration: Arbitration, queue: int, facts: GuardFacts, ledger: Ledger
) -> Service | Unknown:
    ahead = prove_ahead(arbitration, queue, ledger)
    if isinstance(ahead, Unknown):
        return ahead
    return _beside_guards(arbitration.beside(queue), queue, facts, ahead, ledger)


def _beside_guards(
    arbitration: Arbitration, queue: int, facts: GuardFacts, ahead: Ahead, ledger: Ledger
) -> Service | Unknown:
    """wait <= first turn + tree + guards' rates * wait + guards' bursts, solved for the wait.

    The first turn is the one that goes on when the wait begins; but what is left of a turn of the
    queue's own is part of its service, what a weighted node served is counted there, and a turn of
    a queue with an `after` guard as one that the guard gave.
    """
    guards = [g for g in arbitration.guards if g.queue != queue]
    rates, bursts = Fraction(0), Fraction(0)
    wait, service = variable("wait", Sort.REAL), variable("service", Sort.REAL)
    given = [variable(f"guard{g.index}", Sort.REAL) for g in guards]
    known = [service >= real(0), wait >= real(0)]
    for guard, taken in zip(guards, given, strict=True):
        gap = prove_rate(*guard_roles(arbitration, guard), facts.lag_ns, ledger.of_roles())
        if gap is not None:
            return gap
        rate, burst = _rate(arbitration, guard, facts, ahead)
        rates, bursts = rates + rate, bursts + burst
        known.append(taken <= real(rate) * wait + real(burst))
    if rates >= 1:
        return Unknown(Reason.INDUCTION_FAILED, "the guards may take all of the CPU from the tree")
    longest = max(
        (
            turn_ns
            for q, turn_ns in enumerate(arbitration.max_turn_ns)
            if q != queue and _is_first(arbitration, q, ahead)
        ),
        default=0,
    )
    served = ahead.served
    tree = real(served.fixed) + real(served.per_service) * service
    known.append(wait <= real(longest) + tree + total(given, real(0)))
    left = 1 - rates
    fixed, per_service = (longest + served.fixed + bursts) / left, served.per_service / left
    goal = wait <= real(fixed) + real(per_service) * service
    gap = ledger.prove("the tree's turn comes in spite of the guards", known, [goal])
    return gap or Service(fixed, Fraction(0), per_service, None, ahead.debts)


def _is_first(arbitration: Arbitration, queue: int, ahead: Ahead) -> bool:
    """Whether a turn of the queue that goes on when the wait begins counts by itself."""
    guards = arbitration.guards_of(queue)
    if not guards:
        return queue not in ahead.beside
    return all(guard.is_share for guard in guards)


def _rate(
    arbitration: Arbitration, guard: Guarded, facts: GuardFacts, ahead: Ahead
) -> tuple[Fraction, Fraction]:
    """The guard's service in a window T is at most the first times T, and the second."""
    turn_ns = arbitration.max_turn_ns[guard.queue]
    if not guard.is_share:
        return Fraction(turn_ns, turn_ns + guard.low), Fraction(turn_ns)
    rate = Fraction(guard.high, 100)
    burst = rate * facts.lag_ns + turn_ns
    # The tree's turns of a queue settle its guard anew: the stretches before its first and after
    # its last one are counted by themselves, what lies between is counted with the tree's.
    return rate, burst * (2 if guard.queue in ahead.beside else 1)
