"""Every verdict on a random policy, held against runs of the independent simulator.

A bound must hold in each run that its claim is about; a refutation must starve in the simulator as
it does in the interpreter. How near the runs come to the bounds is counted for the reader.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import NamedTuple

from schedlang.ir import nodes as ir
from schedlang.machine.replay import Replay, replay
from schedlang.machine.scenario import Delay, Lasso, Pass, Step, TaskSpec, Turn, Wake
from schedlang.prover.prove import prove
from schedlang.prover.verdict import Finding, Proved, Refuted, Unknown
from schedlang.source import Span
from tests.support.adversary import TICK_NS, Adversary, Tactics, directed, varied
from tests.support.policies import compiled
from tests.support.reading import Reading
from tests.support.simulator import Simulator
from tests.support.world import World

MS = 1_000_000
FAR_NS = 2**61
REFERENCE_TASKS = 4
NAMES = ("hog", "web", "w", "x", *(f"q{i}" for i in range(8)))
ALWAYS = (
    ir.Property.STARVATION_FREE,
    ir.Property.NO_LOST_TASK,
    ir.Property.BOUNDED_PREEMPTION,
)


class Ratio(NamedTuple):
    """How near a run came to a bound: `rule` says which kind of bound, for the table."""

    rule: str
    value: float


@dataclass
class Examined:
    """The verdicts on one policy, as (property, verdict, detail), and the ratios of its bounds."""

    verdicts: list[tuple[str, str, str]] = field(default_factory=list)
    ratios: list[Ratio] = field(default_factory=list)


@dataclass(frozen=True)
class Ran:
    """What was seen in one run, and what kind of run it was."""

    worst: dict[int, int]
    tasks: dict[int, int]
    lags: dict[tuple[int, int], float]
    cpus: int
    tick_ns: int
    is_reference: bool
    is_unrestricted: bool
    forgotten: tuple[int, int]


@dataclass(frozen=True)
class Budget:
    """How many runs of how many events against how many queues of a policy."""

    runs: int = 12
    steps: int = 160
    targets: int = 3


def examine(text: str, seed: int, budget: Budget) -> Examined:
    """Raises AssertionError, with the policy, if a run contradicts a verdict."""
    random = Random(f"{seed} {text}")
    policy, reading = compiled(text), Reading(text)
    runs = list(attack(policy, reading, random, budget))
    needed = {(q, n) for ran in runs for q, n in ran.tasks.items()}
    asked = replace(policy, goals=(*policy.goals, *(wait_claim(q, n) for q, n in sorted(needed))))
    findings = prove(asked).findings
    examined = Examined()
    number = len(policy.queues) + 2
    check_general(policy, findings[:number], runs, examined, text)
    goals = [goal for goal in asked.goals if goal.property not in ALWAYS]
    own = len(goals) - len(needed)
    for i, (goal, finding) in enumerate(zip(goals, findings[number:], strict=True)):
        assert goal.property is finding.property
        if i < own:
            note(examined, finding)
        if isinstance(finding.verdict, Proved):
            check_claim(policy, goal, finding.verdict, runs, examined, text)
    for finding in findings:
        if isinstance(finding.verdict, Refuted):
            check_refutation(policy, reading, finding.verdict, text)
    return examined


def wait_claim(queue: int, tasks: int) -> ir.Goal:
    nowhere = Span(0, 0)
    interval = ir.Interval(FAR_NS, FAR_NS)
    bound = ir.Const(ir.Type.DURATION, interval, nowhere, FAR_NS)
    conditions = (ir.TasksAtMost(queue, tasks, nowhere),)
    return ir.Goal(ir.Property.WAIT, (queue,), bound, conditions, nowhere)


# --- runs


def attack(policy: ir.Policy, reading: Reading, random: Random, budget: Budget) -> Iterable[Ran]:
    queues = list(range(len(policy.queues)))
    for target in random.sample(queues, min(budget.targets, len(queues))):
        for number in range(budget.runs):
            mates, others = random.choice([0, 1, 3, 3]), random.choice([1, 1, 2])
            cast = draw_cast(policy, reading, random, target, mates, others)
            if cast is None:
                break
            options = directed(cast.mates, len(cast.specs) - 1 - cast.mates)
            tactics = options[number % len(options)]
            if number >= len(options) or random.random() < 0.3:
                tactics = varied(tactics, random)
            yield run_once(policy, reading, random, target, cast, tactics, budget.steps)


@dataclass(frozen=True)
class Cast:
    """Tasks for the slots: the victim, its mates, the others; and the machine that they are on."""

    specs: list[TaskSpec]
    mates: int
    cpus: int
    params: dict[str, int]


def draw_cast(
    policy: ir.Policy, reading: Reading, random: Random, target: int, mates: int, others: int
) -> Cast | None:
    cpus = random.choice([1, 1, 1, 2, 3])
    params = {p.name: random.choice([p.lo, p.default, p.hi]) for p in policy.params}
    weights = random.choice([(100,), (100,), (1, 100, 10_000)])
    found: dict[int, list[TaskSpec]] = {}
    probe = Simulator(reading, cpus, params)
    for number in range(40):
        spec = drawn_spec(random, weights, cpus, plain=number < len(NAMES))
        spec = replace(spec, comm=NAMES[number]) if number < len(NAMES) else spec
        found.setdefault(probe.tasks[probe.fork(spec, 0)].queue, []).append(spec)
    if target not in found:
        return None
    specs = [random.choice(found[target]) for _ in range(1 + mates)]
    for queue in [q for q in found if q != target]:
        specs += [random.choice(found[queue]) for _ in range(others)]
    return Cast(specs, mates, cpus, params)


def drawn_spec(random: Random, weights: Sequence[int], cpus: int, plain: bool) -> TaskSpec:
    pinned = frozenset({random.randrange(cpus)})
    if plain:
        return TaskSpec("", affinity=pinned if cpus > 1 and random.random() < 0.3 else None)
    return TaskSpec(
        random.choice(NAMES),
        process=random.choice(["box", "foo", ""]),
        nice=random.choice([-20, -5, 0, 0, 5, 19]),
        weight=random.choice(weights),
        cgroup=random.choice(["/", "/a", "/a/b"]),
        kthread=random.random() < 0.3,
        affinity=pinned if random.random() < 0.3 else None,
    )


def run_once(
    policy: ir.Policy,
    reading: Reading,
    random: Random,
    target: int,
    cast: Cast,
    tactics: Tactics,
    steps: int,
) -> Ran:
    machine = Simulator(reading, cast.cpus, cast.params, pick=random.choice)
    tactics = replace(tactics, tick_ns=random.choice([TICK_NS, TICK_NS, MS]))
    world = World(machine, list(cast.specs), claimed_shares(policy))
    world.run(Adversary(tactics, target, random), steps)
    return Ran(
        world.worst,
        {queue: len(users) for queue, users in world.users.items()},
        {(q, s): float(world.lag(q, s)) for q, ss in claimed_shares(policy).items() for s in ss},
        cast.cpus,
        tactics.tick_ns,
        all(spec.weight == ir.DEFAULT_WEIGHT for spec in cast.specs),
        all(spec.affinity is None for spec in cast.specs),
        (world.idle_beside_work, world.lost),
    )


def claimed_shares(policy: ir.Policy) -> dict[int, tuple[int, ...]]:
    found: dict[int, tuple[int, ...]] = {}
    for goal in policy.goals:
        if goal.property is ir.Property.SHARE:
            queue = goal.queues[0]
            found[queue] = (*found.get(queue, ()), claimed_share(goal))
    return found


def claimed_share(goal: ir.Goal) -> int:
    assert goal.bound is not None
    assert goal.bound.range is not None
    return goal.bound.range.hi


# --- checks


def note(examined: Examined, finding: Finding) -> None:
    verdict = finding.verdict
    detail = ""
    if isinstance(verdict, Unknown):
        detail = f"{verdict.reason.name}: {verdict.detail}"
    examined.verdicts.append((finding.property.value, type(verdict).__name__, detail))


def check_general(
    policy: ir.Policy,
    findings: Sequence[Finding],
    runs: Sequence[Ran],
    examined: Examined,
    text: str,
) -> None:
    """What is checked of every policy: `starvation_free` of each queue, and `no_lost_task`."""
    for finding in findings:
        note(examined, finding)
        verdict = finding.verdict
        if not isinstance(verdict, Proved):
            continue
        if finding.property is ir.Property.NO_LOST_TASK:
            assert all(ran.forgotten[1] == 0 for ran in runs), text
        if finding.queue is not None and verdict.bound is not None:
            seen = [
                ran.worst.get(finding.queue, 0)
                for ran in runs
                if ran.is_reference and ran.tasks.get(finding.queue, 0) <= REFERENCE_TASKS
            ]
            rule = f"starvation_free {rule_of(policy, finding.queue)}"
            compare(verdict, max(seen, default=0), rule, examined, text)


def check_claim(
    policy: ir.Policy,
    goal: ir.Goal,
    verdict: Proved,
    runs: Sequence[Ran],
    examined: Examined,
    text: str,
) -> None:
    matching = [ran for ran in runs if all(holds(c, ran) for c in goal.conditions)]
    match goal.property:
        case ir.Property.WAIT:
            (queue,) = goal.queues
            seen = max((ran.worst.get(queue, 0) for ran in matching), default=0)
            compare(verdict, seen, f"wait {rule_of(policy, queue)}", examined, text)
        case ir.Property.SHARE:
            key = (goal.queues[0], claimed_share(goal))
            lag = max((ran.lags[key] for ran in matching), default=0)
            compare(verdict, lag, "share", examined, text)
        case ir.Property.WORK_CONSERVING:
            assert all(ran.forgotten[0] == 0 for ran in matching), text
        case _:
            pass


def holds(condition: ir.Condition, ran: Ran) -> bool:
    match condition:
        case ir.TasksAtMost():
            return ran.tasks.get(condition.queue, 0) <= condition.count
        case ir.TickAtMost():
            return ran.tick_ns <= condition.tick_ns
        case ir.Unrestricted():
            return ran.is_unrestricted
        case ir.CpusAtMost():
            return ran.cpus <= condition.count
        case _:
            return True


def compare(verdict: Proved, seen: float, rule: str, examined: Examined, text: str) -> None:
    assert verdict.bound is not None
    most = verdict.bound.value_ns
    assert seen <= most, f"{rule}: seen {seen} ns, proved {most} ns\n{text}"
    if seen > 0 and most > 0:
        examined.ratios.append(Ratio(rule, seen / most))


def rule_of(policy: ir.Policy, queue: int) -> str:
    """The kind of bound: how the queue is served, whether beside guards, how it is ordered."""
    guards = [type(g).__name__ for g in policy.guards if g.queue == queue]
    others = "beside guards" if any(g.queue != queue for g in policy.guards) else "alone"
    order = policy.queues[queue].order
    kind = "vtime" if order.clock_state is not None else "fifo" if order.key is None else "time"
    return f"{guards[0] if guards else depth(policy.serve, queue)} {others}, {kind}"


def depth(tree: ir.Tree, queue: int) -> str:
    """The nodes above the queue, outermost first."""
    match tree:
        case ir.Leaf():
            return "leaf" if tree.queue == queue else ""
        case ir.Strict():
            below = [depth(child, queue) for child in tree.children]
            return "".join(f"strict>{path}" for path in below if path)
        case ir.Weighted():
            below = [depth(share.child, queue) for share in tree.shares]
            return "".join(f"weighted>{path}" for path in below if path)


# --- refutations


def check_refutation(policy: ir.Policy, reading: Reading, verdict: Refuted, text: str) -> None:
    replayed = replay(policy, verdict.run, 40)
    assert isinstance(replayed, Replay), (replayed, text)
    names = [param.name.name for param in reading.params]
    params = dict(zip(names, verdict.run.params, strict=True))
    follower = Follower(Simulator(reading, 1, params), verdict.run.tasks)
    if isinstance(verdict.run, Lasso):
        start = verdict.run.loop_start
        follower.follow(verdict.run.steps[:start])
        for _ in range(20):
            follower.follow(verdict.run.steps[start:])
            follower.settle_last()
            assert follower.place(verdict.run.victim) == "waiting", text
    elif isinstance(verdict.run, Delay):
        follower.follow(verdict.run.steps)


@dataclass
class Follower:
    """Drives the simulator along a run as schedlang/machine/scenario.py describes it."""

    machine: Simulator
    specs: Sequence[TaskSpec]
    now: int = 0
    ids: dict[int, int] = field(default_factory=dict)
    ending: Turn | None = None

    def follow(self, steps: Iterable[Step]) -> None:
        for step in steps:
            match step:
                case Wake():
                    self.wake(step.task)
                case Turn():
                    self.settle_last()
                    if self.machine.cpus[0].turn is None:
                        self.machine.choose(0, self.now)
                    turn = self.machine.cpus[0].turn
                    assert turn is not None
                    assert turn.task == self.ids[step.task]
                    self.now += step.ran_ns
                    self.ending = step
                case Pass():
                    self.settle_last()
                    self.now += step.ns

    def wake(self, task: int) -> None:
        if self.ending is not None and self.ending.blocks and self.ending.task == task:
            self.settle_last()
        if task in self.ids:
            self.machine.wake(self.ids[task], self.now)
        else:
            self.ids[task] = self.machine.fork(self.specs[task], self.now)

    def settle_last(self) -> None:
        if self.ending is not None:
            ended, self.ending = self.ending, None
            self.machine.stop(0, self.now, ended.blocks)
            self.machine.choose(0, self.now)

    def place(self, task: int) -> str:
        return self.machine.tasks[self.ids[task]].place
