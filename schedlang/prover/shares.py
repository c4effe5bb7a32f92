"""`share(Q) >= S`: what part of a CPU's time a queue gets while it is never empty there.

By a share guard: its deadline follows the clock and moves by the service given. By the tree: the
queue is served before long, however much it has been served already, so that the time that passes
is at most a multiple of its service, and a constant.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import final

from schedlang.prover.arbiter import Arbitration, Guarded, free_draw, free_state, runs, turns
from schedlang.prover.guards import GuardFacts
from schedlang.prover.roles import guard_roles
from schedlang.prover.service import Service, tree_service
from schedlang.prover.solver import Ledger
from schedlang.prover.terms import Sort, all_of, integer, real, variable
from schedlang.prover.verdict import Reason, Unknown


@final
@dataclass(frozen=True, slots=True)
class Kept:
    """In a window of length T, up to `limit_ns` if there is one, the service is at least the share
    claimed of T - lost_ns. `guard` sees to it, or the tree.
    """

    lost_ns: int
    limit_ns: int | None
    guard: int | None


def prove_share(
    arbitration: Arbitration, queue: int, percent: int, facts: GuardFacts, ledger: Ledger
) -> Kept | Unknown:
    """The way with the least loss of those that keep the share."""
    ways = [
        _by_guard(arbitration, guard, percent, facts, ledger)
        for guard in arbitration.guards_of(queue)
    ]
    ways.append(_by_tree(arbitration, queue, percent, facts, ledger))
    kept = [way for way in ways if isinstance(way, Kept)]
    return min(kept, key=lambda way: way.lost_ns, default=ways[0])


def _by_guard(
    arbitration: Arbitration, guard: Guarded, percent: int, facts: GuardFacts, ledger: Ledger
) -> Kept | Unknown:
    if not guard.is_share:
        return Unknown(Reason.NO_RULE, f"`guard {guard.name} after` keeps no share of long turns")
    if guard.low < percent:
        return Unknown(Reason.NO_RULE, f"its guard keeps {guard.low}%")
    gap = prove_pace(*guard_roles(arbitration, guard), percent, ledger.of_roles())
    return gap or Kept(facts.delay_ns[guard.index], None, guard.index)


def prove_pace(
    arbitration: Arbitration, guard: Guarded, percent: int, ledger: Ledger
) -> Unknown | None:
    """The deadline moves by the service given at most, at that share."""
    state = free_state(arbitration, "")
    draw = free_draw(arbitration, "", occupied=guard.queue)
    goals = []
    for turn in turns(arbitration, state, draw):
        if turn.queue == guard.queue:
            moved = turn.after.due[guard.index] - state.due[guard.index]
            paced = moved * integer(percent) <= draw.ran * integer(100)
            goals.append(all_of(runs(arbitration, turn, draw)).implies(paced))
    name = f"the guard on `{guard.name}`: its deadline moves by the service given"
    return ledger.prove(name, draw.known, goals)


def _by_tree(
    arbitration: Arbitration, queue: int, percent: int, facts: GuardFacts, ledger: Ledger
) -> Kept | Unknown:
    trial = Ledger(ledger.effort)
    # On any CPU: another one may have been chosen for the cut.
    service = tree_service(replace(arbitration, cut_ns=()), queue, facts, trial)
    if isinstance(service, Unknown):
        return service
    ledger.obligations += trial.obligations
    assert not service.per_turn  # INVARIANT: the tree counts service, not turns.
    if service.per_service * percent > 100:
        part = math.floor(100 / service.per_service)
        return Unknown(Reason.NO_RULE, f"its part of the tree is {part}% beside the guards")
    gap = _prove_window(service, percent, ledger)
    return gap or Kept(math.ceil(service.fixed), service.service_limit_ns, None)


def _prove_window(service: Service, percent: int, ledger: Ledger) -> Unknown | None:
    """The next turn's start, or the turn that runs, is no further than the service allows."""
    window, served = variable("window", Sort.REAL), variable("served", Sort.REAL)
    most = real(service.fixed) + real(service.per_service) * served
    hypotheses = (served >= real(0), window <= most)
    goal = (window - real(service.fixed)) * real(percent) <= served * real(100)
    return ledger.prove("the tree keeps the share in long windows", hypotheses, [goal])
