"""The verifier accepts what the compiler makes, and no policy with a broken invariant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings

from schedlang.ir import nodes as ir
from schedlang.ir.nodes import ArithOp, Interval, Type
from schedlang.ir.verify import IrError, verify
from schedlang.source import Span
from tests.support.policies import compiled, policies

AT = Span(0, 0)
PREV = ir.Rung(ir.RungKind.PREV, None, AT)
TEXT = """policy p
    use std.orders.{vruntime}
    param quantum : duration = 4ms in 1ms..8ms
    param floor : share = 10% in 10%..20%
    task { n : count = 1 in 0..9  on stop if used > 1ms { n = n + 1 } }
    queue a { global  order vruntime(credit: 5ms, fork: 1ms)  slice quantum }
    queue b { global  order fifo  slice 1ms }
    queue c { global  order fifo  slice 1ms }
    route { comm ~ "web*" -> a  cgroup under "/x" -> b  else -> c }
    serve strict { a  weighted { b: 2  weighted { c: 3 }: 4 } }
    guard b after 5ms
    guard c at least floor
    preempt { b over c after quantum  a over a earlier after 1us }
    place { prev  cpu in any }
    guarantee { wait(a) <= 1s when tasks(a) <= 3  fair(a, b)  fair(a) within 5ms when cpus <= 1 }
    accept starvation of b because "it may" """

POLICY = compiled(TEXT)
ROUTE, (A, B, C) = POLICY.route, POLICY.queues


def count(value: int, bounds: Interval | None = None) -> ir.Const:
    return ir.Const(Type.COUNT, bounds or Interval(value, value), AT, value)


def duration(value: int) -> ir.Const:
    return ir.Const(Type.DURATION, Interval(value, value), AT, value)


def boolean(value: int) -> ir.Const:
    return ir.Const(Type.BOOL, Interval(value, value), AT, value)


NOW = ir.InputRef(Type.TIME, None, AT, ir.Input.NOW)
CLOCK = ir.InputRef(Type.VTIME, None, AT, ir.Input.CLOCK)
USED = ir.InputRef(Type.DURATION, Interval(1_000, 10**9), AT, ir.Input.USED)


def arith(
    op: ArithOp, left: ir.Expr, right: ir.Expr, type_: Type, bounds: Interval | None
) -> ir.Arith:
    return ir.Arith(type_, bounds, AT, op, left, right)


def with_condition(condition: ir.Expr) -> ir.Policy:
    rules = (ir.Rule(condition, 0, AT),)
    return replace(POLICY, route=replace(ROUTE, rules=rules))


def comparing(left: ir.Expr, right: ir.Expr) -> ir.Policy:
    return with_condition(ir.Compare(Type.BOOL, ir.BOOL_RANGE, AT, ir.CompareOp.EQ, left, right))


def with_count(value: ir.Expr) -> ir.Policy:
    return comparing(value, count(1))


def with_queue(queue: ir.Queue) -> ir.Policy:
    return replace(POLICY, queues=(queue, B, C))


def with_tree(tree: ir.Tree) -> ir.Policy:
    return replace(POLICY, serve=tree)


def leaf(queue: int) -> ir.Leaf:
    return ir.Leaf(queue, AT)


def with_guards(*guards: ir.Guard) -> ir.Policy:
    return replace(POLICY, guards=guards)


def share(percent: int) -> ir.Const:
    return ir.Const(Type.SHARE, Interval(percent, percent), AT, percent)


def with_state(state: ir.State) -> ir.Policy:
    return replace(POLICY, states=(state,), handlers=())


def state(initial: ir.Expr, bounds: Interval | None, type_: Type = Type.COUNT) -> ir.State:
    return ir.State("n", type_, initial, bounds, AT)


def weighted(index: int, *shares: tuple[ir.Tree, int, int]) -> ir.Weighted:
    return ir.Weighted(index, tuple(ir.Share(*share) for share in shares), AT)


def with_preemption(
    by: int = 1, over: int = 2, *, earlier: bool = False, after: ir.Expr | None = None
) -> ir.Policy:
    """Queue 3 has virtual times of its own."""
    queues = (*POLICY.queues, replace(A, name="d"))
    rule = ir.Preempt(by, over, earlier or over == 3, after or duration(5_000), AT)
    serve = ir.Strict((POLICY.serve, leaf(3)), AT)
    return replace(POLICY, queues=queues, serve=serve, preemptions=(rule,))


def nested(outer: int, inner: int) -> ir.Policy:
    below = weighted(inner, (leaf(1), 1, 1), (leaf(2), 1, 1))
    return with_tree(weighted(outer, (leaf(0), 1, 1), (below, 1, 1)))


PARAM = POLICY.params[0]
HANDLER = POLICY.handlers[0]
ORDER = A.order

BROKEN: dict[str, Callable[[], ir.Policy]] = {
    "a default outside its range": lambda: replace(
        POLICY, params=(replace(PARAM, default=0), POLICY.params[1])
    ),
    "a constant with a range": lambda: replace(
        POLICY, params=(replace(PARAM, tunable=False), POLICY.params[1])
    ),
    "two params of a name": lambda: replace(POLICY, params=(PARAM, PARAM)),
    "two queues of a name": lambda: replace(POLICY, queues=(A, B, B)),
    "a param that is not there": lambda: with_count(ir.ParamRef(Type.COUNT, ir.BOOL_RANGE, AT, 2)),
    "a negative index": lambda: with_count(ir.ParamRef(Type.COUNT, ir.BOOL_RANGE, AT, -1)),
    "a param of another type": lambda: with_count(
        ir.ParamRef(Type.COUNT, Interval(PARAM.lo, PARAM.hi), AT, 0)
    ),
    "a param of another range": lambda: with_condition(
        ir.Compare(
            Type.BOOL,
            ir.BOOL_RANGE,
            AT,
            ir.CompareOp.EQ,
            ir.ParamRef(Type.DURATION, Interval(PARAM.lo, PARAM.hi - 1), AT, 0),
            duration(1),
        )
    ),
    "a state that is not there": lambda: with_count(
        ir.StateRef(Type.COUNT, Interval(0, 9), AT, ir.Owner.TASK, 1)
    ),
    "an order's state in a route": lambda: comparing(
        ir.StateRef(Type.VTIME, None, AT, ir.Owner.ORDER, 0), CLOCK
    ),
    "a clock in a route": lambda: comparing(CLOCK, CLOCK),
    "a turn's use in a route": lambda: comparing(USED, duration(1)),
    "a clock in a task": lambda: replace(
        POLICY,
        handlers=(replace(HANDLER, condition=comparing(CLOCK, CLOCK).route.rules[0].condition),),
    ),
    "a turn's use at a join": lambda: replace(
        POLICY, handlers=(replace(HANDLER, event=ir.Event.JOIN),)
    ),
    "the time in a slice": lambda: with_queue(
        replace(
            A,
            slice=ir.If(
                Type.DURATION,
                Interval(1, 1),
                AT,
                comparing(NOW, NOW).route.rules[0].condition,
                duration(1),
                duration(1),
            ),
        )
    ),
    "an attribute in a guard": lambda: with_guards(
        ir.GuardAfter(
            1,
            ir.If(
                Type.DURATION,
                Interval(5_000, 5_000),
                AT,
                ir.AttributeRef(Type.BOOL, ir.BOOL_RANGE, AT, ir.Attribute.KTHREAD),
                duration(5_000),
                duration(5_000),
            ),
            AT,
        )
    ),
    "a constant outside its interval": lambda: with_count(count(2, Interval(3, 3))),
    "a constant in a wide interval": lambda: with_count(count(2, Interval(0, 3))),
    "an empty interval": lambda: with_count(
        arith(ArithOp.ADD, count(1), count(1), Type.COUNT, Interval(3, 1))
    ),
    "a narrow interval": lambda: with_count(
        arith(ArithOp.MUL, count(-3), count(2), Type.COUNT, Interval(-5, 0))
    ),
    "an interval beyond 2^62": lambda: with_count(
        arith(ArithOp.MUL, count(2**60), count(8), Type.COUNT, Interval(2**63, 2**63))
    ),
    "a quantity without an interval": lambda: with_count(
        arith(ArithOp.ADD, count(1), count(1), Type.COUNT, None)
    ),
    "a point with an interval": lambda: comparing(
        arith(ArithOp.ADD, NOW, duration(1), Type.TIME, Interval(0, 1)), NOW
    ),
    "a divisor of 0": lambda: with_count(
        arith(ArithOp.DIV, count(1), count(0), Type.COUNT, Interval(0, 9))
    ),
    "a negative numerator": lambda: with_count(
        arith(ArithOp.DIV, count(-1), count(1), Type.COUNT, Interval(-9, 9))
    ),
    "the log of a negative number": lambda: with_count(
        ir.Log2(Type.COUNT, Interval(0, 9), AT, count(-1))
    ),
    "a log of a narrow interval": lambda: with_count(
        ir.Log2(Type.COUNT, Interval(0, 2), AT, count(8))
    ),
    "the sum of two points": lambda: comparing(arith(ArithOp.ADD, NOW, NOW, Type.TIME, None), NOW),
    "points of two types": lambda: comparing(
        arith(ArithOp.SUB, NOW, CLOCK, Type.DURATION, Interval(0, 1)), duration(1)
    ),
    "a point plus a count": lambda: comparing(
        arith(ArithOp.ADD, NOW, count(1), Type.TIME, None), NOW
    ),
    "the square of a duration": lambda: comparing(
        arith(ArithOp.MUL, duration(1), duration(1), Type.DURATION, Interval(1, 1)), duration(1)
    ),
    "a count by a duration": lambda: comparing(
        arith(ArithOp.DIV, count(1), duration(1), Type.DURATION, Interval(1, 1)), duration(1)
    ),
    "a comparison of two types": lambda: comparing(count(1), duration(1)),
    "a condition that is a count": lambda: with_condition(count(1)),
    "the negation of a count": lambda: with_condition(
        ir.Not(Type.BOOL, ir.BOOL_RANGE, AT, count(1))
    ),
    "branches of two types": lambda: with_count(
        ir.If(Type.COUNT, Interval(1, 1), AT, boolean(1), count(1), duration(1))
    ),
    "a branch outside the interval": lambda: with_count(
        ir.If(Type.COUNT, Interval(1, 1), AT, boolean(1), count(1), count(2))
    ),
    "a bool of 2": lambda: with_condition(boolean(2)),
    "an empty pattern": lambda: with_condition(
        ir.Match(Type.BOOL, ir.BOOL_RANGE, AT, ir.Name.COMM, ir.PatternKind.EXACT, "")
    ),
    "a pattern of 16 characters": lambda: with_condition(
        ir.Match(Type.BOOL, ir.BOOL_RANGE, AT, ir.Name.COMM, ir.PatternKind.EXACT, "x" * 16)
    ),
    "a pattern that is not printable": lambda: with_condition(
        ir.Match(Type.BOOL, ir.BOOL_RANGE, AT, ir.Name.COMM, ir.PatternKind.EXACT, "\n")
    ),
    "a path that ends in a slash": lambda: with_condition(
        ir.CgroupUnder(Type.BOOL, ir.BOOL_RANGE, AT, "/x/")
    ),
    "an initial value outside the range": lambda: with_state(state(count(3), Interval(0, 2))),
    "an initial value of another type": lambda: with_state(state(duration(1), Interval(0, 2))),
    "a quantity state without a range": lambda: with_state(state(count(3), None)),
    "a point state with a range": lambda: with_state(state(NOW, Interval(0, 2), Type.TIME)),
    "an initial value that reads its own state": lambda: with_state(
        state(ir.StateRef(Type.COUNT, Interval(0, 2), AT, ir.Owner.TASK, 0), Interval(0, 2))
    ),
    "an assignment to no state": lambda: replace(
        POLICY, handlers=(replace(HANDLER, assigns=(ir.Assign(1, count(1), AT),)),)
    ),
    "an assignment of another type": lambda: replace(
        POLICY, handlers=(replace(HANDLER, assigns=(ir.Assign(0, duration(1), AT),)),)
    ),
    "a clock that follows no state": lambda: with_queue(
        replace(A, order=replace(ORDER, clock_state=None))
    ),
    "a clock that follows another state": lambda: with_queue(
        replace(A, order=replace(ORDER, clock_state=1))
    ),
    "two vtime states": lambda: with_queue(
        replace(A, order=replace(ORDER, states=(*ORDER.states, replace(ORDER.states[0], name="w"))))
    ),
    "a key that is a count": lambda: with_queue(replace(A, order=replace(ORDER, key=count(1)))),
    "a slice that is a count": lambda: with_queue(replace(A, slice=count(1))),
    "a slice of 0": lambda: with_queue(replace(A, slice=duration(0))),
    "a slice of more than 100 ms": lambda: with_queue(replace(A, slice=duration(100_000_001))),
    "a rule to no queue": lambda: replace(
        POLICY, route=replace(ROUTE, rules=(replace(ROUTE.rules[0], queue=3),))
    ),
    "no queue otherwise": lambda: replace(POLICY, route=replace(ROUTE, otherwise=-1)),
    "a tree without a queue": lambda: with_tree(ir.Strict((leaf(0), leaf(1)), AT)),
    "a tree with a queue twice": lambda: with_tree(
        ir.Strict((leaf(0), leaf(1), leaf(2), leaf(2)), AT)
    ),
    "an empty node": lambda: with_tree(
        ir.Strict((leaf(0), leaf(1), leaf(2), ir.Strict((), AT)), AT)
    ),
    "a wrong scale": lambda: with_tree(
        weighted(0, (leaf(0), 1, 6), (leaf(1), 2, 3), (leaf(2), 3, 3))
    ),
    "scales that are not the least": lambda: with_tree(
        weighted(0, (leaf(0), 1, 2), (leaf(1), 1, 2), (leaf(2), 1, 2))
    ),
    "a weight of 0": lambda: with_tree(
        weighted(0, (leaf(0), 0, 1), (leaf(1), 1, 1), (leaf(2), 1, 1))
    ),
    "weighted nodes numbered upwards": lambda: nested(1, 0),
    "weighted nodes with a number twice": lambda: nested(0, 0),
    "weighted nodes numbered with a gap": lambda: nested(0, 2),
    "a guard of no queue": lambda: with_guards(ir.GuardAfter(3, duration(5_000), AT)),
    "a guard without a delay": lambda: with_guards(ir.GuardAfter(0, duration(999), AT)),
    "a guard without a share": lambda: with_guards(ir.GuardShare(0, share(0), AT)),
    "a queue with two guards": lambda: with_guards(*POLICY.guards, POLICY.guards[0]),
    "shares of the whole": lambda: with_guards(
        ir.GuardShare(0, share(50), AT), ir.GuardShare(1, share(50), AT)
    ),
    "a preemption by no queue": lambda: with_preemption(by=4),
    "a preemption at once": lambda: with_preemption(after=duration(999)),
    "a preemption by keys of a fifo": lambda: with_preemption(earlier=True),
    "a preemption by virtual times of two queues": lambda: with_preemption(by=0, over=3),
    "a preemption twice": lambda: replace(POLICY, preemptions=POLICY.preemptions * 2),
    "a rung twice": lambda: replace(POLICY, placement=(PREV, replace(PREV, span=Span(3, 4)))),
    "a rung that looks nowhere": lambda: replace(
        POLICY, placement=(ir.Rung(ir.RungKind.CPU, None, AT),)
    ),
    "a rung that looks and does not": lambda: with_queue(
        replace(POLICY.queues[0], placement=(ir.Rung(ir.RungKind.PREV, ir.Near.LLC, AT),))
    ),
    "a wait without a bound": lambda: replace(
        POLICY, goals=(replace(POLICY.goals[0], bound=None),)
    ),
    "a wait of a count": lambda: replace(POLICY, goals=(replace(POLICY.goals[0], bound=count(1)),)),
    "a wait of two queues": lambda: replace(
        POLICY, goals=(replace(POLICY.goals[0], queues=(0, 1)),)
    ),
    "a goal of no queue": lambda: replace(POLICY, goals=(replace(POLICY.goals[0], queues=(3,)),)),
    "a condition on no queue": lambda: replace(
        POLICY, goals=(replace(POLICY.goals[0], conditions=(ir.Backlogged(3, AT),)),)
    ),
    "an acceptance of no queue": lambda: replace(
        POLICY, accepts=(replace(POLICY.accepts[0], queue=3),)
    ),
}


def test_a_sound_policy_passes() -> None:
    verify(POLICY)
    verify(nested(0, 1))
    verify(with_preemption())
    verify(with_count(arith(ArithOp.DIV, count(7), count(2), Type.COUNT, Interval(0, 9))))


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_invariant_is_found(name: str) -> None:
    with pytest.raises(IrError):
        verify(BROKEN[name]())


@settings(deadline=None, max_examples=200)
@given(policies())
def test_every_policy_that_the_compiler_makes_passes(text: str) -> None:
    verify(compiled(text))
