"""What the orders' proofs say of one queue, against the interpreter: no task goes first that should
not, and the counts are what the worst runs come to."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedlang.ir import nodes as ir
from schedlang.machine.machine import Machine, Mode, Phase
from schedlang.machine.scenario import TaskSpec
from schedlang.prover.ahead import ByArrival, Ordering, turns_ahead
from schedlang.prover.corners import Pace
from schedlang.prover.order import prove_order
from schedlang.prover.prove import prove
from schedlang.prover.setting import TICK_NS, slice_range
from schedlang.prover.solver import Effort, Ledger
from schedlang.prover.subject import ANY_WEIGHT, Subject
from schedlang.prover.verdict import Proved, Unknown
from schedlang.prover.wait import REFERENCE_TASKS
from schedlang.topology import Topology
from tests.prover.build import CPU_IN_ANY, FIFO, MS, leaf, policy, queue, vruntime
from tests.support.policies import RULED, compiled, policies

STEPS = 300


@dataclass
class World:
    """Random tasks on one CPU; notes when each arrived, and asks `check` at every start."""

    subject: ir.Policy
    random: Random
    orderings: tuple[Ordering | Unknown, ...]
    now: int = 0
    arrived: dict[int, int] = field(default_factory=dict)
    overtaken: int = 0

    def __post_init__(self) -> None:
        params = tuple(self.random.choice((p.lo, p.hi)) for p in self.subject.params)
        self.machine = Machine(self.subject, Topology(cpus=1), params)
        for _ in range(self.random.randint(2, 5)):
            self.arrive(self.machine.fork(self.spec(), self.now))

    def spec(self) -> TaskSpec:
        random = self.random
        return TaskSpec(
            random.choice(("hog", "worker", "x")),
            nice=random.choice((-20, 0, 19)),
            weight=random.choice((1, 100, 10_000)),
            kthread=random.random() < 0.3,
            affinity=random.choice((None, frozenset({0}))),
        )

    def arrive(self, task: int) -> None:
        self.arrived[task] = self.now

    def step(self) -> None:
        random, cpu = self.random, self.machine.cpus[0]
        if cpu.mode is Mode.RUNNING:
            assert cpu.turn is not None
            task = cpu.turn.task
            self.now += random.choice((1, 1000, cpu.turn.granted_ns, cpu.turn.granted_ns // 2 + 1))
            self.machine.stop(0, self.now, blocked=random.random() < 0.3)
            if self.machine.tasks[task].phase is Phase.QUEUED:
                self.arrive(task)
        else:
            self.now += random.choice((1, MS, 500 * MS))
        for number, task_ in enumerate(list(self.machine.tasks)):
            if task_.phase is Phase.BLOCKED and random.random() < 0.4:
                self.machine.wake(number, self.now)
                self.arrive(number)
        if random.random() < 0.05:
            self.arrive(self.machine.fork(self.spec(), self.now))
        if cpu.mode is not Mode.RUNNING:
            started = self.machine.choose(0, self.now)
            if started is not None:
                self.check(started.task, started.queue)

    def check(self, first: int, number: int) -> None:
        ordering = self.orderings[number]
        for second, waiting in enumerate(self.machine.tasks):
            if waiting.phase is not Phase.QUEUED or waiting.queue != number:
                continue
            later = self.arrived[first] - self.arrived[second]
            if isinstance(ordering, ByArrival):
                assert later <= ordering.horizon_ns
            elif isinstance(ordering, Pace) and later > 0:
                self.check_v(ordering, number, first, second)
            self.overtaken += later > 0

    def check_v(self, pace: Pace, number: int, first: int, second: int) -> None:
        state = self.subject.queues[number].order.clock_state
        assert state is not None
        values = [self.machine.tasks[task].order_states[number] for task in (first, second)]
        assert values[0] is not None
        assert values[1] is not None
        assert values[0][state] - values[1][state] <= pace.horizon


def orderings(subject: ir.Policy) -> tuple[Ordering | Unknown, ...]:
    found = []
    for own in subject.queues:
        asked = Subject(subject, own, ANY_WEIGHT, slice_range(own).hi)
        found.append(prove_order(asked, Ledger(Effort())))
    return tuple(found)


@settings(max_examples=12)
@given(policies(max_queues=2, using=RULED), st.integers(0, 2**32))
def test_nobody_is_overtaken_from_beyond_the_horizon(text: str, seed: int) -> None:
    subject = compiled(text)
    found = orderings(subject)
    for number in range(3):
        world = World(subject, Random(seed + number), found)
        for _ in range(STEPS):
            world.step()


KEYS = (
    "now + nice * 1ms",
    "now + 3ms * 100 / weight",
    "if kthread then now - 5ms else now + nice * 100us",
)


@pytest.mark.parametrize("key", KEYS)
def test_somebody_is_overtaken_within_it(key: str) -> None:
    text = f"policy p\norder own {{ key {key} }}\nqueue a {{ global  order own  slice 1ms }}\n"
    subject = compiled(f"{text}route {{ else -> a }}\nserve a\n")
    found = orderings(subject)
    worlds = [World(subject, Random(seed), found) for seed in range(3)]
    for world in worlds:
        for _ in range(STEPS):
            world.step()
    assert sum(world.overtaken for world in worlds) > 0


# --- the count


MOST_ALIVE = 4


@dataclass
class Crowd:
    """At most four tasks of weight 100 on one CPU, some of them forked and some gone all the time;
    notes what is served while each waits, from `delay_ns` after its arrival on."""

    subject: ir.Policy
    random: Random
    delay_ns: int
    now: int = 0
    arrived: dict[int, int] = field(default_factory=dict)
    count: dict[int, int] = field(default_factory=dict)
    service_ns: dict[int, int] = field(default_factory=dict)
    most_count: int = 0
    most_ns: int = 0

    def __post_init__(self) -> None:
        self.machine = Machine(self.subject, Topology(cpus=1), ())
        self.restlessness = self.random.choice((0.05, 0.5, 1.0))
        self.mortality = self.random.choice((0.0, 0.5, 1.0))
        self.eagerness = self.random.choice((0.1, 0.5, 1.0))
        self.lengths = self.random.choice(((1,), (1000, 10**9), (10**9,)))

    def arrives(self, task: int) -> None:
        self.arrived[task] = self.now
        self.count[task] = self.service_ns[task] = 0

    def stir(self) -> None:
        alive = [t for t in self.machine.tasks if t.phase is not Phase.EXITED]
        if len(alive) < MOST_ALIVE and self.random.random() < self.eagerness:
            nice = self.random.choice((-20, 0, 19))
            self.arrives(self.machine.fork(TaskSpec("a", nice=nice), self.now))
        for number, task in enumerate(list(self.machine.tasks)):
            if task.phase is Phase.BLOCKED:
                if self.random.random() < self.mortality:
                    self.machine.exit(number)
                elif self.random.random() < self.eagerness:
                    self.machine.wake(number, self.now)
                    self.arrives(number)

    def step(self) -> None:
        started = self.machine.choose(0, self.now)
        if started is None:
            self.now += self.random.choice((1, MS, 100 * MS))
            self.stir()
            return
        self.most_count = max(self.most_count, self.count[started.task])
        self.most_ns = max(self.most_ns, self.service_ns[started.task])
        start, granted = self.now, self.machine.tasks[started.task].slice_ns
        end = start + min(self.random.choice(self.lengths), granted)
        for _ in range(2):
            self.now = self.random.randint(self.now, end)
            self.stir()
        self.now = end
        for number, task in enumerate(self.machine.tasks):
            if task.phase is Phase.QUEUED:
                served = end - max(start, self.arrived[number] + self.delay_ns)
                self.count[number] += served > 0
                self.service_ns[number] += max(served, 0)
        blocks = self.random.random() < self.restlessness
        self.machine.stop(0, self.now, blocked=blocks)
        if not blocks:
            self.arrives(started.task)
        self.stir()


VTIME = "v : vtime = clock + 2ms  on join { v = max(v, clock - 5ms) }"
CHARGED = "on stop { v = v + used * 100 / weight }"
COUNTED = {
    "vruntime": f"{VTIME} {CHARGED} key v",
    "a short fork penalty": f"{VTIME.replace('2ms', '10ns')} {CHARGED} key v",
    "nice": f"{VTIME} {CHARGED} key v + nice * 500us",
    "a debt that is forgiven": (
        "v : vtime = clock + 1ms  on join { v = clamp(v, clock - 5ms, clock + 1ms) }"
        f" {CHARGED} key v"
    ),
    "a fixed charge": f"{VTIME} on stop {{ v = v + 3ms }} key v",
    "eligible first": f"{VTIME} {CHARGED} key if v <= clock then v else v + 4ms",
    "deadline": (
        "due : time = now + 5ms  on join { due = clamp(due, now - 5ms, now + 9ms) }  key due"
    ),
    "nice in time": "key now + nice * 1ms",
}


@pytest.mark.parametrize("name", COUNTED)
def test_no_more_is_served_before_a_task_than_is_counted(name: str) -> None:
    text = (
        f"policy p\norder own {{ {COUNTED[name]} }}\nqueue a {{ global  order own  slice 4ms }}\n"
    )
    subject = compiled(f"{text}route {{ else -> a }}\nserve a\n")
    asked = Subject(subject, subject.queues[0], ir.Interval(100, 100), 4 * MS, one_cpu=True)
    ordering = prove_order(asked, Ledger(Effort()))
    assert not isinstance(ordering, Unknown)
    turns = turns_ahead(ordering, MOST_ALIVE, 4 * MS)
    for seed in range(30):
        crowd = Crowd(subject, Random(seed), turns.delay_ns)
        for _ in range(STEPS):
            crowd.step()
        assert crowd.most_count <= turns.count
        assert crowd.most_ns <= turns.service_ns


# --- tightness: the worst that happens is what is proved


def ordering_of(order: ir.Order, turn_ns: int, *, one_cpu: bool = False) -> Ordering:
    own = policy([queue("a", order=order)], leaf(0), placement=())
    asked = Subject(own, own.queues[0], ir.Interval(100, 100), turn_ns, one_cpu)
    found = prove_order(asked, Ledger(Effort()))
    assert not isinstance(found, Unknown)
    return found


def waits(order: ir.Order, tasks: int, turn_ns: int, steps: int) -> int:
    """The longest service before a task that others beat to it, over all runs of whole turns in
    which each task goes on or sleeps, and sleepers wake up."""
    own = policy([queue("a", turn_ns, order)], leaf(0))
    worst = 0
    for choices in product((False, True), repeat=steps):
        machine, now = Machine(own, Topology(cpus=1), ()), 0
        since = {machine.fork(TaskSpec("a"), 0): 0 for _ in range(tasks)}
        for blocks in choices:
            started = machine.choose(0, now)
            assert started is not None
            worst = max(worst, now - since[started.task])
            now += turn_ns
            for task in since:
                if machine.tasks[task].phase is Phase.BLOCKED:
                    machine.wake(task, now)
                    since[task] = now
            machine.stop(0, now, blocked=blocks)
            if not blocks:
                since[started.task] = now
            elif tasks == 1:
                break
    return worst


@pytest.mark.parametrize("tasks", [2, 3, 4])
def test_the_bound_of_fifo_is_its_optimum(tasks: int) -> None:
    assert waits(FIFO, tasks, 4 * MS, 8) == turns_ahead(ByArrival(0), tasks, 4 * MS).service_ns


def test_the_wait_in_a_lone_fifo_is_its_optimum() -> None:
    report = prove(policy([queue("a", 4 * MS)], leaf(0)))
    verdict = report.findings[0].verdict
    assert isinstance(verdict, Proved)
    assert verdict.bound is not None
    assert verdict.bound.value_ns == waits(FIFO, REFERENCE_TASKS, 4 * MS + TICK_NS, 8)


CREDIT, FORK, TURN = 20 * MS, MS, 8 * MS


def served_before_the_victim(*, forks: bool) -> int:
    """A task arrives after the longest turn; then one that slept comes back with all its credit,
    and uses it up; its last turn, and those of the tasks that it forks, are the longest."""
    own = policy([queue("a", TURN, vruntime(CREDIT, FORK))], leaf(0), placement=())
    machine, now = Machine(own, Topology(cpus=1), ()), 0

    def turn(ran: int, *, blocked: bool) -> int:
        nonlocal now
        started = machine.choose(0, now)
        assert started is not None
        now += ran
        machine.stop(0, now, blocked=blocked)
        return started.task

    sleeper = machine.fork(TaskSpec("sleeper"), now)
    turn(1000, blocked=True)
    victim = machine.fork(TaskSpec("victim"), now)
    for _ in range(20):
        assert turn(TURN, blocked=False) == victim
    since = now
    machine.wake(sleeper, now)
    # From 20 ms behind the clock to the clock; the victim is 8 ms ahead.
    for _ in range(20):
        assert turn(MS, blocked=False) == sleeper
    if not forks:
        assert turn(TURN - 1, blocked=False) == sleeper
        assert turn(TURN, blocked=False) == sleeper
    else:
        assert turn(FORK - 1, blocked=False) == sleeper
        assert turn(TURN, blocked=True) == sleeper
        for _ in range(TURN // FORK - 1):
            child = machine.fork(TaskSpec("child"), now)
            assert turn(TURN, blocked=True) == child
    assert turn(TURN, blocked=False) == victim
    return now - TURN - since


@pytest.mark.parametrize("forks", [False, True])
def test_a_run_attains_the_bound_of_vruntime_on_one_cpu(forks: bool) -> None:
    ordering = ordering_of(vruntime(CREDIT, FORK), TURN, one_cpu=True)
    bound = turns_ahead(ordering, 2, TURN, forks=forks)
    assert bound.service_ns * 0.998 < served_before_the_victim(forks=forks) <= bound.service_ns


def test_a_placed_task_moves_the_clock_past_one_that_waits() -> None:
    """So that with placement one CPU is enough for what otherwise takes two."""
    order = vruntime(CREDIT, FORK)
    own = policy([queue("a", TURN, order)], leaf(0), placement=(CPU_IN_ANY,))
    machine, now = Machine(own, Topology(cpus=1), ()), 0

    def turn(ran: int, *, blocked: bool = False) -> int:
        nonlocal now
        started = machine.choose(0, now)
        assert started is not None
        now += ran
        machine.stop(0, now, blocked=blocked)
        return started.task

    sleeper, victim = (machine.fork(TaskSpec(name), now) for name in ("sleeper", "victim"))
    assert turn(1000, blocked=True) == sleeper
    for _ in range(20):
        assert turn(TURN) == victim
    assert turn(TURN, blocked=True) == victim
    assert machine.choose(0, now) is None
    machine.wake(victim, now)  # It is placed; its v is a turn ahead.
    machine.wake(sleeper, now)  # It waits, and has all its credit.
    assert turn(TURN) == victim
    since = now
    assert turn(TURN) == sleeper
    for _ in range((CREDIT + TURN) // MS - 1):
        assert turn(MS) == sleeper
    assert turn(MS - 1) == sleeper
    assert turn(TURN) == sleeper
    served_ns = now - since
    assert turn(TURN) == victim
    found = prove_order(
        Subject(own, own.queues[0], ir.Interval(100, 100), TURN, one_cpu=True), Ledger(Effort())
    )
    assert isinstance(found, Pace)
    bound = turns_ahead(found, 2, TURN, forks=False)
    assert bound.service_ns * 0.998 < served_ns <= bound.service_ns
    sharper = turns_ahead(ordering_of(order, TURN, one_cpu=True), 2, TURN, forks=False)
    assert served_ns > sharper.service_ns


def test_a_run_on_two_cpus_comes_nearer() -> None:
    """Tasks that may run on the first CPU alone wait there from long ago, while the victim runs on
    the second one and moves the clock; then it has to come over."""
    own = policy([queue("a", TURN, vruntime(CREDIT, FORK))], leaf(0), placement=())
    machine, others = Machine(own, Topology(cpus=2), ()), 5
    here, there = frozenset({0}), frozenset({1})
    for _ in range(others):
        machine.fork(TaskSpec("other", affinity=here), 0)
    machine.choose(0, 0)
    victim = machine.fork(TaskSpec("victim", affinity=there), 0)
    now = 0
    for now in range(40_000):
        # Turns of 1 ns, each charged as 1 us.
        machine.choose(1, now)
        machine.stop(1, now + 1, blocked=False)
    machine.choose(1, now + 1)
    since = now = TURN
    machine.stop(0, now, blocked=False)
    started = machine.choose(0, now)
    machine.change(victim, TaskSpec("victim", affinity=here), now)
    waiting = machine.tasks[victim].order_states[0]
    assert waiting is not None
    while started is not None and started.task != victim:
        task = machine.tasks[started.task].order_states[0]
        assert task is not None
        now += MS if waiting[0] - MS > task[0] > waiting[0] - CREDIT - TURN else TURN
        machine.stop(0, now, blocked=False)
        started = machine.choose(0, now)
    bound = turns_ahead(ordering_of(vruntime(CREDIT, FORK), TURN), others + 1, TURN, forks=False)
    assert bound.service_ns * 0.93 < now - since <= bound.service_ns
    sharper = ordering_of(vruntime(CREDIT, FORK), TURN, one_cpu=True)
    assert now - since > turns_ahead(sharper, others + 1, TURN, forks=False).service_ns
