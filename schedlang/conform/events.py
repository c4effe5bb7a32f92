"""What the world does to both machines: a list of events, any part of which is a list as well.

So a run that goes wrong can be made short by leaving events out.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from random import Random
from typing import Final, NamedTuple

from schedlang.machine.scenario import TaskSpec


class Act(StrEnum):
    """`EXPIRE`: a slice is used up. `TICK`: a turn that was cut short may be over. `TOUCH`: a
    property of a running task is set anew. `TUNE`: a param of the policy gets another value.
    `WEIGH`: a cgroup gets another weight.
    """

    FORK = "fork"
    WAKE = "wake"
    EXPIRE = "expire"
    TICK = "tick"
    BLOCK = "block"
    CHANGE = "change"
    TOUCH = "touch"
    TUNE = "tune"
    WEIGH = "weigh"


class Event(NamedTuple):
    """`ns` pass, then `act` happens to number `pick`, modulo their number, of whom it can.

    These are the sleeping tasks (wake), the CPUs with a turn (expire, tick, block, touch), the
    tasks that do not run (change), the params that can change (tune). If there is none, time has
    passed. `spec` is the new task, or gives one its nice value, weight and affinity, or a cgroup
    its weight (weigh). After a wake-up or a fork that is `swift`, the next event comes before the
    CPUs that were woken choose. A wake-up on a CPU that has a turn can be `sync`.
    """

    ns: int
    act: Act
    pick: int
    spec: TaskSpec
    swift: bool = False
    sync: bool = False


ACTS: Final = (
    *(Act.EXPIRE,) * 4,
    *(Act.BLOCK,) * 3,
    *(Act.WAKE,) * 5,
    *(Act.FORK,) * 2,
    Act.CHANGE,
    Act.TOUCH,
    Act.TUNE,
    Act.WEIGH,
)
WEIGHTS: Final = (1, 100, 100, 335, 10_000)
NICES: Final = (-20, -5, 0, 0, 0, 5, 10, 19)
IDS: Final = (1, 2, 1000, 1000)
CGROUPS: Final = ("/", "/batch.slice", "/batch.slice/a", "/other")
# Short ones, so that tasks meet; long ones, so that guards fall due; and the very edges.
TIMES_NS: Final = (0, 1, 999, 1_000, 10**5, 10**6, 4 * 10**6, 10**8)


def draw_events(
    random: Random,
    length: int,
    cpus: int,
    comms: Sequence[str],
    cgroups: Sequence[str] = CGROUPS,
    *,
    ticks: bool = False,
) -> tuple[Event, ...]:
    """The same events for the same state of `random`. Tasks are named after some of `comms`."""
    acts = (*ACTS, Act.TICK) if ticks else ACTS
    return tuple(
        Event(
            _draw_ns(random),
            random.choice(acts),
            random.randrange(64),
            _draw_spec(random, cpus, comms, cgroups),
            random.random() < 0.2,
            random.random() < 0.3,
        )
        for _ in range(length)
    )


def _draw_ns(random: Random) -> int:
    longest = random.choice(TIMES_NS)
    return longest if random.random() < 0.3 else random.randint(0, longest)


def _draw_spec(random: Random, cpus: int, comms: Sequence[str], cgroups: Sequence[str]) -> TaskSpec:
    some = frozenset(random.sample(range(cpus), random.randint(1, cpus)))
    return TaskSpec(
        comm=random.choice(comms),
        process=random.choice(comms),
        nice=random.choice(NICES),
        weight=random.choice(WEIGHTS),
        cgroup=random.choice(cgroups),
        kthread=random.random() < 0.1,
        affinity=some if random.random() < 0.4 else None,
        pid=random.choice(IDS),
        tgid=random.choice(IDS),
        ppid=random.choice(IDS),
        uid=random.choice((*IDS, 0, 2**32 - 1)),
        gid=random.choice((*IDS, 0, 2**32 - 1)),
    )
