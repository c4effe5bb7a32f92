"""Tests on the reference machine: the same seeds give the same verdicts on every host."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from schedlang.ir.nodes import Policy
from schedlang.ir.testing import Test
from schedlang.simulate.engine import Setting, Simulation, simulate
from schedlang.testing.judge import Judged, Seen, judge
from schedlang.workload.trace import Trace


@final
@dataclass(frozen=True, slots=True)
class Trial:
    """A run of `test` with `seed`, and what came of it. A kernel's run has a trace."""

    test: Test
    seed: int
    judged: tuple[Judged, ...]
    trace: Trace | None = None

    @property
    def holds(self) -> bool:
        return all(one.holds for one in self.judged)


def simulated(policy: Policy, test: Test, seed: int) -> Trial:
    simulation = rerun(policy, test, seed, recorded=False)
    return Trial(test, seed, judge(test, Seen(seed, simulation.outcome, simulation.waits)))


def rerun(policy: Policy, test: Test, seed: int, *, recorded: bool) -> Simulation:
    setting = Setting(test.topology, test.params, seed, test.tick_ns)
    return simulate(policy, test.workload, setting, recorded=recorded)
