"""Which tasks a policy sends to which queue, asked of the interpreter.

A run needs tasks that really go where they are wanted. They are found by trying: ordinary ones
first, then such as differ in what the route and the queue's own expressions tell apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from itertools import combinations, islice, product
from typing import final

from schedlang.ir import nodes as ir
from schedlang.ir.walk import walk
from schedlang.machine.machine import Machine
from schedlang.machine.scenario import TaskSpec
from schedlang.prover.adversary import Length, Part, Plan, Play, Youth
from schedlang.prover.corners import expressions
from schedlang.topology import Topology

MOST_DEVIATIONS = 3
MOST_CANDIDATES = 3000
MOST_RAISED = 8
MOST_TURNS = 17
BURSTS = (0, 1, 8)
_PROCESS = 1000


class Trait(Enum):
    COMM = "comm"
    PROCESS = "process"
    CGROUP = "cgroup"
    NICE = "nice"
    WEIGHT = "weight"
    KTHREAD = "kthread"
    LEADER = "group_leader"
    PID = "pid"
    TGID = "tgid"
    PPID = "ppid"
    UID = "uid"
    GID = "gid"
    CPUS = "cpus"


_IDS = {
    ir.Attribute.PID: Trait.PID,
    ir.Attribute.TGID: Trait.TGID,
    ir.Attribute.PPID: Trait.PPID,
    ir.Attribute.UID: Trait.UID,
    ir.Attribute.GID: Trait.GID,
}
Traits = Mapping[Trait, str | int]
Axes = tuple[tuple[Trait, tuple[str | int, ...]], ...]


@final
class Casting:
    """The tasks of one policy, under given params, as they are routed when they are forked."""

    def __init__(
        self, policy: ir.Policy, params: tuple[int, ...], *, unrestricted: bool = False
    ) -> None:
        """`unrestricted`: only tasks that may run everywhere."""
        self._policy = policy
        banned = {Trait.CPUS} if unrestricted else set()
        self._axes = tuple(axis for axis in _axes(policy) if axis[0] not in banned)
        self._unrestricted = unrestricted
        self._params = params
        self._machine = Machine(policy, Topology(cpus=1), params)

    def task(self, queue: int, wanted: Traits) -> TaskSpec | None:
        """A task with the wanted traits that is routed to the queue, as plain as there is one."""
        name = self._policy.queues[queue].name[:15]
        axes = tuple((trait, values) for trait, values in self._axes if trait not in wanted)
        for traits in islice(_deviations(axes), MOST_CANDIDATES):
            spec = _spec(name, {**wanted, **traits})
            if self._machine.tasks[self._machine.fork(spec, 0)].queue == queue:
                return spec
        return None

    def tasks(self, queue: int, weights: ir.Interval) -> tuple[TaskSpec, ...]:
        """The plainest task of such a weight, then one for each extreme that the queue's order and
        slice can tell apart."""
        weight = min(max(ir.DEFAULT_WEIGHT, weights.lo), weights.hi)
        plain: Traits = {Trait.WEIGHT: weight}
        found = [self.task(queue, plain)]
        for trait, value in self._extremes(queue, weights):
            found.append(self.task(queue, {**plain, trait: value}))
        return tuple(dict.fromkeys(spec for spec in found if spec is not None))

    def parts(self, queue: int, weights: ir.Interval) -> tuple[Part, ...]:
        """Such tasks as parts; if there are none, one that comes to the queue with time."""
        parts = tuple(Part(spec) for spec in self.tasks(queue, weights))
        return parts or tuple(islice(self._raised(queue, weights), 1))

    def longest(self, queue: int) -> Part | None:
        """Of the parts for the queue the one with the longest slice."""
        parts = self.parts(queue, ir.ATTRIBUTE_TYPES[ir.Attribute.WEIGHT][1])
        return max(parts, key=lambda part: self._slice_ns(part.spec), default=None)

    def _raised(self, queue: int, weights: ir.Interval) -> Iterator[Part]:
        """Tasks that are alone at first, and after a few turns are sent to the queue."""
        plain: Traits = {Trait.WEIGHT: min(max(ir.DEFAULT_WEIGHT, weights.lo), weights.hi)}
        axes = tuple((trait, values) for trait, values in self._axes if trait not in plain)
        for traits in islice(_deviations(axes), MOST_RAISED):
            spec = _spec(self._policy.queues[queue].name[:15], {**plain, **traits})
            for length, burst in product((Length.WHOLE, Length.SHORT), BURSTS):
                part = Part(spec, youth=Youth(MOST_TURNS, length, burst))
                play = Play(self._machine.afresh(), Plan(self._params, (part,)), queue, 0)
                for turns in range(1, MOST_TURNS):
                    play.perform(turns)
                    if play.machine.tasks[0].queue == queue:
                        yield Part(spec, youth=Youth(turns, length, burst))
                        break

    def _slice_ns(self, spec: TaskSpec) -> int:
        return self._machine.tasks[self._machine.fork(spec, 0)].slice_ns

    def _extremes(self, queue: int, weights: ir.Interval) -> Iterator[tuple[Trait, int]]:
        own = self._policy.queues[queue]
        read = {
            node.attribute
            for expr in (*expressions(own.order), own.slice)
            for node in walk(expr)
            if isinstance(node, ir.AttributeRef)
        }
        nice = ir.ATTRIBUTE_TYPES[ir.Attribute.NICE][1]
        if ir.Attribute.WEIGHT in read:
            yield from ((Trait.WEIGHT, weight) for weight in (weights.hi, weights.lo))
        if ir.Attribute.NICE in read:
            yield from ((Trait.NICE, value) for value in (nice.lo, nice.hi))
        if ir.Attribute.KTHREAD in read:
            yield Trait.KTHREAD, 1
        if ir.Attribute.GROUP_LEADER in read:
            yield Trait.LEADER, 0
        for id_, trait in _IDS.items():
            interval = ir.ATTRIBUTE_TYPES[id_][1]
            if id_ in read:
                yield from ((trait, value) for value in (interval.lo, interval.hi))
        if ir.Attribute.PINNED in read and not self._unrestricted:
            yield Trait.CPUS, 1
        if ir.Attribute.RESTRICTED in read and not self._unrestricted:
            yield Trait.CPUS, 2


def _deviations(axes: Axes) -> Iterator[Traits]:
    """What differs from an ordinary task: nothing, one trait, two, …"""
    for count in range(MOST_DEVIATIONS + 1):
        for chosen in combinations(axes, count):
            for values in product(*(values for _, values in chosen)):
                yield {trait: value for (trait, _), value in zip(chosen, values, strict=True)}


def _spec(name: str, traits: Traits) -> TaskSpec:
    cpus = int(traits.get(Trait.CPUS, 0))
    tgid = int(traits.get(Trait.TGID, _PROCESS))
    pid = tgid if traits.get(Trait.LEADER, 1) else tgid % ir.MAX_PID + 1
    return TaskSpec(
        comm=str(traits.get(Trait.COMM, name)),
        process=str(traits.get(Trait.PROCESS, "")),
        cgroup=str(traits.get(Trait.CGROUP, "/")),
        nice=int(traits.get(Trait.NICE, 0)),
        weight=int(traits.get(Trait.WEIGHT, ir.DEFAULT_WEIGHT)),
        kthread=bool(traits.get(Trait.KTHREAD, 0)),
        affinity=frozenset(range(cpus)) if cpus else None,
        pid=int(traits.get(Trait.PID, pid)),
        tgid=tgid,
        ppid=int(traits.get(Trait.PPID, 1)),
        uid=int(traits.get(Trait.UID, 0)),
        gid=int(traits.get(Trait.GID, 0)),
    )


def _axes(policy: ir.Policy) -> Axes:
    """What the route's conditions ask about: names, cgroups, and values around its constants."""
    nodes = [node for rule in policy.route.rules for node in walk(rule.condition)]
    names = [node for node in nodes if isinstance(node, ir.Match)]
    read = {node.attribute for node in nodes if isinstance(node, ir.AttributeRef)}
    constants = sorted({node.value for node in nodes if isinstance(node, ir.Const)})
    around = sorted({near for c in constants for near in (c - 1, c, c + 1)})
    return (
        (Trait.COMM, tuple(_named(n) for n in names if n.name is ir.Name.COMM)),
        (Trait.PROCESS, tuple(_named(n) for n in names if n.name is ir.Name.PROCESS)),
        (Trait.CGROUP, tuple(n.path for n in nodes if isinstance(n, ir.CgroupUnder))),
        (Trait.NICE, _within(around, ir.Attribute.NICE)),
        (Trait.WEIGHT, _within(around, ir.Attribute.WEIGHT)),
        (Trait.KTHREAD, (1,)),
        (Trait.CPUS, (1, 2)),
        (Trait.LEADER, (0,) if ir.Attribute.GROUP_LEADER in read else ()),
        *((trait, _within(around, id_) if id_ in read else ()) for id_, trait in _IDS.items()),
    )


def _named(pattern: ir.Match) -> str:
    """A name that the pattern fits."""
    return pattern.text.replace("*", "")


def _within(values: list[int], attribute: ir.Attribute) -> tuple[int, ...]:
    _, interval = ir.ATTRIBUTE_TYPES[attribute]
    return tuple(value for value in values if interval.lo <= value <= interval.hi)
