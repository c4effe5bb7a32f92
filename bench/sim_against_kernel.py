"""Whether the simulator ranks policies as the kernel does.

`python -m bench.sim_against_kernel [--seeds N] [--cpus N] [--shapes NAME ...] [POLICY ...]` runs
every shape under every policy twice: on the reference machine, and in the micro-VM in virtual time.
For each shape and metric the policies are ranked by the median over the seeds, in both, and the
ranks are correlated (Spearman, equals share their mean rank). Where the best and the worst policy
are less than `FLAT` apart in the kernel, a ranking says nothing; such metrics are counted apart.
What has a duration is cut off after a second.
Table on standard output, and bench/results/sim_against_kernel.json.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final, final

from schedlang.backend import KernelRun, RunRequest
from schedlang.compare.metrics import measured
from schedlang.driver import Compilation, Request, load_backend, run
from schedlang.shapes import load_workload, shape_names
from schedlang.simulate.engine import Setting, simulate
from schedlang.topology import Topology
from schedlang.workload.model import Workload
from schedlang.workload.outcome import Outcome

ROOT: Final = Path(__file__).parents[1]
RESULTS: Final = ROOT / "bench/results"
NAMES: Final = ("fifo", "fair", "web_server", "interactive", "long_tail")
POLICIES: Final = tuple(ROOT / f"examples/{name}.sched" for name in NAMES)
FLAT: Final = 1.05
LONGEST_NS: Final = 10**9

Key = tuple[str, str]
"""A shape and a metric."""
Values = Mapping[Key, float]


@final
@dataclass(frozen=True, slots=True)
class Agreement:
    """By policy the medians of both; `rho` is None where one of them ranks all policies alike."""

    shape: str
    metric: str
    simulated: Mapping[str, float]
    kernel: Mapping[str, float]
    spread: float
    rho: float | None

    @property
    def is_flat(self) -> bool:
        return self.spread < FLAT


def shorter(workload: Workload) -> Workload:
    if workload.duration_ns is None:
        return workload
    return replace(workload, duration_ns=min(workload.duration_ns, LONGEST_NS))


# --- running


def simulated(done: Compilation, shapes: Sequence[Workload], cpus: int, seeds: range) -> Values:
    assert done.policy is not None
    defaults = tuple(param.default for param in done.policy.params)
    settings = [Setting(Topology(cpus), defaults, seed) for seed in seeds]
    outcomes = {
        shape: [simulate(done.policy, shape, setting).outcome for setting in settings]
        for shape in shapes
    }
    return medians(outcomes, cpus)


def in_kernel(done: Compilation, shapes: Sequence[Workload], cpus: int, seeds: range) -> Values:
    """All shapes of a seed in one boot."""
    assert done.policy is not None
    assert done.built is not None
    outcomes: dict[Workload, list[Outcome]] = {shape: [] for shape in shapes}
    for seed in seeds:
        requests = [RunRequest(Topology(cpus), s, seed=seed, deterministic=True) for s in shapes]
        runs = [KernelRun(request, done.policy, done.built.object) for request in requests]
        for shape, report in zip(shapes, load_backend().run_many(runs), strict=True):
            if report.ran is None or not report.attached_throughout:
                raise SystemExit(f"{shape.name} under {done.policy.name}: {report.diagnostics}")
            outcomes[shape].append(report.ran.outcome)
    return medians(outcomes, cpus)


def medians(outcomes: Mapping[Workload, Sequence[Outcome]], cpus: int) -> Values:
    found: dict[Key, list[int]] = {}
    for shape, runs in outcomes.items():
        for outcome in runs:
            for one in measured(shape, cpus, outcome):
                found.setdefault((shape.name, one.metric.name), []).append(one.value)
    return {key: statistics.median(values) for key, values in found.items()}


# --- ranking


def agreements(
    simulated_by: Mapping[str, Values], kernel_by: Mapping[str, Values]
) -> Iterator[Agreement]:
    tables = [*simulated_by.values(), *kernel_by.values()]
    for key in tables[0]:
        if not all(key in table for table in tables):
            continue
        ours = {policy: table[key] for policy, table in simulated_by.items()}
        theirs = {policy: table[key] for policy, table in kernel_by.items()}
        spread = max(theirs.values()) / min(theirs.values())
        rho = spearman(list(ours.values()), list(theirs.values()))
        yield Agreement(*key, ours, theirs, spread, rho)


def spearman(first: Sequence[float], second: Sequence[float]) -> float | None:
    ranked = mean_ranks(first), mean_ranks(second)
    if any(len(set(ranks)) == 1 for ranks in ranked):
        return None
    return statistics.correlation(*ranked)


def mean_ranks(values: Sequence[float]) -> list[float]:
    return [
        sum(other < value for other in values) + (values.count(value) + 1) / 2 for value in values
    ]


# --- telling


def tell(found: Sequence[Agreement]) -> None:
    for one in found:
        shown = "-" if one.rho is None else f"{one.rho:.2f}"
        note = "flat" if one.is_flat else ""
        print(f"{one.shape:<22}{one.metric:<34}{shown:>6}{one.spread:>10.2f}  {note}")
    told = [(one.rho, one) for one in found if one.rho is not None and not one.is_flat]
    told.sort(key=lambda pair: (pair[0], pair[1].shape, pair[1].metric))
    rhos = [rho for rho, _ in told]
    if not rhos:
        return
    agree = sum(rho >= 0.7 for rho in rhos)
    print(
        f"{len(rhos)} rankings of {len(found)} say something: median {statistics.median(rhos):.2f}"
    )
    print(f"{agree} of them are at 0.7 or above; the worst three:")
    for rho, one in told[:3]:
        print(f"{one.shape}, {one.metric}: {rho:.2f}")
        for policy, value in one.simulated.items():
            print(f"    {policy:<14}{value:>16.0f} simulated{one.kernel[policy]:>16.0f} kernel")


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.sim_against_kernel", description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--cpus", type=int, default=2)
    parser.add_argument("--shapes", nargs="*", default=shape_names(), metavar="NAME")
    parser.add_argument("policies", nargs="*", type=Path, default=POLICIES, metavar="POLICY")
    chosen = parser.parse_args()
    loaded = [load_workload(name).workload for name in chosen.shapes]
    shapes = [shorter(workload) for workload in loaded if workload is not None]
    seeds = range(chosen.seeds)
    ours, theirs = {}, {}
    for path in chosen.policies:
        done = run(Request(str(path)))
        print(f"{path.stem} ...", file=sys.stderr)
        ours[path.stem] = simulated(done, shapes, chosen.cpus, seeds)
        theirs[path.stem] = in_kernel(done, shapes, chosen.cpus, seeds)
    found = list(agreements(ours, theirs))
    print(f"{'shape':<22}{'metric':<34}{'rho':>6}{'spread':>10}")
    tell(found)
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps([asdict(one) for one in found], indent=2)
    (RESULTS / "sim_against_kernel.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
