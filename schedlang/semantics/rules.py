"""The rules that proofs depend on, checked before any solver (docs/language.md)."""

from __future__ import annotations

from schedlang.diagnostics.model import Diagnostic, Label, Severity
from schedlang.ir import nodes as ir
from schedlang.ir.nodes import Event, Input, Owner, Type
from schedlang.ir.walk import walk
from schedlang.semantics.offsets import AT_BASE, FREE, after_handlers, offset
from schedlang.semantics.scope import Findings


def check_rules(policy: ir.Policy, findings: Findings) -> None:
    for queue in policy.queues:
        with findings.used_at(queue.span):
            _check_queue(queue, findings)
    _warn_unused(policy, findings)


def _check_queue(queue: ir.Queue, findings: Findings) -> None:
    _check_slice(queue, findings)
    if queue.order.key is not None:
        _check_key(queue.order, queue.order.key, findings)
    if queue.order.clock_state is not None:
        _check_fork_gap(queue.order, queue.order.clock_state, findings)
        _check_wake_clamp(queue.order, queue.order.clock_state, findings)
        _check_charge(queue.order, queue.order.clock_state, findings)


def _check_slice(queue: ir.Queue, findings: Findings) -> None:
    bounds = queue.slice.range
    assert bounds is not None
    if bounds.lo < 1 or bounds.hi > ir.MAX_SLICE_NS:
        label = f"between {bounds.lo} ns and {bounds.hi} ns"
        notes = ("write `clamp(…, 100us, 100ms)`",)
        message = "a slice is between 1ns and 100ms"
        findings.add("E0213", message, queue.slice.span, label, notes=notes)


def _check_key(order: ir.Order, key: ir.Expr, findings: Findings) -> None:
    if not key.type.is_point:
        note = "the least key goes first; it must advance as a task is served, or waits"
        message = f"a key is a time or a vtime, found a {key.type}"
        findings.add("E0216", message, key.span, notes=(note,))
        return
    parts = tuple(walk(key))
    clock = any(isinstance(p, ir.InputRef) and p.input is Input.CLOCK for p in parts)
    own = any(isinstance(p, ir.StateRef) and p.owner is Owner.ORDER for p in parts)
    now = any(isinstance(p, ir.InputRef) and p.input is Input.NOW for p in parts)
    if clock and not own and not now:
        message = "a key that follows the clock alone does not tell tasks apart"
        findings.add("E0216", message, key.span)
    if key.type is Type.VTIME and order.clock_state is None:
        findings.add("E0216", "a vtime key needs a vtime state in its order", key.span)
    for part in parts:
        if isinstance(part, ir.StateRef) and part.owner is Owner.ORDER and part.type is Type.TIME:
            _check_time_state(order, part, findings)


def _check_time_state(order: ir.Order, ref: ir.StateRef, findings: Findings) -> None:
    kept = after_handlers(order, Event.JOIN, {Input.NOW: AT_BASE}, {}).get(ref.index, FREE)
    if kept.lo is None or kept.hi is None:
        name = order.states[ref.index].name
        note = f"write `on join {{ {name} = clamp({name}, now - …, now + …) }}`"
        message = f"`{name}` is in the key but not kept near `now` on both sides"
        label = Label(ref.span, "used here")
        span = order.states[ref.index].span
        findings.add("E0216", message, span, secondary=(label,), notes=(note,))


def _check_fork_gap(order: ir.Order, index: int, findings: Findings) -> None:
    state = order.states[index]
    start = offset(state.initial, {Input.CLOCK: AT_BASE}, {})
    if start.lo is None or start.lo < 1:
        note = (
            f"write `{state.name} : vtime = clock + 1ms`: else a storm of forks starves who waits"
        )
        message = f"`{state.name}` does not start above `clock`"
        findings.add("E0214", message, state.initial.span, notes=(note,))


def _check_wake_clamp(order: ir.Order, index: int, findings: Findings) -> None:
    state = order.states[index]
    kept = after_handlers(order, Event.JOIN, {Input.CLOCK: AT_BASE}, {}).get(index, FREE)
    if kept.lo is None:
        note = f"write `on join {{ {state.name} = max({state.name}, clock - 20ms) }}`"
        message = f"`{state.name}` is not kept from falling behind `clock` when its task joins"
        label = "a long sleeper would hold up all others"
        findings.add("E0215", message, state.span, label, notes=(note,))


def _check_charge(order: ir.Order, index: int, findings: Findings) -> None:
    state = order.states[index]
    charged = after_handlers(order, Event.STOP, {}, {index: AT_BASE}).get(index, FREE)
    if charged.lo is None or charged.lo < 1:
        note = f"write `on stop {{ {state.name} = {state.name} + used * 100 / weight }}`"
        message = f"a turn can leave `{state.name}` where it was"
        label = "a task that is not charged is never overtaken"
        findings.add("E0217", message, state.span, label, notes=(note,))


def _warn_unused(policy: ir.Policy, findings: Findings) -> None:
    reached = {rule.queue for rule in policy.route.rules} | {policy.route.otherwise}
    for index, queue in enumerate(policy.queues):
        if index not in reached:
            message = f"no rule of `route` leads to queue `{queue.name}`"
            warning = Diagnostic("W0226", message, Label(queue.span), severity=Severity.WARNING)
            findings.items.append(warning)
