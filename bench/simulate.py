"""How many scheduling events the simulator takes in a second of CPU time.

`python -m bench.simulate [--rounds N] [POLICY ...]` simulates two seconds of 8 CPUs and 100
threads: hogs, sleepers, and pairs that send each other messages. A wake-up, the start of a turn and
its end are an event each; a tick that finds nothing to do is none. The figure that says something
on any machine is the ratio to `plain`: as many turns through a heap and a deque, without a policy.
Rounds are interleaved. Table on standard output, and bench/results/simulate.json.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import deque
from dataclasses import asdict, dataclass
from heapq import heappop, heappush
from pathlib import Path
from typing import Final, final

from bench.measure import Spread, spread
from schedlang.driver import Phase, Request, run
from schedlang.ir.nodes import Policy
from schedlang.simulate.engine import Setting, simulate
from schedlang.source import Source
from schedlang.topology import Topology
from schedlang.workload.format import parse_workload
from schedlang.workload.model import Workload

ROOT: Final = Path(__file__).parents[1]
RESULTS: Final = ROOT / "bench/results"
POLICIES: Final = tuple(ROOT / f"examples/{name}.sched" for name in ("fair", "web_server"))
CPUS: Final = 8
AIM: Final = 200_000
EVENTS_A_TURN: Final = 3
LOAD: Final = """
duration = "2s"

[[group]]
name = "hog"
threads = 20
phases = [["loop", "run 5ms"]]

[[group]]
name = "sleeper"
threads = 60
start = "0ns..5ms"
phases = [["loop", "run 100us..300us", "sleep ~5ms"]]

[[group]]
name = "asker"
threads = 10
phases = [["loop", "run 50us", "send work", "receive answer"]]

[[group]]
name = "answerer"
threads = 10
phases = [["loop", "receive work", "run 100us", "send answer"]]
"""


@final
@dataclass(frozen=True, slots=True)
class Result:
    """A policy's thousands of events a second, and the plain loop's in the same round over them."""

    policy: str
    events: int
    kilo_events_per_s: Spread
    plain_ratio: Spread


def load() -> Workload:
    found = parse_workload(Source("load", LOAD), "load")
    assert isinstance(found, Workload), found
    return found


def simulated(policy: Policy, workload: Workload) -> tuple[int, float]:
    """How many events there were, and how many of them in a second."""
    setting = Setting(Topology(CPUS), tuple(param.default for param in policy.params))
    start = time.process_time()
    events = simulate(policy, workload, setting).events.total
    return events, events / (time.process_time() - start)


def plain(turns: int) -> float:
    """So many turns of 100 threads that run and sleep by turns; events in a second."""
    queue = deque(range(100))
    idle = list(range(CPUS))
    heap: list[tuple[int, int, int]] = []
    now = number = done = 0
    start = time.process_time()
    while done < turns:
        while idle and queue:
            number += 1
            heappush(heap, (now + 200_000, number, queue.popleft() * CPUS + idle.pop()))
        now, _, what = heappop(heap)
        if what >= 0:
            done += 1
            number += 1
            idle.append(what % CPUS)
            heappush(heap, (now + 5_000_000, number, ~(what // CPUS)))
        else:
            queue.append(~what)
    return turns * EVENTS_A_TURN / (time.process_time() - start)


def measure(path: Path, rounds: int) -> Result:
    policy = run(Request(str(path), Phase.LOWER)).policy
    assert policy is not None, path
    workload = load()
    speeds, ratios, events = [], [], 0
    for _ in range(rounds):
        events, ours = simulated(policy, workload)
        speeds.append(ours / 1000)
        ratios.append(plain(events // EVENTS_A_TURN) / ours)
    return Result(path.stem, events, spread(speeds), spread(ratios))


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.simulate", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("policies", nargs="*", type=Path, default=POLICIES, metavar="POLICY")
    chosen = parser.parse_args()
    results = [measure(path, chosen.rounds) for path in chosen.policies]
    print(f"{'median (quartiles)':<20}{'events':>10}{'1000 events/s':>22}{'plain / ours':>22}")
    for one in results:
        columns = (cell(one.kilo_events_per_s, ".0f"), cell(one.plain_ratio, ".1f"))
        print(f"{one.policy:<20}{one.events:>10}" + "".join(f"{column:>22}" for column in columns))
    print(f"aim: at least {AIM // 1000} thousand events a second")
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps([asdict(one) for one in results], indent=2)
    (RESULTS / "simulate.json").write_text(text + "\n")


def cell(value: Spread, form: str) -> str:
    return f"{value.median:{form}} ({value.low:{form}}..{value.high:{form}})"


if __name__ == "__main__":
    main()
