"""One queue's order under the adversary: an evaluation with everything free, and an arrival in it.

Attributes, states, inputs and params are any values of their ranges. What an order does to its
states when a task arrives is here; what that is worth is `pace`'s and `order`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

from schedlang.ir import nodes as ir
from schedlang.ir.walk import walk
from schedlang.prover.corners import expressions
from schedlang.prover.encode import Moment, encode, free_state, run_handlers, saturate
from schedlang.prover.solver import Model
from schedlang.prover.terms import Sort, Term, between, greatest, integer, variable, when
from schedlang.units import duration

ANY_WEIGHT = ir.ATTRIBUTE_TYPES[ir.Attribute.WEIGHT][1]
MAX_NOW_NS = 2**62 - 1


@final
@dataclass(frozen=True, slots=True)
class Subject:
    """A queue's order, for tasks of these weights and turns up to `turn_ns`; on any machine, or on
    one that has `one_cpu`. Tasks that come from other instances of the queue `hop`."""

    policy: ir.Policy
    queue: ir.Queue
    weights: ir.Interval
    turn_ns: int
    one_cpu: bool = False

    @property
    def hop(self) -> bool:
        return self.queue.scope is not ir.Scope.GLOBAL and not self.one_cpu

    @property
    def used(self) -> ir.Interval:
        most = min(max(self.turn_ns, ir.MIN_CHARGE_NS), ir.MAX_CHARGE_NS)
        return ir.Interval(ir.MIN_CHARGE_NS, most)


def free_moment(subject: Subject, prefix: str, *, blurs: bool = False) -> Moment:
    """An evaluation with every state, attribute and input free in its range."""
    known: list[Term] = []
    weight = integer(subject.weights.lo)
    if not subject.weights.is_single:
        weight = variable(f"{prefix}weight")
        known.append(between(subject.weights.lo, weight, subject.weights.hi))
    columns: list[list[Term]] = []
    for kind, states in (("task", subject.policy.states), ("own", subject.queue.order.states)):
        pairs = [free_state(s, f"{prefix}{kind}{i}") for i, s in enumerate(states)]
        columns.append([term for term, _ in pairs])
        known += [fact for _, fact in pairs]
    inputs = {
        ir.Input.NOW: variable(f"{prefix}now"),
        ir.Input.CLOCK: variable(f"{prefix}clock"),
        ir.Input.USED: variable(f"{prefix}used"),
        ir.Input.GRANTED: variable(f"{prefix}granted"),
        ir.Input.BLOCKED: variable(f"{prefix}blocked", Sort.BOOL),
        ir.Input.WOKEN: variable(f"{prefix}woken", Sort.BOOL),
    }
    known += [
        between(0, inputs[ir.Input.NOW], MAX_NOW_NS),
        between(subject.used.lo, inputs[ir.Input.USED], subject.used.hi),
        between(1, inputs[ir.Input.GRANTED], ir.MAX_SLICE_NS),
    ]
    return Moment(
        prefix,
        subject.policy.params,
        columns[0],
        columns[1],
        inputs,
        weight,
        constraints=known,
        blurs=blurs,
    )


def clock_and_v(subject: Subject, at: Moment) -> tuple[Term, Term]:
    """The clock twice, where the order has no vtime state."""
    state, clock = subject.queue.order.clock_state, at.inputs[ir.Input.CLOCK]
    return clock, clock if state is None else at.order_states[state]


def stop(subject: Subject, at: Moment) -> None:
    """The end of a turn."""
    order = subject.queue.order
    run_handlers(order.handlers, order.states, ir.Event.STOP, at)


def appear(subject: Subject, at: Moment) -> None:
    """A first arrival."""
    _initialise(subject, at)
    arrive(subject, at)


def _initialise(subject: Subject, at: Moment) -> None:
    for index, state in enumerate(subject.queue.order.states):
        # An initial value may read the states before it.
        initial = at.defined(saturate(encode(state.initial, at), state))
        at.order_states = [*at.order_states[:index], initial, *at.order_states[index + 1 :]]


def come_over(subject: Subject, at: Moment) -> None:
    """An arrival from another instance. Its v was as far ahead of the old instance's clock as it is
    now of this one's; but the task is no better off than at a first arrival."""
    state, own = subject.queue.order.clock_state, list(at.order_states)
    assert state is not None
    _initialise(subject, at)
    own[state] = greatest(own[state], at.order_states[state])
    at.order_states = own
    arrive(subject, at)


def arrive(subject: Subject, at: Moment, woke: Term | None = None) -> None:
    """An arrival up to its key, of a task that `woke` or, without that, of any."""
    order, policy = subject.queue.order, subject.policy
    woke = variable(f"{at.prefix}woke", Sort.BOOL) if woke is None else woke
    at.inputs = {**at.inputs, ir.Input.WOKEN: woke}
    follows_task = _reads_times_of_the_task(order)
    if follows_task:
        _perhaps(woke, at, lambda: _run_task(policy, ir.Event.WAKE, at))
    _perhaps(woke, at, lambda: run_handlers(order.handlers, order.states, ir.Event.WAKE, at))
    if follows_task:
        _run_task(policy, ir.Event.JOIN, at)
    run_handlers(order.handlers, order.states, ir.Event.JOIN, at)


def _reads_times_of_the_task(order: ir.Order) -> bool:
    """Other states of the task are free in their ranges anyway, whatever its handlers do."""
    return any(
        isinstance(node, ir.StateRef) and node.owner is ir.Owner.TASK and node.type.is_point
        for expr in expressions(order)
        for node in walk(expr)
    )


def _run_task(policy: ir.Policy, event: ir.Event, at: Moment) -> None:
    run_handlers(policy.handlers, policy.states, event, at, ir.Owner.TASK)


def _perhaps(condition: Term, at: Moment, run: Callable[[], None]) -> None:
    """What `run` does to the states, if the condition holds."""
    tasks, own = list(at.task_states), list(at.order_states)
    run()
    at.task_states = [
        when(condition, new, old) for new, old in zip(at.task_states, tasks, strict=True)
    ]
    at.order_states = [
        when(condition, new, old) for new, old in zip(at.order_states, own, strict=True)
    ]


def key_of(subject: Subject, at: Moment) -> Term:
    key = subject.queue.order.key
    assert key is not None
    return encode(key, at)


def describe(subject: Subject, prefix: str, model: Model) -> str:
    """The task of an arrival, and when it comes, as the model has them."""
    own = subject.queue.order.states
    named = [(f"{prefix}{attribute}", attribute.value, ir.Type.COUNT) for attribute in ir.Attribute]
    for kind, states in (("task", subject.policy.states), ("own", own)):
        named += [(f"{prefix}{kind}{i}", s.name, s.type) for i, s in enumerate(states)]
    parts = [f"{name} {_value(model[text], type_)}" for text, name, type_ in named if text in model]
    parts.append(f"arriving at {_value(model.get(f'{prefix}now', 0), ir.Type.TIME)}")
    return f"({', '.join(parts)})"


def _value(value: int, type_: ir.Type) -> str:
    if type_ in (ir.Type.COUNT, ir.Type.BOOL):
        return str(value)
    return duration(value) if value >= 0 else f"-{duration(-value)}"
