"""What the templates are given: one immutable view for each, holding finished text.

Every decision and every calculation is made before a view is built; a template only places.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, slots=True)
class Line:
    """A line of C, and the `#line` directive to go before it, if any."""

    text: str
    directive: str = ""


@final
@dataclass(frozen=True, slots=True)
class HeaderView:
    """header.c.j2: `about` are the lines of the opening comment."""

    about: tuple[str, ...]
    headers: tuple[str, ...]


@final
@dataclass(frozen=True, slots=True)
class QueueName:
    constant: str
    place: str
    name: str


@final
@dataclass(frozen=True, slots=True)
class QueueScope:
    """A queue with several instances. `reach` is empty if it does not steal."""

    queue: str
    place: str
    text: str
    scope: str
    reach: str


@final
@dataclass(frozen=True, slots=True)
class QueuesView:
    """queues.c.j2: `scopes` are those that are not global."""

    queues: tuple[QueueName, ...]
    scopes: tuple[QueueScope, ...]


@final
@dataclass(frozen=True, slots=True)
class TunableParam:
    member: str
    function: str
    name: str
    place: str
    default: str
    lo: str
    hi: str


@final
@dataclass(frozen=True, slots=True)
class ParamsView:
    """params.c.j2"""

    params: tuple[TunableParam, ...]


@final
@dataclass(frozen=True, slots=True)
class Variable:
    """A state or a clock. `type` is empty for a clock that all CPUs share."""

    member: str
    name: str
    place: str
    type: str = ""


@final
@dataclass(frozen=True, slots=True)
class OrderStates:
    """`unit` is the member that names the instance, empty where that makes no difference."""

    member: str
    states: tuple[Variable, ...]
    unit: str


@final
@dataclass(frozen=True, slots=True)
class StateView:
    """state.c.j2: `queues` are those whose order has states; `cgroups` how many paths are named.

    `units`, here and below: whether a queue has several instances.
    """

    units: bool
    clocks: tuple[Variable, ...]
    cgroups: int
    groups: bool
    task_states: tuple[Variable, ...]
    queues: tuple[OrderStates, ...]


@final
@dataclass(frozen=True, slots=True)
class GuardName:
    constant: str
    queue: str
    place: str
    text: str


@final
@dataclass(frozen=True, slots=True)
class WeightedState:
    member: str
    place: str
    text: str
    children: int


@final
@dataclass(frozen=True, slots=True)
class CpuStateView:
    """cpu_state.c.j2: `cpu` if anything is kept of turns, `settles` if their service is charged."""

    cpu: bool
    settles: bool
    preempts: bool
    guards: tuple[GuardName, ...]
    weighted: tuple[WeightedState, ...]
    trees: tuple[str, ...]


@final
@dataclass(frozen=True, slots=True)
class CpuSetView:
    """`test` tells whether `cpu` is in the set."""

    constant: str
    place: str
    text: str
    test: str


@final
@dataclass(frozen=True, slots=True)
class ConfinedView:
    constant: str
    place: str
    text: str
    set: str


@final
@dataclass(frozen=True, slots=True)
class CpuSetsView:
    """cpusets.c.j2: `confined` are the queues that keep their tasks to a set."""

    sets: tuple[CpuSetView, ...]
    confined: tuple[ConfinedView, ...]


@final
@dataclass(frozen=True, slots=True)
class CgroupPath:
    place: str
    text: str
    test: str


@final
@dataclass(frozen=True, slots=True)
class CgroupsView:
    """cgroups.c.j2"""

    groups: bool
    paths: tuple[CgroupPath, ...]


@final
@dataclass(frozen=True, slots=True)
class Function:
    """A function of the policy's own; `locals` are the definitions at its beginning."""

    comment: str
    result: str
    signature: str
    locals: tuple[str, ...]
    lines: tuple[Line, ...]


@final
@dataclass(frozen=True, slots=True)
class FunctionsView:
    """functions.c.j2"""

    functions: tuple[Function, ...]


@final
@dataclass(frozen=True, slots=True)
class QueueCall:
    constant: str
    function: str


@final
@dataclass(frozen=True, slots=True)
class QueueStart:
    """What a start from a queue moves: the clock at `clock` to `vtime`, and share guards."""

    constant: str
    clock: str
    vtime: str
    guards: tuple[str, ...]


@final
@dataclass(frozen=True, slots=True)
class SnapshotLine:
    into: str
    of: str
    place: str


@final
@dataclass(frozen=True, slots=True)
class TurnsView:
    """turns.c.j2: `charged` if anything reads what a turn has used.

    `waking` if the waker's handlers ask for wake-ups, `snapshots` what it leaves to whom it wakes,
    `alone` if there is one queue, `split` if it takes a queue to find a home.
    """

    alone: bool
    units: bool
    split: bool
    cpu: bool
    preempts: bool
    groups: bool
    task_wake: str
    route: str
    waking: bool
    snapshots: tuple[SnapshotLine, ...]
    task_stop: bool
    charged: bool
    arrivals: tuple[QueueCall, ...]
    stops: tuple[QueueCall, ...]


@final
@dataclass(frozen=True, slots=True)
class StartView:
    """start.c.j2: `walk` goes through the tree for a queue alone, empty if that changes nothing;
    turns of the queues `slow`, as bits, ask for the least frequency, empty if none do.
    """

    alone: bool
    cpu: bool
    settles: bool
    preempts: bool
    guards: bool
    slow: str
    walk: str
    starts: tuple[QueueStart, ...]


@final
@dataclass(frozen=True, slots=True)
class QueueCase:
    """What a switch over queues does for one."""

    constant: str
    lines: tuple[Line, ...]


@final
@dataclass(frozen=True, slots=True)
class Child:
    """`mask` are the queues below, as bits; `choice` is what choosing the child gives."""

    mask: str
    choice: str


@final
@dataclass(frozen=True, slots=True)
class Node:
    """An inner node of the tree. `weighted` is its state in struct cpu_ctx, empty if strict."""

    place: str
    text: str
    linkage: str
    function: str
    parameters: str
    weighted: str
    children: tuple[Child, ...]


@final
@dataclass(frozen=True, slots=True)
class GrantStep:
    """`tree` is that of the node, None if there is one tree."""

    member: str
    child: int
    tree: int | None


@final
@dataclass(frozen=True, slots=True)
class Grant:
    constant: str
    steps: tuple[GrantStep, ...]


@final
@dataclass(frozen=True, slots=True)
class ChoiceView:
    """choice.c.j2: `root` chooses by the tree; `trees` do, if CPUs have trees of their own."""

    cpu: bool
    charges: tuple[QueueCase, ...]
    guards: tuple[GuardName, ...]
    empty_lines: tuple[Line, ...]
    nodes: tuple[Node, ...]
    trees: tuple[str, ...]
    root: str
    grants: tuple[Grant, ...]


@final
@dataclass(frozen=True, slots=True)
class RungView:
    """`kind` is "prev", "waker" or "pick"; what picks takes a CPU for the task by `call`."""

    kind: str
    call: str = ""


@final
@dataclass(frozen=True, slots=True)
class LadderView:
    """A ladder as a function; `queues` are those whose own it is. `eligible` are the CPUs that it
    may find, empty if these are all that the task may run on.
    """

    function: str
    text: str
    signature: str
    rungs: tuple[RungView, ...]
    call: str
    queues: tuple[str, ...]
    eligible: str

    @property
    def picks(self) -> bool:
        return any(rung.kind == "pick" for rung in self.rungs)


@final
@dataclass(frozen=True, slots=True)
class PreemptView:
    """preempt.c.j2: what those who wait leave turns of the queues `over`, and cut for `by`."""

    over: tuple[QueueCase, ...]
    by: tuple[QueueCase, ...]


@final
@dataclass(frozen=True, slots=True)
class SelectCpuView:
    """select_cpu.c.j2: `ladders` to choose from by queue, or the one that all have in common.

    `call` finds a CPU. `by_queue`: the task must have arrived before it can be asked; `otherwise`
    is what a queue without a ladder of its own gives then. `home` tells whose instance a task
    joins that claims no CPU, empty if there is one only; `back` is the kernel's answer then: where
    preemption begins to look.
    """

    ops: str
    ladders: tuple[LadderView, ...]
    by_queue: bool
    call: str
    parameters: str
    otherwise: str
    now: str
    wakers: bool
    home: str
    back: str


@final
@dataclass(frozen=True, slots=True)
class EnqueueView:
    """enqueue.c.j2: `keyed` is "all", "none", or the keyed queues as bits; `dsq` is where to: by
    the number `unit`, called `unit_name`, if the queue has several.

    `place` finds a CPU for a pinned task that woke up, empty if the policy places nobody.
    """

    ops: str
    place: str
    preempts: bool
    keyed: str
    now: str
    wakers: bool
    units: bool
    unit: str
    unit_name: str
    dsq: str


@final
@dataclass(frozen=True, slots=True)
class DispatchStep:
    constant: str
    dsq: str
    keyed: bool


@final
@dataclass(frozen=True, slots=True)
class StealStep:
    """`here` tells whether it is a step of the CPU's tree; `walk` goes through that for the queue
    alone.
    """

    constant: str
    here: str
    walk: str


@final
@dataclass(frozen=True, slots=True)
class DispatchView:
    """dispatch.c.j2: `steps` are the queues as they come, where they always come like that.

    If not, `ahead` tells that the running task's key comes first, `keeps` that it goes on if its
    queue is chosen.
    """

    ops: str
    cpu: bool
    settles: bool
    preempts: bool
    reads_granted: bool
    now: str
    place: str
    text: str
    steps: tuple[DispatchStep, ...]
    guards: bool
    grants: bool
    ahead: str
    keeps: str
    start: str
    units: bool
    confines: bool
    steals: tuple[StealStep, ...]


@final
@dataclass(frozen=True, slots=True)
class CallbacksView:
    """callbacks.c.j2: the remaining callbacks and the table of all."""

    ops: str
    ops_name: str
    cpu: bool
    settles: bool
    preempts: bool
    reads_granted: bool
    start: str
    now: str
    end_now: str
    cgroups: bool
    groups: bool
    task_initial: bool
    counts_cpus: bool
    nearby: bool
    sets: bool
    trees: bool
    counts_online_cpus: bool
    units: bool
    confines: bool
    create: str
    timeout_ms: int
