"""How many turns of its own queue a task waits for, from the constants of the order.

N tasks alive at once are N - 1 beside the waiting one: N - 1 places, each taken by one task after
the other. The turns of a place, but for the first one, start at ever greater v: after the clock's
lag at first, before the waiting task's key at last. A task moves v by at least its charge from one
turn to the next; one that is forked when the last has ended starts ahead of the clock, which has
come at least as far as the last one's v. So a place has a way to go, and each of its turns takes a
piece of it: `_Way` says how much is left, `prove_places` that no turn is worth more than it takes.
The first turn starts somewhere else if its task waits since long ago, while other CPUs moved the
clock; where they cannot (`Pace.behind`), it is on the way like all others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import assert_never, final

from schedlang.prover.corners import Pace
from schedlang.prover.solver import Ledger
from schedlang.prover.terms import Term, all_of, any_of, between, greatest, integer, variable
from schedlang.prover.verdict import Unknown


@final
@dataclass(frozen=True, slots=True)
class ByArrival:
    """Whoever arrives more than `horizon_ns` after a task goes behind it."""

    horizon_ns: int


Ordering = ByArrival | Pace


@final
@dataclass(frozen=True, slots=True)
class Turns:
    """What is served before a task that has waited for `delay_ns`, at most.

    It includes what is left of a turn of this queue that was going on at that moment.
    """

    delay_ns: int
    count: int
    service_ns: int


def turns_ahead(ordering: Ordering, tasks: int, turn_ns: int, *, forks: bool = True) -> Turns:
    """With at most `tasks` tasks at any time: of a time key, that are runnable; of a key in virtual
    time, that use the queue, asleep or not. `forks` is whether new ones may come meanwhile.
    """
    others = tasks - 1
    match ordering:
        case ByArrival(horizon_ns=horizon):
            return Turns(horizon, others, others * turn_ns)
        case Pace():
            ways = _readings(ordering)
            count = min(_counted(pace, forks=forks).worth() for pace in ways)
            service = min(_served(pace, turn_ns, forks=forks).worth() for pace in ways)
            return Turns(0, others * count, others * service)
        case _:
            assert_never(ordering)


def _readings(pace: Pace) -> tuple[Pace, ...]:
    """With a first turn from long ago; and, where that is known, on a way that has all turns."""
    plain = replace(pace, behind=None)
    return (plain,) if pace.behind is None else (plain, replace(pace, lag=pace.behind))


@final
@dataclass(frozen=True, slots=True)
class _Way:
    """The way of one place, and what its turns are worth, in units of 1/`unit`.

    Positions are relative to the clock when the wait starts. The turns after the first, or all if
    none is `from_afar`, start from `-lag` to `top`. A turn of a task that goes on is worth at most
    `per_v` for each ns that it moves v; the last turn of a task at most `turn`, and the next task
    starts `fork` further, if there is a next one.
    """

    lag: int
    top: int
    fork: int | None
    per_v: int
    turn: int
    unit: int
    from_afar: bool

    @property
    def hop(self) -> int | None:
        """The fork penalty, if there is room for it and a task's last turn is worth more."""
        if self.fork is None or self.fork > self.top:
            return None
        return self.fork if self.turn > self.per_v * self.fork else None

    def taken(self, position: Term, hops: Term) -> Term:
        """What the turns after the first that started before `position` are worth at most, if
        `hops` of them were the last ones of their tasks."""
        way = integer(self.per_v) * (position + integer(self.lag))
        if self.hop is None:
            return way
        return way + integer(self.turn - self.per_v * self.hop) * hops

    def taken_in_all(self) -> int:
        """`taken` where the way ends, with as many hops as fit."""
        hops = 0 if self.hop is None else self.top // self.hop
        gained = 0 if self.hop is None else self.turn - self.per_v * self.hop
        return self.per_v * (self.top + self.lag) + gained * hops

    def worth(self) -> int:
        """What all turns of the place are worth: the first, which a task may have been waiting for
        since long ago if it is `from_afar`, those on the way, and the last. One that starts beyond
        the way, as a first one may whose task came before the waiting one, is the only one."""
        if self.top + self.lag < 0:
            return self.turn // self.unit
        ends = 2 if self.from_afar else 1
        return (self.taken_in_all() + ends * self.turn) // self.unit


def _counted(pace: Pace, *, forks: bool) -> _Way:
    """Every turn is worth 1."""
    fork = pace.fork if forks else None
    top, from_afar = pace.lead + pace.horizon, pace.behind is None
    return _Way(pace.lag, top, fork, 1, pace.charge, pace.charge, from_afar)


def _served(pace: Pace, turn_ns: int, *, forks: bool) -> _Way:
    """A turn is worth as long as it lasts."""
    rounded = pace.per_charge * Fraction(pace.charge + 1, pace.charge)
    per_v = min(rounded, Fraction(turn_ns, pace.charge))
    unit = per_v.denominator
    fork = pace.fork if forks else None
    top = pace.lead + pace.horizon
    return _Way(pace.lag, top, fork, per_v.numerator, turn_ns * unit, unit, pace.behind is None)


def prove_places(pace: Pace, turn_ns: int, ledger: Ledger) -> Unknown | None:
    """No turn of a place is worth more than the way that it takes."""
    for reading in {reading.lag: reading for reading in _readings(pace)}.values():
        gap = _prove_steps(reading, turn_ns, ledger)
        if gap is not None:
            return gap
    return None


def _prove_steps(pace: Pace, turn_ns: int, ledger: Ledger) -> Unknown | None:
    start, moved, ran = (variable(name) for name in ("start", "moved", "ran"))
    counted, served = _counted(pace, forks=True), _served(pace, turn_ns, forks=True)
    goals = [_positions(pace)]
    known = [
        integer(-pace.lag) <= start,
        integer(pace.charge) <= moved,
        between(0, ran, turn_ns),
        ran * integer(pace.per_charge.denominator)
        <= (moved + integer(1)) * integer(pace.per_charge.numerator),
    ]
    for way, worth in ((counted, integer(counted.unit)), (served, ran * integer(served.unit))):
        goals += _pays(way, worth, start, moved)
    return ledger.prove("no turn is worth more than the way that it takes", known, goals)


def _positions(pace: Pace) -> Term:
    """Turns that start later than the wait, if there are any, are where a place's way is."""
    clock, waiting, later, last, v = (
        variable(name) for name in ("clock", "waiting", "later", "last", "v")
    )
    known = (
        waiting <= clock + integer(pace.lead),
        v <= waiting + integer(pace.horizon),
        clock <= later,
        last <= later,
        later - integer(pace.lag) <= v,
    )
    goals = (
        clock - integer(pace.lag) <= v,
        v <= clock + integer(pace.lead + pace.horizon),
        (later + integer(pace.fork) <= v).implies(greatest(last, clock) + integer(pace.fork) <= v),
    )
    return all_of(known).implies(all_of(goals))


def _pays(way: _Way, worth: Term, start: Term, moved: Term) -> list[Term]:
    """For a turn from `start` on that is worth that much, after which the next one of the place
    starts at `then`; and for all turns of the way."""
    then, hops, one, top = variable("then"), variable("hops"), integer(1), integer(way.top)
    before = way.taken(start, hops)
    goes_on = (start + moved <= then).implies(before + worth <= way.taken(then, hops))
    ends = (start <= top).implies(before <= integer(way.taken_in_all()))
    goals = [goes_on, ends]
    known = integer(0) <= hops
    if way.fork is not None:
        comes = all_of((then <= top, greatest(start, integer(0)) + integer(way.fork) <= then))
        after = [before + integer(way.turn) <= way.taken(then, hops + one)]
        if way.hop is not None:
            # INVARIANT: so many hops have come at least so far.
            is_far = any_of((hops.equals(integer(0)), integer(way.hop) * hops <= start))
            known = all_of((known, is_far))
            after.append(integer(way.hop) * (hops + one) <= then)
        goals.append(comes.implies(all_of(after)))
    return [known.implies(goal) for goal in goals]
