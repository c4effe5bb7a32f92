"""No run of one CPU contradicts what is proved of services: waits for turns, shares, fairness."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations
from random import Random

import pytest

from schedlang.ir import nodes as ir
from schedlang.machine.arbitration import Arbiter, Arbitration
from schedlang.prover.fairness import prove_fair_queues
from schedlang.prover.rules import DOCUMENTED
from schedlang.prover.solver import Effort, Ledger
from schedlang.prover.starvation import Ground, ground
from schedlang.prover.trees import weighted_nodes
from schedlang.prover.verdict import Unknown
from schedlang.prover.wait import prove_services
from tests.prover.build import MS, policy, queue, random_policy, shared

TURNS_BEFORE, TURNS = 60, 120


@dataclass
class Cpu:
    """One CPU under an adversary that fills and empties queues, places tasks and cuts turns."""

    on: Ground
    random: Random
    pinned: frozenset[int] = frozenset()
    now: int = 0
    begin: int = 0
    served: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.arbiter = Arbiter(Arbitration(self.on.policy, ()))
        self.served = [0] * len(self.on.policy.queues)
        self.busyness = self.random.choice([0.2, 0.5, 0.95])
        self.shortness = self.random.choice([0.0, 0.3, 0.9])

    def start(self) -> int | None:
        """Choose, or start a task that was placed; None: idle for a while."""
        occupied = sum(
            1 << q
            for q in self.on.arbitration.queues
            if q in self.pinned or self.random.random() < self.busyness
        )
        chosen = self.arbiter.choose(occupied, self.now)
        if chosen is None:
            self.now += self.random.choice([1, MS, 1000 * MS])
            if self.random.random() < 0.5:
                return None
            chosen = self.random.choice(self.on.arbitration.queues)
            self.arbiter.place(chosen, self.now)
        self.arbiter.start(chosen, self.now)
        return chosen

    def length_ns(self, chosen: int) -> int:
        longest = self.on.arbitration.max_turn_ns[chosen]
        return self.random.randint(1, longest) if self.random.random() < self.shortness else longest

    def turn(self, watch: Callable[[int], None] = lambda _: None) -> None:
        """One turn; `watch` sees the queue at its start, in its midst and at its end."""
        chosen = self.start()
        if chosen is not None:
            watch(chosen)
            length = self.length_ns(chosen)
            part = self.random.randint(0, length)
            for piece in (part, length - part):
                self.now += piece
                self.served[chosen] += piece
                watch(chosen)
            self.arbiter.settle(chosen, length, self.now)


def prepared(subject: ir.Policy, random: Random, pinned: frozenset[int]) -> Cpu:
    """A CPU after a while, at the end of a turn. At `begin`, in its midst, `pinned` filled up; what
    was served since is counted.
    """
    cpu = Cpu(ground(subject, DOCUMENTED, Effort()), random)
    for _ in range(random.randint(0, TURNS_BEFORE)):
        cpu.turn()
    chosen = cpu.start() if random.random() < 0.7 else None
    cpu.pinned, cpu.served = pinned, [0] * len(cpu.served)
    if chosen is not None:
        length = cpu.length_ns(chosen)
        cpu.served[chosen] = random.randint(0, length)
        cpu.now += length
        cpu.arbiter.settle(chosen, length, cpu.now)
    cpu.begin = cpu.now - sum(cpu.served)
    return cpu


@pytest.mark.parametrize("seed", range(60))
def test_no_queue_waits_longer_than_its_services_say(seed: int) -> None:
    random = Random(seed)
    subject = random_policy(random, 6)
    on = ground(subject, DOCUMENTED, Effort())
    assert not isinstance(on.facts, Unknown)
    for q in on.arbitration.queues:
        services = prove_services(on.arbitration, q, on.facts, Ledger(Effort()))
        if isinstance(services, Unknown):
            continue
        cpu = prepared(subject, random, frozenset((q,)))
        turns, service = 0, cpu.served[q]  # what was left of a turn of its own is service
        for _ in range(TURNS):
            before, at = cpu.served[q], cpu.now
            cpu.turn()
            if cpu.served[q] > before:
                waited = at - cpu.begin
                assert waited <= min(s.wait_ns(turns, service) for s in services)
                turns, service = turns + 1, service + cpu.served[q] - before


def test_nested_trees_are_among_them() -> None:
    nested = [
        seed for seed in range(60) if len(weighted_nodes(random_policy(Random(seed), 6).serve)) > 1
    ]
    assert len(nested) > 8


@pytest.mark.parametrize("seed", range(40))
def test_no_window_parts_queues_further_than_proved(seed: int) -> None:
    random = Random(seed)
    weights = [random.choice([1, 2, 3, 4, 6]) for _ in range(random.randint(2, 5))]
    queues = [queue(f"q{i}", random.choice([1, 4, 10]) * MS) for i in range(len(weights))]
    subject = policy(queues, shared(*weights))
    named = tuple(sorted(random.sample(range(len(weights)), random.randint(2, len(weights)))))
    arbitration = ground(subject, DOCUMENTED, Effort()).arbitration
    apart = prove_fair_queues(arbitration, named, Ledger(Effort()))
    assert isinstance(apart, Fraction)
    cpu = prepared(subject, random, frozenset(named))
    least = min(weights[q] for q in named)

    def watch(_: int) -> None:
        for a, b in combinations(named, 2):
            gap = Fraction(cpu.served[a] * least, weights[a])
            gap -= Fraction(cpu.served[b] * least, weights[b])
            assert abs(gap) <= apart

    for _ in range(TURNS):
        cpu.turn(watch)
