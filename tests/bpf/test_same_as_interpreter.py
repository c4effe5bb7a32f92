"""Generated C against the reference interpreter, decision by decision, on random policies.

The C runs natively, called back in the kernel's order. Whatever the interpreter lets a CPU choose,
the C must choose, with the same slice; and it must have woken a CPU that is to choose.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import Phase as Stage
from hypothesis import strategies as st

from schedlang.ir.nodes import GuardShare, Policy
from schedlang.machine.machine import Machine, Mode, Phase
from schedlang.machine.scenario import TaskSpec
from schedlang.machine.topology import Topology
from tests.bpf.native import Host, needs_zig
from tests.support.policies import compiled, policies

EXAMPLES = Path(__file__).parents[2] / "examples"
STEPS = 300
MAX_TASKS = 12


class Pair:
    """The interpreter and the C side by side; `step` lets something happen to both."""

    def __init__(self, policy: Policy, cpus: int, rng: random.Random, folder: Path) -> None:
        params = tuple(rng.choice((p.lo, p.default, p.hi)) for p in policy.params)
        self.policy, self.cpus, self.rng = policy, cpus, rng
        self.machine = Machine(policy, Topology(cpus), params)
        self.host = Host(policy, cpus, params, folder)
        self.now = 0
        self.turns = 0
        self.may_touch = not any(isinstance(guard, GuardShare) for guard in policy.guards)

    def step(self) -> None:
        long, short = self.rng.randrange(10**8), self.rng.randrange(10**5)
        self.now += self.rng.choice((0, 1, 999, short, long))
        self.host.time(self.now)
        running = [i for i, c in enumerate(self.machine.cpus) if c.mode is Mode.RUNNING]
        blocked = [i for i, t in enumerate(self.machine.tasks) if t.phase is Phase.BLOCKED]
        kinds = ["stop"] * 4 * bool(running) + ["wake"] * 3 * bool(blocked)
        kinds += ["fork"] * (len(self.machine.tasks) < MAX_TASKS)
        kinds += ["touch"] * (bool(running) and self.may_touch)
        match self.rng.choice(kinds or ["nothing"]):
            case "stop":
                self._stop(self.rng.choice(running), blocked=self.rng.random() < 0.4)
            case "wake":
                task = self.rng.choice(blocked)
                self.machine.wake(task, self.now)
                self.host.wake(task, 0)
            case "fork":
                self._fork()
            case "touch":
                self.host.touch(self.rng.choice(running))
            case _:
                pass
        self._choose_all()

    def _fork(self) -> None:
        rng = self.rng
        allowed = rng.sample(range(self.cpus), rng.randint(1, self.cpus))
        affinity = frozenset(allowed) if rng.random() < 0.6 else None
        nice = rng.choice((-5, 0, 0, 0, 10))
        spec = TaskSpec(
            comm=rng.choice(("worker", "nginx", "make", "w")),
            process=rng.choice(("envoy", "worker")),
            nice=nice,
            weight=rng.choice((1, 100, 335, 10_000)),
            cgroup=rng.choice(("/", "/batch.slice", "/batch.slice/a", "/other")),
            kthread=rng.random() < 0.1,
            affinity=affinity,
        )
        cpu = rng.choice(sorted(affinity or range(self.cpus)))
        number = self.host.fork(spec, cpu)
        assert self.machine.fork(spec, self.now, cpu) == number
        self.host.wake(number, 0)

    def _stop(self, cpu: int, *, blocked: bool) -> None:
        self.machine.stop(cpu, self.now, blocked=blocked)
        if blocked:
            self.host.block(cpu)
        else:
            self.host.expire(cpu)
        self._choose(cpu, was_idle=False)

    def _choose_all(self) -> None:
        for cpu in range(self.cpus):
            if self.machine.cpus[cpu].mode is Mode.CHOOSING:
                self._choose(cpu, was_idle=True)

    def _choose(self, cpu: int, *, was_idle: bool) -> None:
        expected = self.machine.choose(cpu, self.now)
        woken = self.host.kicked(cpu)
        if expected is None:
            assert not was_idle or not woken or self.host.schedule(cpu) is None
            if not was_idle:
                assert self.host.schedule(cpu) is None
            return
        assert woken or not was_idle, f"CPU {cpu} sleeps on"
        assert self.host.schedule(cpu) == expected.task
        assert self.host.slice_ns(expected.task) == self.machine.tasks[expected.task].slice_ns
        self.turns += 1


@needs_zig
@given(text=policies(), seed=st.integers(0, 2**32), cpus=st.integers(1, 4))
@settings(
    max_examples=15,
    # Each try compiles anew: a failing policy is told as it is, not made smaller.
    phases=[Stage.explicit, Stage.reuse, Stage.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_random_policies(text: str, seed: int, cpus: int, tmp_path: Path) -> None:
    pair = Pair(compiled(text), cpus, random.Random(seed), tmp_path)
    for _ in range(STEPS):
        pair.step()


@needs_zig
@pytest.mark.parametrize("cpus", [1, 3])
@pytest.mark.parametrize("name", ["fair", "fifo", "strict_priority", "web_server"])
def test_examples(name: str, cpus: int, tmp_path: Path) -> None:
    policy = compiled((EXAMPLES / f"{name}.sched").read_text())
    pair = Pair(policy, cpus, random.Random(f"{name} on {cpus}"), tmp_path)
    for _ in range(5 * STEPS):
        pair.step()
    assert pair.turns > STEPS
