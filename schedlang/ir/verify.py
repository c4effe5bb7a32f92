"""The invariants of a typed policy, checked after every pass that makes or changes one.

What passes here has a meaning in docs/machine.md: every read finds a value of the type and in the
interval that it names, every queue is served, and no operation is undefined.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from math import lcm
from typing import assert_never

from schedlang.ir import nodes as ir
from schedlang.ir.nodes import Event, Input, Owner, Type
from schedlang.ir.testing import Before, Limit, Test
from schedlang.ir.verify_expressions import IrError, Place, verify_expr
from schedlang.ir.walk import leaves

__all__ = ["IrError", "verify"]

QUEUE_INPUTS = frozenset((Input.LENGTH, Input.CPUS))
INPUTS_OF = {
    Event.WAKE: frozenset((Input.WOKEN,)),
    Event.JOIN: frozenset((Input.WOKEN,)),
    Event.STOP: frozenset((Input.USED, Input.GRANTED, Input.BLOCKED)),
    Event.WAKING: frozenset[Input](),
}


def verify(policy: ir.Policy) -> None:
    """Raise `IrError` if an invariant does not hold."""
    _verify_params(policy)
    constant = Place("policy", policy.params)
    now = frozenset((Input.NOW,))
    task = Place("task", policy.params, True, now)
    _verify_members(policy.states, policy.handlers, Owner.TASK, task)
    _verify_snapshots(policy, task)
    _demand_distinct((queue.name for queue in policy.queues), constant)
    for queue in policy.queues:
        _verify_queue(queue, policy)
    arrival = frozenset((Input.NOW, Input.WOKEN))
    _verify_route(policy, Place("route", policy.params, True, arrival, policy.states))
    _verify_tree(policy, Place("serve", policy.params))
    _verify_guards(policy, Place("guard", policy.params))
    _verify_preemptions(policy, Place("preempt", policy.params))
    _verify_ladder(policy.placement, policy, Place("place", policy.params))
    _verify_sets(policy, Place("cpuset", policy.params))
    for goal in policy.goals:
        _verify_goal(goal, policy)
    for accept in policy.accepts:
        _demand_queue(accept.queue, policy, Place("accept", policy.params))
    for test in policy.tests:
        _verify_test(test, policy)


def _verify_params(policy: ir.Policy) -> None:
    place = Place("param", policy.params)
    _demand_distinct((param.name for param in policy.params), place)
    for param in policy.params:
        place.demand(not param.type.is_point, f"`{param.name}` is a {param.type}")
        place.demand(param.lo <= param.default <= param.hi, f"the default of `{param.name}`")
        place.demand(param.tunable or param.lo == param.hi, f"`{param.name}` varies")


def _verify_members(
    states: tuple[ir.State, ...], handlers: tuple[ir.Handler, ...], owner: Owner, place: Place
) -> None:
    """`place` is what the owner's members may read, apart from its own states."""
    _demand_distinct((state.name for state in states), place)
    for index, state in enumerate(states):
        _verify_state(state, _with_states(place, owner, states[:index]))
    for handler in handlers:
        _verify_handler(handler, states, _with_states(place, owner, states))


def _verify_snapshots(policy: ir.Policy, place: Place) -> None:
    _demand_distinct((snapshot.into for snapshot in policy.snapshots), place)
    for snapshot in policy.snapshots:
        inside = 0 <= snapshot.of < snapshot.into < len(policy.states)
        place.demand(inside, f"a snapshot of {snapshot.of} in {snapshot.into}")
        of, into = policy.states[snapshot.of], policy.states[snapshot.into]
        place.demand((of.type, of.range) == (into.type, into.range), f"`{into.name}` is another")
        place.demand(not of.type.is_point, f"`{of.name}` is a point")


def _with_states(place: Place, owner: Owner, states: tuple[ir.State, ...]) -> Place:
    if owner is Owner.TASK:
        return replace(place, task_states=states)
    return replace(place, order_states=states)


def _verify_state(state: ir.State, place: Place) -> None:
    place.demand((state.range is None) == state.type.is_point, f"the range of `{state.name}`")
    verify_expr(state.initial, state.type, place)
    initial = state.initial.range
    if state.range is not None and initial is not None:
        place.demand(state.range.contains(initial), f"`{state.name}` starts outside its range")


def _verify_handler(handler: ir.Handler, states: tuple[ir.State, ...], place: Place) -> None:
    place = replace(place, inputs=place.inputs | INPUTS_OF[handler.event])
    if handler.condition is not None:
        verify_expr(handler.condition, Type.BOOL, place)
    for assign in handler.assigns:
        place.demand(0 <= assign.index < len(states), f"there is no state {assign.index}")
        verify_expr(assign.value, states[assign.index].type, place)


def _verify_queue(queue: ir.Queue, policy: ir.Policy) -> None:
    order, name = queue.order, f"queue `{queue.name}`"
    inputs = frozenset((Input.NOW, Input.CLOCK))
    place = Place(name, policy.params, True, inputs, policy.states)
    inner = replace(place, inputs=place.inputs | QUEUE_INPUTS)
    _verify_members(order.states, (), Owner.ORDER, place)
    _verify_members(order.states, order.handlers, Owner.ORDER, inner)
    waking = any(handler.event is Event.WAKING for handler in order.handlers)
    place.demand(not waking, "its order has a handler of waking")
    place = replace(place, inputs=inner.inputs | {Input.WOKEN})
    clocked = [index for index, state in enumerate(order.states) if state.type is Type.VTIME]
    place.demand(clocked == [i for i in (order.clock_state,) if i is not None], "its clock state")
    if order.key is not None:
        place.demand(order.key.type.is_point, "its key is no point")
        verify_expr(order.key, order.key.type, _with_states(place, Owner.ORDER, order.states))
    verify_expr(queue.slice, Type.DURATION, replace(place, inputs=QUEUE_INPUTS | {Input.WOKEN}))
    bounds = queue.slice.range
    fits = bounds is not None and bounds.lo >= 1 and bounds.hi <= ir.MAX_SLICE_NS
    place.demand(fits, f"its slice is in {bounds}")
    place.demand(queue.steal is None or queue.is_reachable, "it steals nothing")
    _verify_ladder(queue.placement or (), policy, place)
    place.demand(queue.cpus is None or _is_set(queue.cpus, policy), f"set {queue.cpus}")


def _is_set(number: int | None, policy: ir.Policy) -> bool:
    return number is not None and 0 <= number < len(policy.cpusets)


def _verify_sets(policy: ir.Policy, place: Place) -> None:
    _demand_distinct((cpus.name for cpus in policy.cpusets), place)
    for cpus in policy.cpusets:
        place.demand(bool(cpus.ranges) != (cpus.builtin is not None), "what is in it")
        for first, last in cpus.ranges:
            place.demand(0 <= first <= last <= ir.MAX_CPU, f"CPUs {first} to {last}")


def _verify_ladder(rungs: tuple[ir.Rung, ...], policy: ir.Policy, place: Place) -> None:
    _demand_distinct(((rung.kind, rung.within) for rung in rungs), place)
    for rung in rungs:
        looks = rung.kind in (ir.RungKind.CORE, ir.RungKind.CPU)
        place.demand((rung.within is not None) == looks, f"where `{rung.kind}` looks")
        if isinstance(rung.within, int):
            place.demand(_is_set(rung.within, policy), f"there is no set {rung.within}")


def _verify_route(policy: ir.Policy, place: Place) -> None:
    for rule in policy.route.rules:
        verify_expr(rule.condition, Type.BOOL, place)
        _demand_queue(rule.queue, policy, place)
    _demand_queue(policy.route.otherwise, policy, place)


def _verify_tree(policy: ir.Policy, place: Place) -> None:
    numbers: list[int] = []
    for serve in policy.serves:
        named = sorted(leaf.queue for leaf in leaves(serve.tree))
        place.demand(named == list(range(len(policy.queues))), f"a tree names queues {named}")
        numbers += _verify_node(serve.tree, place)
    for serve in policy.serves_on:
        place.demand(_is_set(serve.cpus, policy), f"there is no set {serve.cpus}")
    place.demand(numbers == list(range(len(numbers))), f"weighted nodes are numbered {numbers}")


def _verify_node(tree: ir.Tree, place: Place) -> list[int]:
    """The numbers of the weighted nodes in `tree`, in its order."""
    match tree:
        case ir.Leaf():
            return []
        case ir.Strict():
            place.demand(len(tree.children) > 0, "an empty strict node")
            return [number for child in tree.children for number in _verify_node(child, place)]
        case ir.Weighted():
            place.demand(len(tree.shares) > 0, "an empty weighted node")
            common = lcm(*(share.weight for share in tree.shares))
            place.demand(1 <= common <= ir.MAX_LCM, f"weights with the multiple {common}")
            numbers = [tree.index]
            for share in tree.shares:
                place.demand(share.weight >= 1, f"the weight {share.weight}")
                place.demand(share.scale * share.weight == common, f"the scale {share.scale}")
                numbers += _verify_node(share.child, place)
            return numbers
        case _:
            assert_never(tree)


def _verify_guards(policy: ir.Policy, place: Place) -> None:
    _demand_distinct((guard.queue for guard in policy.guards), place)
    total = 0
    for guard in policy.guards:
        _demand_queue(guard.queue, policy, place)
        match guard:
            case ir.GuardAfter(delay=delay):
                verify_expr(delay, Type.DURATION, place)
                _demand_least(delay, ir.MIN_GUARD_DELAY_NS, place)
            case ir.GuardShare(share=share):
                verify_expr(share, Type.SHARE, place)
                _demand_least(share, 1, place)
                total += share.range.hi if share.range is not None else 0
            case _:
                assert_never(guard)
    place.demand(total < 100, f"shares of {total}%")


def _verify_preemptions(policy: ir.Policy, place: Place) -> None:
    rules = policy.preemptions
    _demand_distinct(((rule.by, rule.over, rule.earlier) for rule in rules), place)
    for rule in rules:
        _demand_queue(rule.by, policy, place)
        _demand_queue(rule.over, policy, place)
        verify_expr(rule.after, Type.DURATION, place)
        _demand_least(rule.after, ir.MIN_PREEMPT_DELAY_NS, place)
        if rule.earlier:
            by, over = (policy.queues[queue].order.key for queue in (rule.by, rule.over))
            place.demand(by is not None and over is not None, "keys of a fifo")
            place.demand(
                rule.by == rule.over or {by and by.type, over and over.type} == {Type.TIME},
                "keys that cannot be compared",
            )


def _verify_goal(goal: ir.Goal, policy: ir.Policy) -> None:
    place = Place(f"guarantee {goal.property}", policy.params)
    is_fair = goal.property is ir.Property.FAIR
    types = {ir.Property.WAIT: Type.DURATION, ir.Property.SHARE: Type.SHARE}
    type_ = Type.DURATION if is_fair else types.get(goal.property)
    place.demand(is_fair or (goal.bound is None) == (type_ is None), "its bound")
    if goal.bound is not None and type_ is not None:
        verify_expr(goal.bound, type_, place)
        place.demand(is_fair or len(goal.queues) == 1, f"it names {len(goal.queues)} queues")
    place.demand(not is_fair or len(goal.queues) > 0, "no queue")
    _demand_distinct(goal.queues, place)
    for queue in goal.queues:
        _demand_queue(queue, policy, place)
    for condition in goal.conditions:
        if isinstance(condition, ir.TasksAtMost | ir.Backlogged):
            _demand_queue(condition.queue, policy, place)
        if isinstance(condition, ir.TasksAtMost | ir.CpusAtMost):
            place.demand(condition.count >= 1, f"at most {condition.count}")


def _demand_queue(queue: int, policy: ir.Policy, place: Place) -> None:
    place.demand(0 <= queue < len(policy.queues), f"there is no queue {queue}")


def _demand_least(expr: ir.Expr, least: int, place: Place) -> None:
    place.demand(expr.range is not None and expr.range.lo >= least, f"less than {least}")


def _demand_distinct(names: Iterable[object], place: Place) -> None:
    listed = list(names)
    place.demand(len(set(listed)) == len(listed), "a name or queue twice")


def _verify_test(test: Test, policy: ir.Policy) -> None:
    place = Place(f"test {test.name}", policy.params)
    _demand_distinct((group.name for group in test.workload.groups), place)
    names = {group.name for group in test.workload.groups}
    for param, value in zip(policy.params, test.params, strict=True):
        place.demand(param.lo <= value <= param.hi, f"the value of `{param.name}`")
    for group in test.workload.groups:
        place.demand(all(cpu < test.topology.cpus for cpu in group.cpus), "a CPU")
    for expectation in test.expectations:
        match expectation:
            case Limit(group=name):
                place.demand(name is None or name in names, f"no group {name}")
            case Before(first=first, second=second):
                place.demand({first, second} <= names, f"no group {first} or {second}")
            case _:
                assert_never(expectation)
