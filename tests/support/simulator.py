"""A second one-CPU machine, written from docs/machine.md alone, to check the interpreter against.

INVARIANT: it takes nothing from `schedlang.machine` but the description of a task. It is slow and
literal: records are dicts, ratios are fractions, a queue is searched from end to end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from fractions import Fraction

from schedlang.ir import nodes as ir
from schedlang.machine.scenario import TaskSpec

States = dict[str, int]
Path = tuple[int, ...]
"""A node of the serve tree: the positions of the children on the way down to it."""


@dataclass
class Mind:
    """What an expression may look at."""

    params: tuple[int, ...]
    spec: TaskSpec
    given: dict[str, int]
    own: States
    policy: ir.Policy
    order: ir.Order | None = None
    order_states: States = field(default_factory=dict)

    def value(self, e: ir.Expr) -> int:
        if isinstance(e, ir.Const):
            return e.value
        if isinstance(e, ir.ParamRef):
            return self.params[e.index]
        if isinstance(e, ir.InputRef):
            return self.given[e.input.value]
        if isinstance(e, ir.AttributeRef):
            return self.attribute(e.attribute.value)
        if isinstance(e, ir.StateRef):
            if e.owner.value == "task":
                return self.own[self.policy.states[e.index].name]
            assert self.order is not None
            return self.order_states[self.order.states[e.index].name]
        if isinstance(e, ir.Match):
            before, after = {"exact": ("", ""), "prefix": ("", "*"), "suffix": ("*", "")}.get(
                e.kind.value, ("*", "*")
            )
            plain = "".join(f"[{c}]" if c in "*?[" else c for c in e.text)
            name = self.spec.comm if e.name.value == "comm" else self.spec.process
            return int(fnmatchcase(name, before + plain + after))
        if isinstance(e, ir.CgroupUnder):
            wanted = e.path.split("/")
            return int(self.spec.cgroup.split("/")[: len(wanted)] == wanted)
        return self.operation(e)

    def attribute(self, name: str) -> int:
        affinity = self.spec.affinity
        known = {
            "nice": self.spec.nice,
            "weight": self.spec.weight,
            "kthread": int(self.spec.kthread),
            "pinned": int(affinity is not None and len(affinity) == 1),
            "restricted": int(affinity is not None),
        }
        return known[name]

    def operation(self, e: ir.Expr) -> int:
        if isinstance(e, ir.If):
            return self.value(e.then if self.value(e.condition) else e.orelse)
        if isinstance(e, ir.Not):
            return 1 - self.value(e.operand)
        if isinstance(e, ir.Log2):
            operand, power = self.value(e.operand), 0
            while 2 ** (power + 1) <= operand:
                power += 1
            return power
        assert isinstance(e, ir.Arith | ir.Compare | ir.Logic)
        x, y = self.value(e.left), self.value(e.right)
        results: dict[str, int | Fraction] = {
            "+": x + y,
            "-": x - y,
            "*": x * y,
            "/": Fraction(x, y) if y else 0,
            "min": (x + y - abs(x - y)) // 2,
            "max": (x + y + abs(x - y)) // 2,
            "and": x * y,
            "or": x + y - x * y,
        }
        if e.op.value in results:
            return math.trunc(results[e.op.value])
        sign = (x > y) - (x < y)
        holds = {"<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (0, 1), "==": (0,), "!=": (-1, 1)}
        return int(sign in holds[e.op.value])


@dataclass
class SimTask:
    spec: TaskSpec
    own: States
    by_queue: dict[int, States] = field(default_factory=dict)
    place: str = "asleep"
    queue: int = -1
    slice_ns: int = 0


@dataclass
class Waiting:
    task: int
    queue: int
    key: int
    seq: int


@dataclass
class Running:
    task: int
    queue: int
    since: int
    settled: int
    slice_ns: int


class Simulator:
    """One CPU, number 0. `cpu` is "idle", "deciding" or the turn that it runs."""

    def __init__(self, policy: ir.Policy, params: tuple[int, ...]) -> None:
        self.policy, self.params = policy, params
        self.tasks: list[SimTask] = []
        self.waiting: list[Waiting] = []
        self.cpu: Running | str = "idle"
        self.claimed: int | None = None
        self.rested = True
        self.clocks = [0 for _ in policy.queues]
        self.seq = 0
        self.due = {guard.queue: 0 for guard in policy.guards}  # a queue has one at most
        self.v: dict[Path, Fraction] = {}
        self.p: dict[Path, Fraction] = {}
        self.seen: dict[Path, bool] = {}

    # --- tasks

    def fork(self, spec: TaskSpec, now: int) -> None:
        task = SimTask(spec, {})
        mind = Mind(self.params, spec, {"now": now}, task.own, self.policy)
        for state in self.policy.states:
            task.own[state.name] = bounded(mind.value(state.initial), state)
        self.tasks.append(task)
        self.arrive(len(self.tasks) - 1, now, anew=True)

    def wake(self, number: int, now: int) -> None:
        self.arrive(number, now, anew=True)

    def arrive(self, number: int, now: int, anew: bool) -> None:
        task = self.tasks[number]
        mind = Mind(self.params, task.spec, {"now": now}, task.own, self.policy)
        if anew:
            self.handle("wake", mind, of_order=False)
        matching = [r.queue for r in self.policy.route.rules if mind.value(r.condition)]
        task.queue = [*matching, self.policy.route.otherwise][0]
        self.enter(mind, task, task.queue)
        if anew:
            self.handle("wake", mind, of_order=True)
        self.handle("join", mind, of_order=False)
        self.handle("join", mind, of_order=True)
        queue = self.policy.queues[task.queue]
        key = 0 if queue.order.key is None else mind.value(queue.order.key)
        task.slice_ns = sorted((1, mind.value(queue.slice), 100_000_000))[1]
        if anew and self.policy.placement and self.cpu == "idle":
            # On one CPU every rung finds the same: the CPU, if it is idle.
            self.claimed, self.cpu, task.place = number, "deciding", "claimed"
            return
        self.waiting.append(Waiting(number, task.queue, key, self.seq))
        self.seq += 1
        task.place = "waiting"
        if self.cpu == "idle":
            self.cpu = "deciding"

    def enter(self, mind: Mind, task: SimTask, queue: int) -> None:
        order = self.policy.queues[queue].order
        mind.order = order
        mind.given["clock"] = self.clocks[queue]
        if queue in task.by_queue:
            mind.order_states = task.by_queue[queue]
            return
        mind.order_states = task.by_queue[queue] = {}
        for state in order.states:
            mind.order_states[state.name] = bounded(mind.value(state.initial), state)

    def handle(self, event: str, mind: Mind, of_order: bool) -> None:
        owner = mind.order if of_order else self.policy
        assert owner is not None
        target = mind.order_states if of_order else mind.own
        for handler in owner.handlers:
            if handler.event.value != event:
                continue
            if handler.condition is None or mind.value(handler.condition) == 1:
                for assign in handler.assigns:
                    state = owner.states[assign.index]
                    target[state.name] = bounded(mind.value(assign.value), state)

    # --- turns

    def begin(self, number: int, now: int) -> tuple[int, int]:
        task = self.tasks[number]
        order = self.policy.queues[task.queue].order
        for state in order.states:
            if state.type.value == "vtime":
                v = task.by_queue[task.queue][state.name]
                self.clocks[task.queue] = max(self.clocks[task.queue], v)
        for guard in self.policy.guards:
            if guard.queue == task.queue and isinstance(guard, ir.GuardShare):
                self.due[guard.queue] = min(self.due[guard.queue], now)
        self.cpu = Running(number, task.queue, now, now, task.slice_ns)
        task.place = "running"
        return number, task.queue

    def settle(self, now: int) -> None:
        assert isinstance(self.cpu, Running)
        d, queue = now - self.cpu.settled, self.cpu.queue
        self.cpu.settled = now
        for guard in self.policy.guards:
            if guard.queue == queue and isinstance(guard, ir.GuardAfter):
                self.due[queue] = now + self.constant(guard.delay)
            if guard.queue == queue and isinstance(guard, ir.GuardShare):
                self.due[queue] += math.ceil(Fraction(d * 100, self.constant(guard.share)))
        self.charge(self.policy.serve, (), queue, d)

    def charge(self, tree: ir.Tree, path: Path, queue: int, d: int) -> None:
        for k, child in enumerate(children(tree)):
            if queue not in queues_of(child):
                continue
            here = (*path, k)
            if isinstance(tree, ir.Weighted):
                common = math.lcm(*(share.weight for share in tree.shares))
                cost = Fraction(d * common, tree.shares[k].weight)
                limit = self.v.get(path, Fraction()) + 2**60
                self.p[here] = min(self.p.get(here, Fraction()) + cost, limit)
            self.charge(child, here, queue, d)

    def stop(self, now: int, blocked: bool) -> None:
        self.settle(now)
        turn = self.cpu
        assert isinstance(turn, Running)
        self.cpu = "deciding"
        task = self.tasks[turn.task]
        given = {
            "now": now,
            "used": sorted((1_000, now - turn.since, 1_000_000_000))[1],
            "granted": turn.slice_ns,
            "blocked": int(blocked),
        }
        mind = Mind(self.params, task.spec, given, task.own, self.policy)
        self.enter(mind, task, turn.queue)
        self.handle("stop", mind, of_order=False)
        self.handle("stop", mind, of_order=True)
        if blocked:
            task.place = "asleep"
        else:
            self.arrive(turn.task, now, anew=False)

    # --- the choice

    def choose(self, now: int) -> tuple[int, int] | None:
        if self.rested:
            self.rested = False
            self.end_of_idleness(now)
        if self.claimed is not None:
            number, self.claimed = self.claimed, None
            self.descend(self.policy.serve, (), {self.tasks[number].queue})
            return self.begin(number, now)
        full = {entry.queue for entry in self.waiting}
        for guard in self.policy.guards:
            if guard.queue not in full:
                self.see_empty(guard, now)
        overdue = sorted(
            (self.due[guard.queue], position, guard.queue)
            for position, guard in enumerate(self.policy.guards)
            if guard.queue in full and self.due[guard.queue] <= now
        )
        queue = overdue[0][2] if overdue else self.descend(self.policy.serve, (), full)
        if queue is None:
            self.cpu, self.rested = "idle", True
            return None
        entry = min(
            (entry for entry in self.waiting if entry.queue == queue),
            key=lambda entry: (entry.key, entry.seq),
        )
        self.waiting.remove(entry)
        return self.begin(entry.task, now)

    def end_of_idleness(self, now: int) -> None:
        for guard in self.policy.guards:
            self.see_empty(guard, now)

    def see_empty(self, guard: ir.Guard, now: int) -> None:
        if isinstance(guard, ir.GuardAfter):
            self.due[guard.queue] = now + self.constant(guard.delay)
        else:
            self.due[guard.queue] = max(self.due[guard.queue], now)

    def descend(self, tree: ir.Tree, path: Path, full: set[int]) -> int | None:
        if isinstance(tree, ir.Leaf):
            return tree.queue if tree.queue in full else None
        present = [k for k, c in enumerate(children(tree)) if queues_of(c) & full]
        if isinstance(tree, ir.Weighted):
            v = self.v.get(path, Fraction())
            for k in range(len(tree.shares)):
                here = (*path, k)
                self.p.setdefault(here, Fraction())
                if k in present and not self.seen.get(here, False):
                    self.p[here] = max(self.p[here], v)
                self.seen[here] = k in present
            present.sort(key=lambda k: (self.p[(*path, k)], k))
            if present:
                self.v[path] = max(v, self.p[(*path, present[0])])
        if not present:
            return None
        return self.descend(children(tree)[present[0]], (*path, present[0]), full)

    def constant(self, e: ir.Expr) -> int:
        return Mind(self.params, TaskSpec(""), {}, {}, self.policy).value(e)


def children(tree: ir.Tree) -> list[ir.Tree]:
    if isinstance(tree, ir.Leaf):
        return []
    if isinstance(tree, ir.Strict):
        return list(tree.children)
    return [share.child for share in tree.shares]


def queues_of(tree: ir.Tree) -> set[int]:
    if isinstance(tree, ir.Leaf):
        return {tree.queue}
    return set().union(*(queues_of(child) for child in children(tree)))


def bounded(value: int, state: ir.State) -> int:
    return value if state.range is None else sorted((state.range.lo, value, state.range.hi))[1]
