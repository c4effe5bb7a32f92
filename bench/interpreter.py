"""How many scheduling events the reference interpreter takes in a second.

`python -m bench.interpreter [--rounds N] [--events N] [POLICY ...]` drives a machine of 8 CPUs and
100 tasks, which run for up to their slice and then block, for a while, or not. A wake-up, the
start of a turn and its end are an event each. The figure that says something on any machine is the
ratio to `plain`: the same world around a queue that is one deque, without any policy. Rounds are
interleaved. Table on standard output, and bench/results/interpreter.json.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import deque
from dataclasses import asdict, dataclass
from heapq import heappop, heappush
from pathlib import Path
from random import Random
from typing import Final, NamedTuple, Protocol, final

from bench.measure import Spread, spread
from schedlang.driver import Phase, Request, run
from schedlang.machine.machine import Machine
from schedlang.machine.scenario import TaskSpec
from schedlang.topology import Topology

ROOT: Final = Path(__file__).parents[1]
RESULTS: Final = ROOT / "bench/results"
POLICIES: Final = tuple(ROOT / f"examples/{name}.sched" for name in ("fifo", "fair", "web_server"))
CPUS: Final = 8
TASKS: Final = 100
SLICE_NS: Final = 1_000_000


class Started(Protocol):
    @property
    def task(self) -> int: ...


class Scheduler(Protocol):
    """What the world drives. A CPU in `woken` was idle and has to choose."""

    @property
    def woken(self) -> list[int]: ...
    def wake(self, task: int, now: int, /) -> None: ...
    def choose(self, cpu: int, now: int, /) -> Started | None: ...
    def stop(self, cpu: int, now: int, /, *, blocked: bool) -> None: ...


class PlainTurn(NamedTuple):
    task: int


@final
class Plain:
    """One deque, no policy: what a loop of this kind costs at least."""

    def __init__(self) -> None:
        self.woken: list[int] = []
        self._queue: deque[int] = deque(range(TASKS))
        self._running: list[int] = [0] * CPUS
        self._idle: set[int] = set()

    def wake(self, task: int, _now: int) -> None:
        self._queue.append(task)
        if self._idle:
            self.woken.append(self._idle.pop())

    def choose(self, cpu: int, _now: int) -> PlainTurn | None:
        if cpu in self.woken:
            self.woken.remove(cpu)
        if not self._queue:
            self._idle.add(cpu)
            return None
        self._running[cpu] = self._queue.popleft()
        return PlainTurn(self._running[cpu])

    def stop(self, cpu: int, now: int, *, blocked: bool) -> None:
        if not blocked:
            self.wake(self._running[cpu], now)


@final
@dataclass(frozen=True, slots=True)
class Result:
    """A policy's thousands of events a second, and the plain loop's in the same round over them."""

    policy: str
    kilo_events_per_s: Spread
    plain_ratio: Spread


def machine(path: Path) -> Machine:
    """Under the policy, with all tasks awake."""
    policy = run(Request(str(path), Phase.LOWER)).policy
    assert policy is not None, path
    made = Machine(policy, Topology(CPUS), tuple(param.default for param in policy.params))
    names = ("nginx", "make", "cc1", "backup")
    for number in range(TASKS):
        comm = names[number % len(names)]
        nice = 12 if comm == "backup" else 0
        affinity = frozenset({number % CPUS}) if number % 10 == 9 else None
        made.fork(TaskSpec(comm, comm, nice, affinity=affinity), 0)
    return made


def drive(scheduler: Scheduler, events: int) -> float:
    """Let about as many events happen; how many did in a second of CPU time."""
    random = Random(1)
    lengths = [random.randint(1, SLICE_NS) for _ in range(4099)]
    sleeps = [random.random() < 0.3 for _ in range(4093)]
    running = [0] * CPUS
    heap: list[tuple[int, int]] = []
    done = now = 0

    def choose(cpu: int) -> int:
        chosen = scheduler.choose(cpu, now)
        if chosen is None:
            return 0
        running[cpu] = chosen.task
        heappush(heap, (now + lengths[done % 4099], cpu))
        return 1

    for cpu in range(CPUS):
        done += choose(cpu)
    start = time.process_time()
    while done < events:
        now, what = heappop(heap)
        done += 1
        if what < CPUS:
            blocked = sleeps[done % 4093]
            if blocked:
                heappush(heap, (now + 2 * lengths[done % 4099], CPUS + running[what]))
            scheduler.stop(what, now, blocked=blocked)
            done += choose(what)
        else:
            scheduler.wake(what - CPUS, now)
        while scheduler.woken:
            done += choose(scheduler.woken[-1])
    return done / (time.process_time() - start)


def measure(path: Path, rounds: int, events: int) -> Result:
    speeds, ratios = [], []
    for _ in range(rounds):
        ours, plain = drive(machine(path), events), drive(Plain(), events)
        speeds.append(ours / 1000)
        ratios.append(plain / ours)
    return Result(path.stem, spread(speeds), spread(ratios))


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.interpreter", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("policies", nargs="*", type=Path, default=POLICIES, metavar="POLICY")
    chosen = parser.parse_args()
    results = [measure(path, chosen.rounds, chosen.events) for path in chosen.policies]
    print(f"{'median (quartiles)':<20}{'1000 events/s':>22}{'plain / ours':>22}")
    for one in results:
        columns = (cell(one.kilo_events_per_s, ".0f"), cell(one.plain_ratio, ".1f"))
        print(f"{one.policy:<20}" + "".join(f"{column:>22}" for column in columns))
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps([asdict(one) for one in results], indent=2)
    (RESULTS / "interpreter.json").write_text(text + "\n")


def cell(value: Spread, form: str) -> str:
    return f"{value.median:{form}} ({value.low:{form}}..{value.high:{form}})"


if __name__ == "__main__":
    main()
