"""Runs of the independent simulator under a policy, each with the adversary against one queue."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

from schedlang.ir import nodes as ir
from schedlang.machine.scenario import TaskSpec
from schedlang.topology import Topology
from tests.support.adversary import MS, TICK_NS, Adversary, Tactics, directed, varied
from tests.support.claimed import watches
from tests.support.reading import Reading
from tests.support.simulator import Simulator
from tests.support.world import World

SHAPES = (
    *(Topology(1), Topology(1), Topology(2), Topology(3)),
    *(Topology(2, 2), Topology(2, 2, 2), Topology(4, 2), Topology(4, 4, 2)),
)
NAMES = ("hog", "web", "w", "x", *(f"q{i}" for i in range(8)))


@dataclass(frozen=True)
class Ran:
    """What was seen in one run, by goal where it is `measured`, and what kind of run it was."""

    worst: dict[int, int]
    tasks: dict[int, int]
    measured: dict[int, float]
    cpus: int
    tick_ns: int
    is_reference: bool
    is_unrestricted: bool
    forgotten: tuple[int, int]


@dataclass(frozen=True)
class Budget:
    """Against how many queues, how many runs beside the directed ones, of how many events."""

    targets: int = 2
    climbs: int = 6
    randoms: int = 5
    steps: int = 160


def attack(
    policy: ir.Policy,
    reading: Reading,
    random: Random,
    budget: Budget,
    machine: type[Simulator] = Simulator,
) -> Iterator[Ran]:
    """Against a few of the queues: known bad company, the worst of it varied, and others at random.

    The first runs are on one CPU, with as many tasks as the reference case has; the last are not.
    """
    scene = Scene(policy, reading, random, budget.steps, machine)
    queues = list(range(len(policy.queues)))
    for target in random.sample(queues, min(budget.targets, len(queues))):
        cast = scene.reference_cast(target)
        if cast is not None:
            yield from scene.climb(target, cast, budget.climbs)
        for _ in range(budget.randoms):
            cast = scene.random_cast(target)
            if cast is not None:
                options = directed(cast.mates, len(cast.specs) - 1 - cast.mates)
                yield scene.run(target, cast, varied(random.choice(options), random))


@dataclass(frozen=True)
class Cast:
    """Tasks for the slots: the victim, its mates, the others; and the machine that they are on."""

    specs: list[TaskSpec]
    mates: int
    machine: Topology
    params: dict[str, int]
    tick_ns: int


@dataclass(frozen=True)
class Scene:
    policy: ir.Policy
    reading: Reading
    random: Random
    steps: int
    machine: type[Simulator]

    def climb(self, target: int, cast: Cast, climbs: int) -> Iterator[Ran]:
        tried: list[tuple[int, Tactics]] = []
        options = directed(cast.mates, len(cast.specs) - 1 - cast.mates)
        for number in range(len(options) + climbs):
            if number < len(options):
                tactics = options[number]
            else:
                tactics = varied(max(tried, key=lambda t: t[0])[1], self.random)
            ran = self.run(target, cast, tactics)
            tried.append((ran.worst.get(target, 0), tactics))
            yield ran

    def reference_cast(self, target: int) -> Cast | None:
        params = {p.name: self.random.choice([p.lo, p.default, p.hi]) for p in self.policy.params}
        others = self.random.choice([1, 2])
        return self._cast(target, 3, others, Topology(1), params, (100,), TICK_NS)

    def random_cast(self, target: int) -> Cast | None:
        random = self.random
        params = {p.name: random.choice([p.lo, p.default, p.hi]) for p in self.policy.params}
        weights = random.choice([(100,), (1, 100, 10_000)])
        machine, tick_ns = random.choice(SHAPES), random.choice([TICK_NS, TICK_NS, MS])
        mates, others = random.choice([0, 1, 2, 3]), random.choice([1, 1, 2])
        return self._cast(target, mates, others, machine, params, weights, tick_ns)

    def _cast(
        self,
        target: int,
        mates: int,
        others: int,
        machine: Topology,
        params: dict[str, int],
        weights: Sequence[int],
        tick_ns: int,
    ) -> Cast | None:
        """Which queue a task would go to is found by trial; None if none went to the target."""
        found: dict[int, list[TaskSpec]] = {}
        probe = Simulator(self.reading, machine.cpus, params)
        for number in range(40):
            spec = self._spec(weights, machine.cpus, NAMES[number] if number < len(NAMES) else None)
            found.setdefault(probe.tasks[probe.fork(spec, 0)].queue, []).append(spec)
        if target not in found:
            return None
        specs = [self.random.choice(found[target]) for _ in range(1 + mates)]
        for queue in [q for q in found if q != target]:
            specs += [self.random.choice(found[queue]) for _ in range(others)]
        return Cast(specs, mates, machine, params, tick_ns)

    def _spec(self, weights: Sequence[int], cpus: int, name: str | None) -> TaskSpec:
        random = self.random
        affinity = frozenset({random.randrange(cpus)}) if random.random() < 0.3 else None
        if name is not None:
            return TaskSpec(name, weight=random.choice(weights), affinity=affinity)
        return TaskSpec(
            random.choice(NAMES),
            process=random.choice(["box", "foo", ""]),
            nice=random.choice([-20, -5, 0, 0, 5, 19]),
            weight=random.choice(weights),
            cgroup=random.choice(["/", "/a", "/a/b"]),
            kthread=random.random() < 0.3,
            affinity=affinity,
            pid=random.choice([1, 1000]),
            tgid=1000,
            ppid=random.choice([0, 1, 1000]),
            uid=random.choice([0, 1000]),
            gid=random.choice([0, 1000]),
        )

    def run(self, target: int, cast: Cast, tactics: Tactics) -> Ran:
        shape = cast.machine
        machine = self.machine(
            self.reading,
            shape.cpus,
            cast.params,
            pick=self.random.choice,
            llcs=shape.llcs,
            nodes=shape.nodes,
        )
        watched = watches(self.policy)
        world = World(machine, list(cast.specs), list(watched.values()), cast.tick_ns)
        tactics = replace(tactics, tick_ns=cast.tick_ns)
        world.run(Adversary(tactics, target, self.random), self.steps)
        return Ran(
            world.worst,
            world.most_users(),
            {goal: float(watch.worst_ns()) for goal, watch in watched.items()},
            shape.cpus,
            cast.tick_ns,
            all(spec.weight == ir.DEFAULT_WEIGHT for spec in cast.specs),
            all(spec.affinity is None for spec in cast.specs)
            and all(habit.after != "roam" for habit in tactics.habits),
            (world.idle_beside_work, world.lost),
        )
