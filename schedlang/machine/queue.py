"""One queue of the interpreter: its entries, its clock, and its order, compiled."""

from __future__ import annotations

from bisect import insort
from typing import NamedTuple, final

from schedlang.ir.nodes import MAX_SLICE_NS, Event, Interval, Owner, Policy, Type
from schedlang.machine.evaluate import (
    Effect,
    compile_expr,
    compile_handlers,
    compile_initial,
    compile_within,
)


class Entry(NamedTuple):
    """A task's place in a queue: the least (key, seq) goes first. `cpus`: where it may run."""

    key: int
    seq: int
    task: int
    cpus: int


@final
class QueueInstance:
    """A queue's entries, least first, and its clock; what its order and its slice say.

    `on_wake`, `on_join` and `on_stop` are all that happens to a task then, in this order; its own
    handlers of the wake-up have run before it was routed here. Sets of CPUs and of queues are bits
    of a number; `bit` is this queue's.
    """

    def __init__(self, policy: Policy, number: int, cpus: int) -> None:
        queue, order = policy.queues[number], policy.queues[number].order
        self.bit = 1 << number
        self.entries: list[Entry] = []
        self.clock = 0
        self.state_types = tuple(state.type for state in order.states)
        self.clock_state = order.clock_state
        self.key_type = order.key.type if order.key is not None else Type.COUNT
        self.initial = compile_initial(order.states, Owner.ORDER)
        self.on_wake = effects(policy, number, Event.WAKE)
        self.on_join = (*effects(policy, None, Event.JOIN), *effects(policy, number, Event.JOIN))
        self.on_stop = (*effects(policy, None, Event.STOP), *effects(policy, number, Event.STOP))
        self.key = compile_expr(order.key) if order.key is not None else None
        self.slice = compile_within(queue.slice, Interval(1, MAX_SLICE_NS))
        self._everywhere = (1 << cpus) - 1
        self._restricted = 0

    def is_occupied(self, cpu: int) -> bool:
        """Whether a task waits that may run on `cpu`."""
        if self._restricted < len(self.entries):
            return True
        return any(entry.cpus >> cpu & 1 for entry in self.entries)

    def add(self, entry: Entry) -> None:
        entries = self.entries
        self._restricted += entry.cpus != self._everywhere
        if entries and entry < entries[-1]:
            insort(entries, entry)
        else:
            entries.append(entry)

    def take(self, cpu: int) -> int:
        """Remove the first task that may run on `cpu`; there is one."""
        index = 0
        while not self.entries[index].cpus >> cpu & 1:
            index += 1
        return self._remove(index)

    def drop(self, task: int) -> None:
        """Remove that task; it is there."""
        self._remove(next(i for i, entry in enumerate(self.entries) if entry.task == task))

    def _remove(self, index: int) -> int:
        entry = self.entries.pop(index)
        self._restricted -= entry.cpus != self._everywhere
        return entry.task


def effects(policy: Policy, queue: int | None, event: Event) -> tuple[Effect, ...]:
    """The handlers of `event`: of the queue's order, or of the tasks themselves; none or one."""
    owner = Owner.TASK if queue is None else Owner.ORDER
    holder = policy if queue is None else policy.queues[queue].order
    if all(handler.event is not event for handler in holder.handlers):
        return ()
    return (compile_handlers(holder.handlers, holder.states, owner, event),)
