"""What the measurements against EEVDF share: have `schedc compare` run, or take what it once wrote.

Each of them takes `--seeds N`, and `--replay FILE` for samples that `--out FILE` or an earlier run
left in bench/results.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from schedlang.cli.main import main as schedc
from schedlang.compare.lines import read_samples
from schedlang.compare.samples import Sample, Samples
from schedlang.compare.verdict import Figure, Found, Report, judge
from schedlang.diagnostics.model import Diagnostic

ROOT: Final = Path(__file__).parents[1]
RESULTS: Final = ROOT / "bench/results"


def options(name: str, document: str | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"bench.{name}", description=document)
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--cpus", type=int, nargs="*", default=[2, 4])
    parser.add_argument("--replay", type=Path, metavar="FILE")
    return parser.parse_args()


def compared(name: str, policy: str, shapes: Sequence[str], cpus: int, seeds: int) -> Path:
    """Measure, print the comparison, and leave the samples in the file that is returned."""
    RESULTS.mkdir(exist_ok=True)
    out = RESULTS / f"{name}-{cpus}.jsonl"
    workloads = [word for shape in shapes for word in ("-w", shape)]
    command = ["compare", str(ROOT / f"examples/{policy}.sched"), *workloads]
    status = schedc([*command, "--cpus", f"{cpus}", "--seeds", f"{seeds}", "--out", str(out)])
    if status:
        raise SystemExit(status)
    return out


def read(path: Path) -> Samples:
    found = read_samples(str(path), path.read_bytes())
    if isinstance(found, Diagnostic):
        raise SystemExit(found.message)
    return found


def figure(samples: Samples, workload: str, metric: str) -> Figure:
    report: Report = judge(samples)
    return next(f for f in report.figures if (f.workload, f.metric.name) == (workload, metric))


def tell_aim(what: str, found: Figure, aim: float) -> None:
    interval = f"[{float(found.low):.3f}, {float(found.high):.3f}]"
    word = "met" if found.ratio >= aim else "not met"
    if found.found is Found.SAME:
        word = Found.SAME.value
    print(f"{what}: {float(found.ratio):.3f}x {interval}, aim {aim:.2f}x: {word}")


def over_ideal(samples: Samples, workload: str, contender: str) -> float:
    """The median of the makespan over what no scheduler could beat: the work by the number of CPUs,
    and the longest job.
    """
    return statistics.median(
        sample.outcome.makespan_ns / _ideal_ns(sample, samples.setup.topology.cpus)
        for sample in samples.samples
        if (sample.entry.workload, sample.entry.contender) == (workload, contender)
        and not sample.entry.is_control
    )


def _ideal_ns(sample: Sample, cpus: int) -> float:
    """INVARIANT: a group of one thread is a job of its own, and the longest is one of these."""
    groups = sample.outcome.groups
    longest_ns = max(group.run_ns for group in groups if group.threads == 1)
    return max(sum(group.run_ns for group in groups) / cpus, longest_ns)
