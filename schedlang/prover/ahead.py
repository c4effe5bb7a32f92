"""How many turns of its own queue a task waits for, from the constants of the order.

N tasks alive at once are N - 1 beside the waiting one: N - 1 places, each taken by one task after
the other. The turns of a place, but for the first one, start at ever greater v: after the clock's
lag at first, before the waiting task's key at last. A task moves v by at least its charge from one
turn to the next; one that is forked when the last has ended starts ahead of the clock, which has
come at least as far as the last one's v. So a place has a way to go, and each of its turns takes a
piece of it: `_Way` says how much is left, `prove_places` that a turn takes no less than it is worth.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import assert_never, final

from schedlang.prover.corners import Pace
from schedlang.prover.solver import Ledger
from schedlang.prover.terms import Term, all_of, between, greatest, integer, variable
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
            count = _counted(ordering, forks=forks).worth()
            service = _served(ordering, turn_ns, forks=forks).worth()
            return Turns(0, others * count, others * service)
        case _:
            assert_never(ordering)


@final
@dataclass(frozen=True, slots=True)
class _Way:
    """The way of one place, and what its turns are worth, in units of 1/`unit`.

    Positions are relative to the clock when the wait starts. The turns after the first start from
    `-lag` to `top`. A turn of a task that goes on is worth at most `per_v` for each ns that it
    moves v; the last turn of a task at most `turn`, and the next task starts `fork` further, if
    there is a next one.
    """

    lag: int
    top: int
    fork: int | None
    per_v: int
    turn: int
    unit: int

    @property
    def hop(self) -> int | None:
        """The fork penalty, if there is room for it and a task's last turn is worth more."""
        pays = self.fork is not None and self.fork <= self.top
        return self.fork if pays and self.turn > self.per_v * (self.fork or 0) else None

    def left(self, position: Term) -> Term:
        """What the turns that start there and further on are worth at most, but for the last."""
        if self.hop is None:
            return integer(self.per_v) * (integer(self.top) - position)
        behind = greatest(integer(0) - position, integer(0))
        ahead = integer(self.top) - greatest(position, integer(0))
        hops = ahead // integer(self.hop)
        rest = ahead - integer(self.hop) * hops
        return integer(self.per_v) * (behind + rest) + integer(self.turn) * hops

    def left_at_first(self) -> int:
        """`left` where the way begins."""
        if self.hop is None:
            return self.per_v * (self.top + self.lag)
        hops, rest = divmod(self.top, self.hop)
        return self.per_v * (self.lag + rest) + self.turn * hops

    def worth(self) -> int:
        """What all turns of the place are worth: the first, which a task may have been waiting for
        since long ago, those on the way, and the last."""
        if self.top + self.lag < 0:
            return self.turn // self.unit
        return (self.left_at_first() + 2 * self.turn) // self.unit


def _counted(pace: Pace, *, forks: bool) -> _Way:
    """Every turn is worth 1."""
    fork = pace.fork if forks else None
    return _Way(pace.lag, pace.lead + pace.horizon, fork, 1, pace.charge, pace.charge)


def _served(pace: Pace, turn_ns: int, *, forks: bool) -> _Way:
    """A turn is worth as long as it lasts."""
    rounded = pace.per_charge * Fraction(pace.charge + 1, pace.charge)
    per_v = min(rounded, Fraction(turn_ns, pace.charge))
    unit = per_v.denominator
    fork = pace.fork if forks else None
    top = pace.lead + pace.horizon
    return _Way(pace.lag, top, fork, per_v.numerator, turn_ns * unit, unit)


def prove_places(pace: Pace, turn_ns: int, ledger: Ledger) -> Unknown | None:
    """The turns of a place are worth no more than its way."""
    gap = _prove_positions(pace, ledger)
    for way in (_counted(pace, forks=True), _served(pace, turn_ns, forks=True)):
        gap = gap or _prove_way(pace, way, turn_ns, ledger)
    return gap


def _prove_positions(pace: Pace, ledger: Ledger) -> Unknown | None:
    """Where the turns of a place start that come later than the waiting task."""
    clock, waiting, later, last, start = (
        variable(name) for name in ("clock", "waiting", "later", "last", "start")
    )
    known = (
        waiting <= clock + integer(pace.lead),
        start <= waiting + integer(pace.horizon),
        clock <= later,
        last <= later,
        start >= later - integer(pace.lag),
    )
    first_start = greatest(last, clock) + integer(pace.fork)
    goals = [
        clock - integer(pace.lag) <= start,
        start <= clock + integer(pace.lead + pace.horizon),
        (start >= later + integer(pace.fork)).implies(start >= first_start),
    ]
    return ledger.prove("where the turns of other tasks start during a wait", known, goals)


def _prove_way(pace: Pace, way: _Way, turn_ns: int, ledger: Ledger) -> Unknown | None:
    start, then, moved, ran = (variable(name) for name in ("start", "then", "moved", "ran"))
    ratio = pace.per_charge
    known = (
        integer(-way.lag) <= start,
        integer(pace.charge) <= moved,
        between(0, ran, turn_ns),
        ran * integer(ratio.denominator) <= (moved + integer(1)) * integer(ratio.numerator),
    )
    # In units of 1/unit: a turn is worth 1, or what it ran.
    worth = integer(way.turn) if way.unit == way.turn else ran * integer(way.unit)
    ends = then <= integer(way.top)
    goes_on = all_of((ends, then >= start + moved))
    goals = [goes_on.implies(worth + way.left(then) <= way.left(start))]
    if way.fork is not None:
        is_next = all_of((ends, then >= greatest(start, integer(0)) + integer(way.fork)))
        goals.append(is_next.implies(integer(way.turn) + way.left(then) <= way.left(start)))
    inside = start <= integer(way.top)
    goals.append(inside.implies(way.left(start) <= integer(way.left_at_first())))
    goals.append(inside.implies(integer(0) <= way.left(start)))
    what = "number" if way.unit == way.turn else "length"
    return ledger.prove(f"the {what} of a place's turns is bounded by its way", known, goals)
