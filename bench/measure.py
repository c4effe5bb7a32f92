"""Times commands side by side: one of each per round, so that noise meets all of them alike.

Ratios are taken within a round and only then summed up: what slows a round down cancels out.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final


@final
@dataclass(frozen=True, slots=True)
class Command:
    """A process to start in `folder`, in an environment of its own. Its exit code must be 0."""

    argv: tuple[str | Path, ...]
    folder: Path
    environment: Mapping[str, str]


@final
@dataclass(frozen=True, slots=True)
class Sample:
    """One process: how long it took, and the CPU time that it and its children used."""

    wall_s: float
    cpu_s: float


@final
@dataclass(frozen=True, slots=True)
class Spread:
    """Median and quartiles."""

    median: float
    low: float
    high: float

    def scaled(self, factor: float) -> Spread:
        return Spread(self.median * factor, self.low * factor, self.high * factor)


Series = Mapping[str, Sequence[Sample]]


def interleaved(commands: Mapping[str, Command], rounds: int, log: Path) -> Series:
    """Each command once per round, in turn; a first round is run and forgotten."""
    samples: dict[str, list[Sample]] = {name: [] for name in commands}
    for number in range(-1, rounds):
        for name, command in commands.items():
            sample = timed(command, log)
            if number >= 0:
                samples[name].append(sample)
    return samples


def timed(command: Command, log: Path) -> Sample:
    """Run it to its end. What it prints goes to `log`, and is shown if it fails."""
    with open(log, "wb") as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            command.argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=command.folder,
            env=dict(command.environment),
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise subprocess.CalledProcessError(
            process.returncode, list(map(str, command.argv)), output=log.read_text()
        )
    return Sample(wall_s, usage.ru_utime + usage.ru_stime)


def spread(values: Sequence[float]) -> Spread:
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(median, low, high)


def ratio(
    series: Series, above: str, below: Sequence[str], of: Callable[[Sample], float]
) -> Spread:
    """`above` over the sum of `below`, round by round."""
    sums = [sum(map(of, row)) for row in zip(*(series[name] for name in below), strict=True)]
    tops = map(of, series[above])
    return spread([top / bottom for top, bottom in zip(tops, sums, strict=True)])
