"""Two arrivals in a queue: which of them goes first, and how far apart they can be then."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

from schedlang.ir import nodes as ir
from schedlang.ir.walk import walk
from schedlang.prover.corners import Pace
from schedlang.prover.extremes import Beyond, supremum
from schedlang.prover.solver import Ledger, Model
from schedlang.prover.subject import (
    Subject,
    arrive,
    clock_and_v,
    describe,
    free_moment,
    key_of,
)
from schedlang.prover.terms import Term, all_of, greatest, integer, variable
from schedlang.prover.verdict import Reason, Unknown


def with_horizon(subject: Subject, pace: Pace, ledger: Ledger, blurs: bool) -> Pace | Unknown:
    """Of two waiting tasks the one that came later goes first only if its v is at most `horizon`
    greater."""
    name = subject.queue.order.name
    pair = two_arrivals(subject, pace, blurs)
    known = (
        *pair.known,
        pair.clocks[1] <= pair.clocks[0],
        pair.nows[1] <= pair.nows[0],
    )
    goes_first = pair.keys[0] < pair.keys[1]
    horizon = -1
    if not isinstance(subject.queue.order.key, ir.StateRef):
        ahead = pair.vs[0] - pair.vs[1]
        found = supremum((*known, goes_first), ahead, pace.horizon, ledger.effort)
        if found is None:
            return Unknown(Reason.SOLVER_LIMIT, f"the horizon of order `{name}`")
        if isinstance(found, Beyond):
            return Unknown(Reason.NO_BOUND, overtaking(subject, found.model))
        horizon = found
    goal = goes_first.implies(pair.vs[0] <= pair.vs[1] + integer(horizon))
    says = f"order `{name}`: who comes later and goes first is not far ahead"
    return ledger.prove(says, known, [goal]) or replace(pace, horizon=horizon)


def with_behind(subject: Subject, pace: Pace, ledger: Ledger, blurs: bool) -> Pace:
    """On one CPU, whose choices look at all who wait: the clock comes past a waiting v only by as
    much as the v of one that goes first is greater. A task that is placed goes first unlooked at.
    """
    if not subject.one_cpu or subject.policy.places:
        return pace
    name = f"order `{subject.queue.order.name}`"
    pair = two_arrivals(subject, pace, blurs)
    not_after = pair.keys[0] <= pair.keys[1]
    ahead = pair.vs[0] - pair.vs[1]
    most = supremum((*pair.known, not_after), ahead, pace.horizon + 1, ledger.effort)
    if not isinstance(most, int):
        return pace
    behind = max(pace.lag, most)
    clock, waiting, started = (variable(n) for n in ("clock", "waiting", "started"))
    is_near = clock - integer(behind) <= waiting
    starts = (is_near, started <= waiting + integer(most))
    goals = [
        (clock - integer(pace.lag) <= waiting).implies(is_near),
        all_of(starts).implies(greatest(clock, started) - integer(behind) <= waiting),
    ]
    goal = not_after.implies(ahead <= integer(most))
    trial = Ledger(ledger.effort)
    gap = trial.prove(f"{name}: who goes first is not far ahead", pair.known, [goal])
    gap = gap or trial.prove(f"{name}: the clock does not leave those who wait", (), goals)
    if gap is not None:
        return pace
    ledger.obligations += trial.obligations
    return replace(pace, behind=behind)


def overtaking(subject: Subject, model: Model) -> str:
    """Two tasks of which the later one goes first, in words."""
    first, second = (describe(subject, prefix, model) for prefix in ("first_", "second_"))
    order = subject.queue.order.name
    return f"order `{order}` lets a task {first} go before one {second}"


@final
@dataclass(frozen=True, slots=True)
class Pair:
    """Two arrivals: their keys, clocks, vs (the clock again without a vtime state) and times."""

    keys: tuple[Term, Term]
    clocks: tuple[Term, Term]
    vs: tuple[Term, Term]
    nows: tuple[Term, Term]
    known: tuple[Term, ...]


def two_arrivals(subject: Subject, pace: Pace | None, blurs: bool) -> Pair:
    """Any two; `pace` is what is known of v, of an order in virtual time."""
    known: list[Term] = []
    rows: list[tuple[Term, Term, Term, Term]] = []
    for prefix in ("first_", "second_"):
        at = free_moment(subject, prefix, blurs=blurs)
        clock, v = clock_and_v(subject, at)
        if pace is None or _reads_more_than_v(subject):
            arrive(subject, at)
            _, v = clock_and_v(subject, at)
        if pace is not None:
            known += [clock - integer(pace.lag) <= v, v <= clock + integer(pace.lead)]
        rows.append((key_of(subject, at), clock, v, at.inputs[ir.Input.NOW]))
        known += at.constraints
    keys, clocks, vs, nows = zip(*rows, strict=True)
    return Pair(keys, clocks, vs, nows, tuple(known))


def _reads_more_than_v(subject: Subject) -> bool:
    """Whether the key depends on a state that is not free in its range after an arrival."""
    key = subject.queue.order.key
    assert key is not None
    own = {n.index for n in walk(key) if isinstance(n, ir.StateRef) and n.owner is ir.Owner.ORDER}
    times = [n for n in walk(key) if isinstance(n, ir.StateRef) and n.type is ir.Type.TIME]
    return bool(times or own - {subject.queue.order.clock_state})
