"""How many turns of its own queue a task waits for, from the constants of the order.

Virtual time: each task that was there is served until its v has gone from the clock's lag to
beyond the waiting task's. So are the tasks that are forked meanwhile; and because a fresh v is
ahead of the clock, and starting it moves the clock, there are boundedly many of those.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import assert_never, final

from schedlang.prover.corners import Pace


@final
@dataclass(frozen=True, slots=True)
class ByArrival:
    """Whoever arrives `horizon_ns` after a task, or later, goes behind it."""

    horizon_ns: int


Ordering = ByArrival | Pace


@final
@dataclass(frozen=True, slots=True)
class Turns:
    """What is served before a task that has waited for `delay_ns`, at most."""

    delay_ns: int
    count: int
    service_ns: int


def turns_ahead(ordering: Ordering, tasks: int, turn_ns: int) -> Turns:
    """With at most `tasks` tasks that use the queue at any time, asleep or not."""
    match ordering:
        case ByArrival(horizon_ns=horizon):
            return Turns(horizon, tasks - 1, (tasks - 1) * turn_ns)
        case Pace():
            known = _known(ordering, turn_ns)
            fresh = _fresh(ordering, turn_ns)
            count = (tasks - 1) * known.count + tasks * fresh.count
            return Turns(0, count, (tasks - 1) * known.service_ns + tasks * fresh.service_ns)
        case _:
            assert_never(ordering)


def _known(pace: Pace, turn_ns: int) -> Turns:
    """Of a task that was there before: a first turn, a last one, and between them what brings its v
    from the clock's lag to beyond the waiting task's."""
    way = pace.lead + pace.horizon + pace.lag
    between_turns = way // pace.charge
    service = min(between_turns * turn_ns, math.floor(pace.per_charge * (way + between_turns)))
    return Turns(0, between_turns + 2, service + 2 * turn_ns)


def _fresh(pace: Pace, turn_ns: int) -> Turns:
    """Of the tasks forked meanwhile, for each of those that can be alive at once: the first start
    of one lifts the clock by `fork`, so there are `levels` of them, each with less way to go."""
    reach = pace.lead + pace.horizon
    levels = reach // pace.fork
    way = levels * reach - pace.fork * levels * (levels + 1) // 2
    between_turns = way // pace.charge
    service = min(between_turns * turn_ns, math.floor(pace.per_charge * (way + between_turns)))
    return Turns(0, between_turns + levels, service + levels * turn_ns)
