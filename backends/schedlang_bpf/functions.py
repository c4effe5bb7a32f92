"""The policy's own functions: handlers of its states and orders, the route, keys and slices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import assert_never

from schedlang.ir.nodes import (
    MAX_SLICE_NS,
    Event,
    Expr,
    Handler,
    Input,
    Interval,
    Name,
    Order,
    Policy,
    Queue,
    State,
    Type,
)
from schedlang.ir.nodes import Scope as QueueScope
from schedlang.ir.walk import at_first
from schedlang_bpf.code import Code
from schedlang_bpf.expressions import Scope, c_expression
from schedlang_bpf.naming import Names
from schedlang_bpf.text import comment_text, place_text
from schedlang_bpf.views import Function, FunctionsView, Variable
from schedlang_bpf.walk import handler_expressions, read_once, reads

_TASK = ("struct task_struct *p", "struct task_ctx *t", "u64 now")
_WOKE = ("bool woke",)
_STOP = ("s64 used", "s64 granted", "bool blocked")
_WIDTH = 100
_VOID = "static __always_inline void"


def task_functions(policy: Policy, names: Names) -> FunctionsView:
    """The task states' initialisation and handlers, those that there are."""
    functions: list[Function] = []
    scope = names.task_scope()
    if policy.states:
        code = Code(policy.sources)
        _initialise(policy.states, names.task_states, "t->task", scope, code, "\t")
        place = place_text(policy.states[0].span, policy.sources)
        signature = _signature("init_states")
        locals_ = _locals(state.initial for state in policy.states)
        comment = f"{place} the states of a new task"
        functions.append(Function(comment, _VOID, signature, locals_, code.lines()))
    for event in Event:
        handlers = handlers_of(policy.handlers, event)
        if not handlers:
            continue
        code = Code(policy.sources)
        _handle(handlers, policy.states, names.task_states, "t->task", scope, code, "\t")
        place = place_text(handlers[0].span, policy.sources)
        more = _STOP if event is Event.STOP else _WOKE if asks_whether_woken(handlers) else ()
        signature = _signature(f"task_{event.value}", *more)
        locals_ = _locals(handler_expressions(handlers))
        comment = f"{place} task, on {event.value}"
        functions.append(Function(comment, _VOID, signature, locals_, code.lines()))
    return FunctionsView(tuple(functions))


def _signature(name: str, *more: str) -> str:
    """The name and parameters, in two lines if need be, the second below the first parameter."""
    one_line = f"{name}({', '.join((*_TASK, *more))})"
    if len(one_line) <= _WIDTH:
        return one_line
    tabs, spaces = divmod(len(name) + 1, 8)
    return f"{name}({', '.join(_TASK)},\n{chr(9) * tabs}{' ' * spaces}{', '.join(more)})"


def _locals(roots: Iterable[Expr], clock: str = "", length: str = "") -> tuple[str, ...]:
    """What a function reads once, at its beginning."""
    read = read_once(roots)
    definitions = {
        Input.CLOCK: f"const u64 clock = READ_ONCE({clock});",
        Input.LENGTH: f"const s64 length = {length};",
        Name.COMM: "const struct name comm = comm_of(p);",
        Name.PROCESS: "const struct name process = process_of(p);",
    }
    return tuple(text for what, text in definitions.items() if what in read)


def handlers_of(handlers: tuple[Handler, ...], event: Event) -> tuple[Handler, ...]:
    return tuple(handler for handler in handlers if handler.event is event)


def asks_whether_woken(handlers: tuple[Handler, ...]) -> bool:
    return reads(handler_expressions(handlers), Input.WOKEN)


def route_asks_whether_woken(policy: Policy) -> bool:
    return reads((rule.condition for rule in policy.route.rules), Input.WOKEN)


def route_function(policy: Policy, names: Names) -> FunctionsView:
    code = Code(policy.sources)
    scope = names.task_scope()
    for rule in policy.route.rules:
        code.at(rule.span, f"\tif ({c_expression(rule.condition, scope)})")
        code.at(rule.span, f"\t\treturn {names.queue_ids[rule.queue]};")
    code.at(policy.route.span, f"\treturn {names.queue_ids[policy.route.otherwise]};")
    comment = f"{place_text(policy.route.span, policy.sources)} route"
    signature = _signature("route", *(_WOKE if route_asks_whether_woken(policy) else ()))
    locals_ = _locals(rule.condition for rule in policy.route.rules)
    route = Function(comment, "static __always_inline u32", signature, locals_, code.lines())
    return FunctionsView((route,))


def queue_functions(policy: Policy, names: Names) -> FunctionsView:
    """For each queue what an arrival in it and the end of a turn from it do."""
    functions: list[Function] = []
    for number, queue in enumerate(policy.queues):
        functions.append(_arrival(policy, names, number))
        if handlers_of(queue.order.handlers, Event.STOP):
            functions.append(_stop(policy, names, number))
    return FunctionsView(tuple(functions))


def _arrival(policy: Policy, names: Names, number: int) -> Function:
    queue, scope = policy.queues[number], names.queue_scope(number)
    order, states = queue.order, names.order_states[number]
    where, code = f"t->{names.queues[number]}", Code(policy.sources)
    unit = names.units[number]
    if order.states:
        _join(order, names, number, code)
    wake = handlers_of(order.handlers, Event.WAKE)
    if wake:
        code.own("\tif (woke) {")
        _handle(wake, order.states, states, where, scope, code, "\t\t")
        code.own("\t}")
    if handlers_of(policy.handlers, Event.JOIN):
        woke = ", woke" if asks_whether_woken(handlers_of(policy.handlers, Event.JOIN)) else ""
        code.own(f"\ttask_join(p, t, now{woke});")
    join = handlers_of(order.handlers, Event.JOIN)
    _handle(join, order.states, states, where, scope, code, "\t")
    if order.key is not None:
        code.at(order.key.span, f"\tt->turn.key = {c_expression(order.key, scope)};")
    slice_ns = _within(queue.slice, Interval(1, MAX_SLICE_NS), scope)
    code.at(queue.slice.span, f"\tt->turn.slice_ns = {slice_ns};")
    comment = f"{_queue_comment(policy, queue)}: an arrival"
    signature = _signature(arrival_name(names, number), "bool woke")
    clock = f"*unit_clock({names.clocks[number]}, unit)" if unit else names.clocks[number]
    locals_ = _locals(_arrival_expressions(queue), clock, _length_of(queue, names, number))
    if unit:
        seen = f"const u32 unit = unit_of(SCOPE_{queue.scope.name}, t->home);"
        locals_ = (seen, *locals_)
    return Function(comment, _VOID, signature, locals_, code.lines())


def _length_of(queue: Queue, names: Names, number: int) -> str:
    """How many tasks wait in the instance that the task joined."""
    constant = names.queue_ids[number]
    if queue.cpus is not None:
        return f"tasks_in({constant})"
    dsq = constant if queue.scope is QueueScope.GLOBAL else f"dsq_here({constant}, t->home)"
    return f"scx_bpf_dsq_nr_queued({dsq})"


def _join(order: Order, names: Names, number: int, code: Code) -> None:
    """The states appear with the first arrival, and go with the task to another instance."""
    where, states, unit = (
        f"t->{names.queues[number]}",
        names.order_states[number],
        names.units[number],
    )
    joined = f"BIT({names.queue_ids[number]})"
    code.own(f"\tif (!(t->turn.joined & {joined})) {{")
    code.own(f"\t\tt->turn.joined |= {joined};")
    _initialise(order.states, states, where, names.queue_scope(number), code, "\t\t")
    if unit and order.clock_state is not None:
        code.own(f"\t}} else if ({where}.{unit} != unit) {{")
        vtime = f"{where}.{states[order.clock_state]}"
        newcomer = c_expression(at_first(order, order.clock_state), names.queue_scope(number))
        code.own(f"\t\tconst u64 left = READ_ONCE(*{names.clock_at(number)});")
        code.own("")
        code.own("\t\t/* As far ahead of the clock as it was, with a newcomer's credit at most. */")
        code.own(f"\t\t{vtime} = point_max({vtime} + clock - left, {newcomer});")
    code.own("\t}")
    if unit:
        code.own(f"\t{where}.{unit} = unit;")


def _arrival_expressions(queue: Queue) -> Iterator[Expr]:
    order = queue.order
    yield from (state.initial for state in order.states)
    yield from handler_expressions(handlers_of(order.handlers, Event.WAKE))
    yield from handler_expressions(handlers_of(order.handlers, Event.JOIN))
    yield from (expr for expr in (order.key, queue.slice) if expr is not None)


def _stop(policy: Policy, names: Names, number: int) -> Function:
    queue = policy.queues[number]
    handlers = handlers_of(queue.order.handlers, Event.STOP)
    code, scope = Code(policy.sources), names.queue_scope(number)
    where, states = f"t->{names.queues[number]}", names.order_states[number]
    _handle(handlers, queue.order.states, states, where, scope, code, "\t")
    comment = f"{_queue_comment(policy, queue)}: the end of a turn from it"
    clock = f"*{names.clock_at(number)}" if names.units[number] else names.clocks[number]
    where_ = (clock, _length_of(queue, names, number))
    locals_ = _locals(handler_expressions(handlers), *where_)
    signature = _signature(stop_name(names, number), *_STOP)
    return Function(comment, _VOID, signature, locals_, code.lines())


def _queue_comment(policy: Policy, queue: Queue) -> str:
    return f"{place_text(queue.span, policy.sources)} queue {comment_text(queue.name)}"


def arrival_name(names: Names, queue: int) -> str:
    return f"{names.queues[queue]}_arrive"


def stop_name(names: Names, queue: int) -> str:
    return f"{names.queues[queue]}_stop"


def variables(
    states: tuple[State, ...], members: tuple[str, ...], policy: Policy
) -> tuple[Variable, ...]:
    return tuple(
        Variable(
            member, comment_text(state.name), place_text(state.span, policy.sources), _c_type(state)
        )
        for state, member in zip(states, members, strict=True)
    )


def _c_type(state: State) -> str:
    match state.type:
        case Type.BOOL:
            return "bool"
        case Type.TIME | Type.VTIME:
            return "u64"
        case Type.COUNT | Type.DURATION | Type.SHARE:
            return "s64"
        case _:
            assert_never(state.type)


def _initialise(
    states: tuple[State, ...],
    members: tuple[str, ...],
    where: str,
    scope: Scope,
    code: Code,
    indent: str,
) -> None:
    for state, member in zip(states, members, strict=True):
        value = _saturated(state.initial, state, scope)
        code.at(state.span, f"{indent}{where}.{member} = {value};")


def _handle(
    handlers: tuple[Handler, ...],
    states: tuple[State, ...],
    members: tuple[str, ...],
    where: str,
    scope: Scope,
    code: Code,
    indent: str,
) -> None:
    for handler in handlers:
        inner = indent
        braces = len(handler.assigns) > 1
        if handler.condition is not None:
            condition = c_expression(handler.condition, scope)
            code.at(handler.span, f"{indent}if ({condition}){' {' if braces else ''}")
            inner = indent + "\t"
        for assign in handler.assigns:
            value = _saturated(assign.value, states[assign.index], scope)
            code.at(assign.span, f"{inner}{where}.{members[assign.index]} = {value};")
        if handler.condition is not None and braces:
            code.own(f"{indent}}}")


def _saturated(value: Expr, state: State, scope: Scope) -> str:
    if state.range is None or state.type is Type.BOOL:
        return c_expression(value, scope)
    return _within(value, state.range, scope)


def _within(value: Expr, limits: Interval, scope: Scope) -> str:
    """`value`, held to `limits` unless it cannot leave them."""
    text = c_expression(value, scope)
    if value.range is not None and limits.contains(value.range):
        return text
    return f"clamp_to({text}, {_literal(limits.lo)}, {_literal(limits.hi)})"


def _literal(value: int) -> str:
    return f"{value}LL" if abs(value) >= 2**31 else str(value)
