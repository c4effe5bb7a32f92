"""All that can matter to a machine's future, modulo translation.

Times are relative to now, vtimes to the clock of their queue, arbitration debts to their V. Two
machines of one policy with equal snapshots behave alike for ever. A snapshot holds no None for a
number; `repetition` puts it there for what is found not to matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from schedlang.ir.nodes import Type
from schedlang.machine.arbitration import RelativeArbitration
from schedlang.machine.evaluate import Values
from schedlang.machine.machine import Cpu, Machine, Mode, Phase, Task
from schedlang.machine.queue import QueueInstance
from schedlang.machine.scenario import TaskSpec

StateValues = tuple[int | None, ...]


@final
@dataclass(frozen=True, slots=True)
class TurnView:
    task: int
    queue: int
    granted_ns: int
    is_ended: bool
    ran_ns: int
    unsettled_ns: int


@final
@dataclass(frozen=True, slots=True)
class CpuView:
    mode: Mode
    woken: bool
    claimed: int | None
    turn: TurnView | None
    arbitration: RelativeArbitration


@final
@dataclass(frozen=True, slots=True)
class EntryView:
    """Entries are listed least first, so that their sequence numbers need no place here."""

    task: int
    key: int | None


@final
@dataclass(frozen=True, slots=True)
class TaskView:
    """`queue` and `slice_ns` are None unless it waits or runs, `order_states` of queues that it
    never joined. `key` is that of a task that has left its queue to run, 0 where no rule of
    `preempt` asks for it. `units` are those of the instances that they are in.
    """

    spec: TaskSpec
    cpu: int
    phase: Phase
    queue: int | None
    slice_ns: int | None
    key: int
    states: StateValues
    order_states: tuple[StateValues | None, ...]
    units: tuple[int | None, ...]


@final
@dataclass(frozen=True, slots=True)
class RelativeState:
    """`queues` lists the entries of each instance of each queue."""

    cpus: tuple[CpuView, ...]
    queues: tuple[tuple[tuple[EntryView, ...], ...], ...]
    tasks: tuple[TaskView, ...]


def relative_state(machine: Machine, now: int, epoch: int | None = None) -> RelativeState:
    """States and keys that are times are relative to `epoch`, which is now unless it is given."""
    since = now if epoch is None else epoch
    return RelativeState(
        tuple(_view_cpu(cpu, now) for cpu in machine.cpus),
        tuple(tuple(_view_queue(one, since) for one in queue.all) for queue in machine.queues),
        tuple(_view_task(task, machine, since) for task in machine.tasks),
    )


def _view_cpu(cpu: Cpu, now: int) -> CpuView:
    turn = cpu.turn
    view = turn and TurnView(
        turn.task,
        turn.queue,
        turn.granted_ns,
        turn.is_ended,
        now - turn.start,
        now - cpu.settled_at,
    )
    return CpuView(cpu.mode, cpu.woken, cpu.claimed, view, cpu.arbiter.relative(now))


def _view_queue(queue: QueueInstance, now: int) -> tuple[EntryView, ...]:
    origin = _origin(queue.code.key_type, now, queue.clock)
    return tuple(EntryView(entry.task, entry.key - origin) for entry in queue.entries)


def _view_task(task: Task, machine: Machine, now: int) -> TaskView:
    is_blocked = task.phase in (Phase.BLOCKED, Phase.EXITED)
    return TaskView(
        task.spec,
        task.cpu,
        task.phase,
        None if is_blocked else task.queue,
        None if is_blocked else task.slice_ns,
        _running_key(task, machine, now),
        _relative(task.states, machine.state_types, now, clock=0),
        tuple(
            None
            if values is None or instance is None
            else _relative(values, instance.code.state_types, now, instance.clock)
            for values, instance in zip(task.order_states, task.instances, strict=True)
        ),
        tuple(None if instance is None else instance.unit for instance in task.instances),
    )


def _running_key(task: Task, machine: Machine, now: int) -> int:
    rules = machine.policy.preemptions
    if task.phase not in (Phase.RUNNING, Phase.CLAIMED) or not any(
        rule.earlier and rule.over == task.queue for rule in rules
    ):
        return 0
    instance = task.instances[task.queue]
    assert instance is not None
    return task.key - _origin(instance.code.key_type, now, instance.clock)


def _relative(values: Values, types: tuple[Type, ...], now: int, clock: int) -> StateValues:
    return tuple(
        value - _origin(type_, now, clock) for value, type_ in zip(values, types, strict=True)
    )


def _origin(type_: Type, now: int, clock: int) -> int:
    match type_:
        case Type.TIME:
            return now
        case Type.VTIME:
            return clock
        case _:
            return 0
