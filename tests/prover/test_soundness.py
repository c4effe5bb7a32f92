"""No task of the interpreter waits longer than was proved, in random policies and random runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import lcm
from random import Random

import pytest

from schedlang.ir import nodes as ir
from schedlang.machine.machine import Machine, Mode
from schedlang.machine.scenario import TaskSpec
from schedlang.machine.topology import Topology
from schedlang.prover.rules import DOCUMENTED
from schedlang.prover.setting import TICK_NS
from schedlang.prover.solver import Effort
from schedlang.prover.starvation import ground
from schedlang.prover.verdict import Unknown
from schedlang.prover.wait import REFERENCE_WEIGHTS, Wait, prove_services, prove_wait
from tests.prover.build import (
    FIFO,
    MS,
    after,
    leaf,
    policy,
    queue,
    share,
    strict,
    vruntime,
    weighted,
)

POLICIES_PER_SEED = 8
RUNS, STEPS = 3, 200


def random_tree(random: Random, queues: list[int], nodes: list[int]) -> ir.Tree:
    if len(queues) == 1:
        return leaf(queues[0])
    random.shuffle(queues)
    count = random.randint(2, len(queues))
    parts = [[q] for q in queues[:count]]
    for q in queues[count:]:
        parts[random.randrange(count)].append(q)
    if random.random() < 0.5:
        return strict(*(random_tree(random, part, nodes) for part in parts))
    index = len(nodes)
    nodes.append(index)
    weights = [random.choice([1, 1, 2, 3, 4]) for _ in parts]
    common = lcm(*weights)
    shares = [
        (random_tree(random, part, nodes), weight, common // weight)
        for part, weight in zip(parts, weights, strict=True)
    ]
    return weighted(index, *shares)


def random_policy(random: Random) -> ir.Policy:
    numbers = range(random.randint(1, 4))
    orders = (FIFO, FIFO, vruntime(random.choice([0, 5, 20]) * MS, random.choice([1, 5]) * MS))
    queues = [
        queue(f"q{i}", random.choice([1, 4, 10]) * MS, random.choice(orders)) for i in numbers
    ]
    guards: list[ir.Guard] = []
    left = 90
    for i in numbers:
        kind, percent = random.random(), random.choice([3, 10, 20, 33])
        if kind < 0.3:
            guards.append(after(i, random.choice([1000, MS, 10 * MS, 40 * MS])))
        elif kind < 0.55 and percent < left:
            left -= percent
            guards.append(share(i, percent))
    placement = random.choice([(), (ir.Rung.CPU_ANY,)])
    return policy(queues, random_tree(random, list(numbers), []), guards, placement=placement)


def proved_waits(subject: ir.Policy) -> dict[int, Wait]:
    on = ground(subject, DOCUMENTED, Effort())
    assert not isinstance(on.facts, Unknown)
    waits = {}
    for number in range(len(subject.queues)):
        ledger = on.ledger()
        services = prove_services(on.arbitration, number, on.facts, ledger)
        if not isinstance(services, Unknown):
            wait = prove_wait(subject, on.arbitration, number, services, REFERENCE_WEIGHTS, ledger)
            if not isinstance(wait, Unknown):
                waits[number] = wait
    return waits


@dataclass
class Adversary:
    """Forks, wakes, runs, blocks and ends tasks at random on one CPU or two, and notes how long
    they waited. A queue never has more tasks than `tasks_of` says, asleep or not.
    """

    subject: ir.Policy
    random: Random
    now: int = 0
    queue_of: list[int] = field(default_factory=list)
    worst: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        cpus = self.random.choice([1, 1, 2])
        self.machine = Machine(self.subject, Topology(cpus), ())
        for number in range(len(self.subject.queues)):
            self.queue_of += [number] * self.random.randint(1, 3)
        self.affinity = [self._affinity(cpus) for _ in self.queue_of]
        self.asleep = set(range(len(self.queue_of)))
        self.ids: dict[int, int] = {}
        self.tasks: dict[int, int] = {}
        self.since: dict[int, int] = {}
        self.ends: dict[int, int] = {}
        self.eagerness = self.random.choice([0.2, 0.5, 0.9])
        self.restlessness = [self.random.choice([0.05, 0.3, 0.9]) for _ in self.queue_of]
        self.mortality = self.random.choice([0.0, 0.3, 1.0])
        self.is_extreme = self.random.random() < 0.4
        self.pauses = self.random.choice([[1, MS], [1, 50 * MS, 10_000 * MS]])

    def tasks_of(self, number: int) -> int:
        return self.queue_of.count(number)

    def run(self, steps: int) -> None:
        for _ in range(steps):
            next_end = min(self.ends.values(), default=self.now + self.random.choice(self.pauses))
            self.now = self.random.randint(self.now, next_end)
            self._wake_some()
            self.now = min(self.ends.values(), default=next_end)
            for cpu in [cpu for cpu, end in self.ends.items() if end == self.now]:
                self._stop(cpu)

    def _affinity(self, cpus: int) -> frozenset[int] | None:
        pinned = frozenset({self.random.randrange(cpus)})
        return pinned if cpus > 1 and self.random.random() < 0.3 else None

    def _start_all(self) -> None:
        for cpu, state in enumerate(self.machine.cpus):
            if state.mode is Mode.CHOOSING:
                chosen = self.machine.choose(cpu, self.now)
                if chosen is not None:
                    waited = self.now - self.since[self.tasks[chosen.task]]
                    self.worst[chosen.queue] = max(self.worst.get(chosen.queue, 0), waited)
                    slice_ns = self.machine.tasks[chosen.task].slice_ns
                    self.ends[cpu] = self.now + self._length(slice_ns)

    def _length(self, slice_ns: int) -> int:
        lengths = [slice_ns + TICK_NS, slice_ns, 1, 1000, self.random.randint(1, slice_ns)]
        return lengths[0] if self.is_extreme else self.random.choice(lengths)

    def _stop(self, cpu: int) -> None:
        turn = self.machine.cpus[cpu].turn
        assert turn is not None
        task = self.tasks[turn.task]
        del self.ends[cpu]
        blocked = self.random.random() < self.restlessness[task]
        self.machine.stop(cpu, self.now, blocked=blocked)
        if blocked:
            self.asleep.add(task)
            if self.random.random() < self.mortality:
                del self.ids[task]
        else:
            self.since[task] = self.now
        self._start_all()

    def _wake_some(self) -> None:
        for task in sorted(self.asleep):
            if self.random.random() < self.eagerness:
                self.asleep.discard(task)
                self.since[task] = self.now
                self._wake(task)
        self._start_all()

    def _wake(self, task: int) -> None:
        if task in self.ids:
            self.machine.wake(self.ids[task], self.now)
            return
        spec = TaskSpec(f"q{self.queue_of[task]}", affinity=self.affinity[task])
        number = len(self.machine.tasks)
        self.ids[task], self.tasks[number] = number, task
        assert self.machine.fork(spec, self.now) == number


@pytest.mark.parametrize("seed", range(3))
def test_no_wait_is_longer_than_proved(seed: int) -> None:
    random = Random(seed)
    checked = 0
    for _ in range(POLICIES_PER_SEED):
        subject = random_policy(random)
        waits = proved_waits(subject)
        for _ in range(RUNS):
            adversary = Adversary(subject, random)
            adversary.run(STEPS)
            for number, wait in waits.items():
                bound = wait.wait_ns(adversary.tasks_of(number))
                assert adversary.worst.get(number, 0) <= bound, (subject, number)
                checked += number in adversary.worst
    assert checked > POLICIES_PER_SEED


def wait_beside_a_sleeper(subject: ir.Policy, naps: int, nap_ns: int) -> int:
    """Task `a` runs alone a few times with naps between; then `b` comes to stay, and `a` waits."""
    machine = Machine(subject, Topology(1), ())
    a, now = machine.fork(TaskSpec("a"), 0), 0
    for _ in range(naps):
        machine.choose(0, now)
        now += 4 * MS
        machine.stop(0, now, blocked=True)
        machine.choose(0, now)
        now += nap_ns
        machine.wake(a, now)
    machine.choose(0, now)
    b = machine.fork(TaskSpec("b"), now)
    now += 4 * MS
    machine.stop(0, now, blocked=False)
    since = now
    while (chosen := machine.choose(0, now)) is not None and chosen.task == b:
        now += 4 * MS
        machine.stop(0, now, blocked=False)
    return now - since


def test_turns_on_an_idle_cpu_run_up_no_debt() -> None:
    subject = policy([queue("a"), queue("b")], weighted(0, (0, 1, 1), (1, 1, 1)))
    wait = proved_waits(subject)[0]
    assert wait_beside_a_sleeper(subject, 200, MS) <= wait.wait_ns(1)


def test_time_spent_idle_is_owed_to_nobody() -> None:
    subject = policy([queue("a"), queue("b")], strict(0, 1), (share(1, 10),))
    wait = proved_waits(subject)[0]
    assert wait_beside_a_sleeper(subject, 2, 10_000 * MS) <= wait.wait_ns(1)
