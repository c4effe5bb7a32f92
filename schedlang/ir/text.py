"""The printed form of a typed policy: for people, goldens and `--emit ir`.

The same policy gives the same text. Spans and sources do not appear; everything else does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import assert_never

from schedlang.ir import nodes as ir
from schedlang.ir.nodes import ArithOp, Type
from schedlang.ir.testing import Before, Limit, Test

Show = Callable[[ir.Expr], str]


def print_ir(policy: ir.Policy) -> str:
    return "\n".join(_policy(policy)) + "\n"


def _policy(policy: ir.Policy) -> Iterator[str]:
    show = _expr_printer(policy, ())
    yield f"policy {policy.name}"
    for line in policy.documentation.splitlines():
        yield f"  ## {line}".rstrip()
    for param in policy.params:
        kind = "param" if param.tunable else "const"
        value, lo, hi = (_value(param.type, n) for n in (param.default, param.lo, param.hi))
        yield f"{kind} {param.name} : {param.type} = {value}" + (
            f" in {lo}..{hi}" if param.tunable else ""
        )
    if policy.states or policy.handlers:
        yield "task"
        yield from _members(policy.states, policy.handlers, show)
    for snapshot in policy.snapshots:
        yield f"  {policy.states[snapshot.into].name} from {policy.states[snapshot.of].name}"
    for queue in policy.queues:
        yield from _queue(queue, policy)
    yield "route"
    for rule in policy.route.rules:
        yield f"  {show(rule.condition)} -> {policy.queues[rule.queue].name}"
    yield f"  else -> {policy.queues[policy.route.otherwise].name}"
    for cpus in policy.cpusets:
        if cpus.builtin is None:
            yield f"cpuset {cpus.name} = {', '.join(f'{a}-{b}' for a, b in cpus.ranges)}"
    for serve in policy.serves:
        on = "" if serve.cpus is None else f" on {policy.cpusets[serve.cpus].name}"
        yield f"serve{on}"
        yield from _tree(serve.tree, policy, "  ")
    yield from _promises(policy, show)


def _promises(policy: ir.Policy, show: Show) -> Iterator[str]:
    names = [queue.name for queue in policy.queues]
    for guard in policy.guards:
        match guard:
            case ir.GuardAfter():
                yield f"guard {names[guard.queue]} after {_typed(guard.delay, show)}"
            case ir.GuardShare():
                yield f"guard {names[guard.queue]} at least {_typed(guard.share, show)}"
            case _:
                assert_never(guard)
    for rule in policy.preemptions:
        who = f"{names[rule.by]} over {names[rule.over]}{' earlier' if rule.earlier else ''}"
        yield f"preempt {who} after {_typed(rule.after, show)}"
    if policy.placement:
        yield f"place {ladder_text(policy.placement, policy)}"
    for goal in policy.goals:
        yield f"guarantee {_goal(goal, names, show)}"
    for accept in policy.accepts:
        yield f"accept starvation of {names[accept.queue]} because {_quoted(accept.reason)}"
    for test in policy.tests:
        yield from _test(test, policy)


def _test(test: Test, policy: ir.Policy) -> Iterator[str]:
    shape, params = test.topology, zip(policy.params, test.params, strict=True)
    yield f"test {_quoted(test.name)}"
    yield f"  machine {shape.cpus} cpus {shape.llcs} llcs {shape.nodes} nodes smt {shape.smt}"
    yield f"  tick {test.tick_ns}ns"
    for param, value in params:
        yield f"  set {param.name} = {_value(param.type, value)}"
    for group in test.workload.groups:
        yield f"  {group}"
    yield f"  run {test.workload.duration_ns}"
    for expectation in test.expectations:
        match expectation:
            case Limit(measure, statistic, name, relation, value):
                yield f"  expect {statistic} {measure} {name} {relation} {value}"
            case Before(first, second):
                yield f"  expect {first} before {second}"
            case _:
                assert_never(expectation)


def _queue(queue: ir.Queue, policy: ir.Policy) -> Iterator[str]:
    order = queue.order
    show = _expr_printer(policy, order.states)
    yield f"queue {queue.name} : {order.name}"
    if queue.scope is not ir.Scope.GLOBAL:
        yield f"  {queue.scope}"
    if queue.steal is not None:
        yield f"  {queue.steal}"
    yield from _members(order.states, order.handlers, show)
    if order.clock_state is not None:
        yield f"  clock follows {order.states[order.clock_state].name}"
    yield f"  key {'arrival' if order.key is None else _typed(order.key, show)}"
    yield f"  slice {_typed(queue.slice, show)}"
    if queue.cpus is not None:
        yield f"  on {policy.cpusets[queue.cpus].name}"
    if queue.frequency is not None:
        yield f"  frequency {queue.frequency}"
    if queue.placement is not None:
        yield f"  place {ladder_text(queue.placement, policy)}"


def ladder_text(rungs: tuple[ir.Rung, ...], policy: ir.Policy) -> str:
    return ", ".join(rung_text(rung, policy) for rung in rungs)


def rung_text(rung: ir.Rung, policy: ir.Policy) -> str:
    """As the policy writes it."""
    if rung.within is None:
        return f"{rung.kind}"
    where = policy.cpusets[rung.within].name if isinstance(rung.within, int) else rung.within
    return f"{rung.kind} in {where}"


def _members(
    states: tuple[ir.State, ...], handlers: tuple[ir.Handler, ...], show: Show
) -> Iterator[str]:
    for state in states:
        bounds = "" if state.range is None else f" in {_interval(state.type, state.range)}"
        yield f"  state {state.name} : {state.type} = {show(state.initial)}{bounds}"
    for handler in handlers:
        condition = "" if handler.condition is None else f" if {show(handler.condition)}"
        yield f"  on {handler.event}{condition}"
        for assign in handler.assigns:
            yield f"    {states[assign.index].name} := {_typed(assign.value, show)}"


def _tree(tree: ir.Tree, policy: ir.Policy, indent: str) -> Iterator[str]:
    match tree:
        case ir.Leaf():
            yield f"{indent}{policy.queues[tree.queue].name}"
        case ir.Strict():
            yield f"{indent}strict"
            for child in tree.children:
                yield from _tree(child, policy, indent + "  ")
        case ir.Weighted():
            yield f"{indent}weighted #{tree.index}"
            for share in tree.shares:
                yield f"{indent}  weight {share.weight}, scale {share.scale}"
                yield from _tree(share.child, policy, indent + "    ")
        case _:
            assert_never(tree)


def _goal(goal: ir.Goal, names: list[str], show: Show) -> str:
    queues = f"({', '.join(names[queue] for queue in goal.queues)})" if goal.queues else ""
    relation = ir.RELATIONS.get(goal.property)
    bound = "" if goal.bound is None else f" {relation} {_typed(goal.bound, show)}"
    conditions = " and ".join(_condition(condition, names) for condition in goal.conditions)
    return f"{goal.property}{queues}{bound}" + (f" when {conditions}" if conditions else "")


def _condition(condition: ir.Condition, names: list[str]) -> str:
    match condition:
        case ir.TasksAtMost():
            return f"tasks({names[condition.queue]}) <= {condition.count}"
        case ir.Backlogged():
            return f"backlogged({names[condition.queue]})"
        case ir.Unrestricted():
            return "unrestricted"
        case ir.TickAtMost():
            return f"tick <= {condition.tick_ns}ns"
        case ir.CpusAtMost():
            return f"cpus <= {condition.count}"
        case _:
            assert_never(condition)


# --- expressions


def _expr_printer(policy: ir.Policy, order_states: tuple[ir.State, ...]) -> Show:
    """Prints expressions, every operation of two operands in parentheses."""

    def show(expr: ir.Expr) -> str:
        match expr:
            case ir.Const():
                return _value(expr.type, expr.value)
            case ir.ParamRef():
                return policy.params[expr.index].name
            case ir.StateRef():
                states = policy.states if expr.owner is ir.Owner.TASK else order_states
                return f"{expr.owner}.{states[expr.index].name}"
            case ir.AttributeRef():
                return str(expr.attribute)
            case ir.InputRef():
                return str(expr.input)
            case ir.Match() | ir.CgroupUnder():
                return _text(expr)
            case _:
                return _operation(expr, show)

    return show


def _operation(
    expr: ir.Arith | ir.Compare | ir.Logic | ir.Not | ir.If | ir.Log2, show: Show
) -> str:
    match expr:
        case ir.Arith(op=ArithOp.MIN | ArithOp.MAX):
            return f"{expr.op}({show(expr.left)}, {show(expr.right)})"
        case ir.Arith() | ir.Compare() | ir.Logic():
            return f"({show(expr.left)} {expr.op} {show(expr.right)})"
        case ir.Not():
            return f"(not {show(expr.operand)})"
        case ir.If():
            condition, then, orelse = (show(e) for e in (expr.condition, expr.then, expr.orelse))
            return f"(if {condition} then {then} else {orelse})"
        case ir.Log2():
            return f"log2({show(expr.operand)})"
        case _:
            assert_never(expr)


def _text(expr: ir.Match | ir.CgroupUnder) -> str:
    match expr:
        case ir.Match():
            return f"({expr.name} {expr.kind} {_quoted(expr.text)})"
        case ir.CgroupUnder():
            return f"(cgroup under {_quoted(expr.path)})"
        case _:
            assert_never(expr)


def _typed(expr: ir.Expr, show: Show) -> str:
    """With the type, and the interval where it says more than the value itself."""
    if expr.range is None:
        return f"{show(expr)} : {expr.type}"
    if isinstance(expr, ir.Const):
        return show(expr)
    return f"{show(expr)} : {expr.type} in {_interval(expr.type, expr.range)}"


def _interval(type_: Type, bounds: ir.Interval) -> str:
    return f"{_value(type_, bounds.lo)}..{_value(type_, bounds.hi)}"


def _value(type_: Type, value: int) -> str:
    match type_:
        case Type.BOOL:
            return "true" if value else "false"
        case Type.DURATION:
            return f"{value}ns"
        case Type.SHARE:
            return f"{value}%"
        case _:
            return str(value)


def _quoted(text: str) -> str:
    return f'"{text}"'
