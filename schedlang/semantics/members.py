"""States, handlers and orders: what tasks remember, and how a queue is ordered by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from schedlang.diagnostics.suggest import did_you_mean
from schedlang.ir import nodes as ir
from schedlang.ir.nodes import Event, Input, Interval, Owner, Type
from schedlang.semantics.declarations import declare
from schedlang.semantics.expressions import describe, lower_as, lower_constant, lower_expr
from schedlang.semantics.module import Definition, Module
from schedlang.semantics.remembered import STATISTICS, Remembered
from schedlang.semantics.scope import Findings, Scope, spelling
from schedlang.semantics.types import read_type
from schedlang.syntax import ast

STOP_INPUTS = frozenset((Input.USED, Input.GRANTED, Input.BLOCKED))
QUEUE_INPUTS = frozenset((Input.LENGTH, Input.CPUS))
INPUTS_OF = {
    Event.WAKE: frozenset((Input.WOKEN,)),
    Event.JOIN: frozenset((Input.WOKEN,)),
    Event.STOP: STOP_INPUTS,
    Event.WAKING: frozenset[Input](),
}
STATE_TYPES = (Type.BOOL, Type.COUNT, Type.DURATION, Type.TIME, Type.VTIME)

States = Mapping[str, tuple[int, ir.State]]


def lower_task(
    tasks: tuple[ast.Task, ...], scope: Scope
) -> tuple[tuple[ir.State, ...], tuple[ir.Handler, ...]]:
    """The policy's own task state. `scope` knows neither states nor inputs yet."""
    members = tuple(member for task in tasks for member in task.members)
    place = replace(scope, place="task state", attributes=True, inputs=frozenset((Input.NOW,)))
    states = _states(members, place, Owner.TASK)
    inner = replace(place, task_states=states)
    handlers = _handlers(members, inner, Owner.TASK)
    return _values(states), handlers


def lower_statistic(task: ast.Task, remembered: Remembered, findings: Findings) -> None:
    """Add a statistic's states, then its handlers, which may need others."""
    inputs = frozenset((Input.NOW,))
    place = Scope("a statistic", (), Module(), findings, inputs, attributes=True)
    states = _states(task.members, place, Owner.TASK, remembered.next_index)
    (public, *_) = states
    for name, (_, state) in states.items():
        remembered.add(name if name in STATISTICS else f"{public}.{name}", state)
    inner = replace(place, task_states=states, remembered=remembered)
    remembered.handlers += _handlers(task.members, inner, Owner.TASK)


def lower_order(
    template: Definition[ast.Order], arguments: Mapping[str, ir.Expr], scope: Scope
) -> ir.Order | None:
    """An order with its arguments put in. `scope` is that of the queue, with its task states."""
    tree = template.tree
    _check_local_names(tree, scope.findings)
    place = replace(
        scope.of_module(template.module),
        place="an order",
        attributes=True,
        inputs=frozenset((Input.NOW, Input.CLOCK)),
        local=arguments,
    )
    states = _states(tree.members, place, Owner.ORDER)
    inner = replace(place, order_states=states, inputs=place.inputs | QUEUE_INPUTS)
    handlers = _handlers(tree.members, inner, Owner.ORDER)
    if tree.key is None:
        note = "write `key` and the value by which the least goes first"
        scope.findings.add(
            "E0216", f"order `{tree.name.name}` has no key", tree.name.span, notes=(note,)
        )
        return None
    key = lower_expr(tree.key, replace(inner, inputs=inner.inputs | {Input.WOKEN}))
    if key is None:
        return None
    clocked = [index for index, state in states.values() if state.type is Type.VTIME]
    if len(clocked) > 1:
        second = _values(states)[clocked[1]]
        scope.findings.add(
            "E0214", "an order has one vtime state: its queue's clock follows it", second.span
        )
    clock = clocked[0] if clocked else None
    return ir.Order(tree.name.name, _values(states), handlers, key, clock, tree.span)


def _check_local_names(tree: ast.Order, findings: Findings) -> None:
    seen: dict[str, ast.Ident] = {}
    names = [formal.name for formal in tree.formals]
    names += [member.name for member in tree.members if isinstance(member, ast.State)]
    for name in names:
        declare(name, seen, findings)


def _values(states: States) -> tuple[ir.State, ...]:
    return tuple(state for _, state in states.values())


def _states(members: tuple[ast.Member, ...], scope: Scope, owner: Owner, first: int = 0) -> States:
    """Initial values may name the states before them. They are numbered from `first` on."""
    states: dict[str, tuple[int, ir.State]] = {}
    for member in members:
        if isinstance(member, ast.State):
            if owner is Owner.TASK:
                here = replace(scope, task_states=dict(states), remembered=None)
            else:
                here = replace(scope, order_states=dict(states))
            state = _state(member, here)
            if state is None:
                scope.findings.broken.add(member.name.name)
            else:
                states[member.name.name] = (first + len(states), state)
    return states


def _state(tree: ast.State, scope: Scope) -> ir.State | None:
    type_ = read_type(tree.type, STATE_TYPES, scope.findings)
    if type_ is None:
        return None
    initial = lower_as(tree.initial, type_, scope)
    bounds = _range(tree, type_, scope)
    if initial is None or (bounds is None and not type_.is_point):
        return None
    if bounds and initial.range and not bounds.contains(initial.range):
        label = f"between {initial.range.lo} and {initial.range.hi}"
        message = f"the initial value of `{tree.name.name}` can lie outside its range"
        scope.findings.add("E0204", message, tree.initial.span, label)
    return ir.State(tree.name.name, type_, initial, bounds, tree.span)


def _range(tree: ast.State, type_: Type, scope: Scope) -> Interval | None:
    """The range of a state. None for a point, which has none, and after an error."""
    if type_.is_point or type_ is Type.BOOL:
        if tree.range is not None:
            scope.findings.add("E0203", f"{describe(type_)} has no range", tree.range.span)
        return ir.BOOL_RANGE if type_ is Type.BOOL else None
    if tree.range is None:
        name, note = tree.name, "write `in LOWEST..HIGHEST`: the state saturates there"
        scope.findings.add("E0204", f"`{name.name}` has no range", name.span, notes=(note,))
        return None
    return lower_range(tree.range, type_, scope)


def lower_range(tree: ast.Range, type_: Type, scope: Scope) -> Interval | None:
    """A constant range with `lo <= hi`."""
    here = replace(scope, place="a range", attributes=False, inputs=frozenset())
    lo = lower_constant(tree.lo, type_, here)
    hi = lower_constant(tree.hi, type_, here)
    if lo is None or hi is None:
        return None
    if lo > hi:
        scope.findings.add("E0222", "the range is empty", tree.span)
        return None
    return Interval(lo, hi)


# --- handlers


def _handlers(
    members: tuple[ast.Member, ...], scope: Scope, owner: Owner
) -> tuple[ir.Handler, ...]:
    handlers = (_handler(m, scope, owner) for m in members if isinstance(m, ast.Handler))
    return tuple(handler for handler in handlers if handler is not None)


def _handler(tree: ast.Handler, scope: Scope, owner: Owner) -> ir.Handler | None:
    if tree.event.name not in tuple(Event):
        repairs = spelling(did_you_mean(tree.event.name, Event), tree.event.span)
        message = f"there is no event `{tree.event.name}`"
        notes = ("the events are `wake`, `waking`, `join` and `stop`",)
        scope.findings.add("E0201", message, tree.event.span, notes=notes, repairs=repairs)
        return None
    event = Event(tree.event.name)
    if event is Event.WAKING and owner is Owner.ORDER:
        message = "a task that wakes others runs, and is in no queue"
        notes = ("write `on waking` in `task { … }`",)
        scope.findings.add("E0208", message, tree.event.span, notes=notes)
        return None
    here = replace(scope, inputs=scope.inputs | INPUTS_OF[event], place=f"`on {event}`")
    condition = None
    if tree.condition is not None:
        condition = lower_as(tree.condition, Type.BOOL, here)
    assigns = (_assign(assign, here, owner) for assign in tree.assigns)
    return ir.Handler(event, condition, tuple(a for a in assigns if a is not None), tree.span)


def _assign(tree: ast.Assign, scope: Scope, owner: Owner) -> ir.Assign | None:
    own: States = scope.order_states if owner is Owner.ORDER else scope.task_states
    name = tree.target.name
    if name in scope.findings.broken:
        return None
    if name not in own:
        message = f"`{name}` is not a state that can be set here"
        notes = ("a handler sets the states of its own `task` or `order` only",)
        repairs = spelling(did_you_mean(name, own), tree.target.span)
        scope.findings.add("E0201", message, tree.target.span, notes=notes, repairs=repairs)
        return None
    index, state = own[name]
    value = lower_as(tree.value, state.type, scope)
    return None if value is None else ir.Assign(index, value, tree.span)


def lower_arguments(
    tree: ast.Ordering, template: Definition[ast.Order], scope: Scope
) -> Mapping[str, ir.Expr] | None:
    """The named arguments of an order: constants and params."""
    formals = {formal.name.name: formal for formal in template.tree.formals}
    given: dict[str, ir.Expr] = {}
    for argument in tree.arguments:
        name = argument.name.name
        if name not in formals or name in given:
            repairs = spelling(did_you_mean(name, set(formals) - set(given)), argument.name.span)
            again = "second " if name in given else ""
            message = f"order `{tree.order.name}` takes no {again}argument `{name}`"
            scope.findings.add("E0209", message, argument.name.span, repairs=repairs)
            return None
        type_ = read_type(formals[name].type, tuple(Type), scope.findings)
        value = None if type_ is None else lower_as(argument.value, type_, scope)
        if value is None:
            return None
        given[name] = value
    missing = [name for name in formals if name not in given]
    if missing:
        wanted = ", ".join(f"`{name}: …`" for name in missing)
        message = f"order `{tree.order.name}` needs {wanted}"
        scope.findings.add("E0209", message, tree.span)
        return None
    return given
