"""A policy made ready to run: all that it says, as functions of an environment.

It holds no state, so that any number of machines can share it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

from schedlang.ir.nodes import (
    MAX_SLICE_NS,
    Attribute,
    AttributeRef,
    Event,
    Interval,
    Owner,
    Policy,
    Snapshot,
    Type,
)
from schedlang.ir.walk import expressions, walk
from schedlang.machine.evaluate import (
    Effect,
    Environment,
    Evaluator,
    compile_expr,
    compile_handlers,
    compile_initial,
    compile_route,
    compile_within,
)


@final
@dataclass(frozen=True, slots=True)
class CompiledQueue:
    """What a queue's order and its slice say. `bit` is the queue's in a set of queues.

    `on_wake`, `on_join` and `on_stop` are all that happens to a task then, in this order, the
    task's own handlers included; but those of its wake-up have run before it was routed here.
    """

    bit: int
    state_types: tuple[Type, ...]
    clock_state: int | None
    key_type: Type
    initial: Callable[[Environment], list[int]]
    on_wake: tuple[Effect, ...]
    on_join: tuple[Effect, ...]
    on_stop: tuple[Effect, ...]
    key: Evaluator | None
    slice: Evaluator


@final
@dataclass(frozen=True, slots=True)
class CompiledPolicy:
    state_types: tuple[Type, ...]
    initial: Callable[[Environment], list[int]]
    on_wake: tuple[Effect, ...]
    on_waking: tuple[Effect, ...]
    snapshots: tuple[Snapshot, ...]
    route: Evaluator
    queues: tuple[CompiledQueue, ...]
    asks_for_groups: bool

    @property
    def asks_for_wakers(self) -> bool:
        return bool(self.on_waking or self.snapshots)


def compile_policy(policy: Policy) -> CompiledPolicy:
    return CompiledPolicy(
        tuple(state.type for state in policy.states),
        compile_initial(policy.states, Owner.TASK),
        _effects(policy, None, Event.WAKE),
        _effects(policy, None, Event.WAKING),
        policy.snapshots,
        compile_route(policy.route),
        tuple(_compile_queue(policy, number) for number in range(len(policy.queues))),
        any(
            isinstance(node, AttributeRef) and node.attribute is Attribute.GROUP_WEIGHT
            for expr in expressions(policy)
            for node in walk(expr)
        ),
    )


def _compile_queue(policy: Policy, number: int) -> CompiledQueue:
    queue, order = policy.queues[number], policy.queues[number].order
    return CompiledQueue(
        1 << number,
        tuple(state.type for state in order.states),
        order.clock_state,
        order.key.type if order.key is not None else Type.COUNT,
        compile_initial(order.states, Owner.ORDER),
        _effects(policy, number, Event.WAKE),
        (*_effects(policy, None, Event.JOIN), *_effects(policy, number, Event.JOIN)),
        (*_effects(policy, None, Event.STOP), *_effects(policy, number, Event.STOP)),
        compile_expr(order.key) if order.key is not None else None,
        compile_within(queue.slice, Interval(1, MAX_SLICE_NS)),
    )


def _effects(policy: Policy, queue: int | None, event: Event) -> tuple[Effect, ...]:
    """The handlers of `event`: of the queue's order, or of the tasks themselves; none or one."""
    owner = Owner.TASK if queue is None else Owner.ORDER
    holder = policy if queue is None else policy.queues[queue].order
    if all(handler.event is not event for handler in holder.handlers):
        return ()
    return (compile_handlers(holder.handlers, holder.states, owner, event),)
