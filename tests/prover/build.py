"""Typed policies built by hand, and the few words that tests need to do it."""

from __future__ import annotations

from collections.abc import Sequence
from math import lcm
from random import Random

from schedlang.ir import nodes as ir
from schedlang.source import Source, Span

MS = 1_000_000
NOWHERE = Span(0, 0)
PREV = ir.Rung(ir.RungKind.PREV, None, NOWHERE)
CPU_IN_ANY = ir.Rung(ir.RungKind.CPU, ir.Near.ANY, NOWHERE)
TEXT = Source("test.sched", "policy test\n")


def const(value: int, kind: ir.Type = ir.Type.DURATION) -> ir.Const:
    return ir.Const(kind, ir.Interval(value, value), NOWHERE, value)


def param_ref(index: int, param: ir.Param) -> ir.ParamRef:
    return ir.ParamRef(param.type, ir.Interval(param.lo, param.hi), NOWHERE, index)


def param(name: str, kind: ir.Type, default: int, lo: int, hi: int) -> ir.Param:
    return ir.Param(name, kind, default, lo, hi, lo != hi, NOWHERE)


def arith(
    op: ir.ArithOp,
    left: ir.Expr,
    right: ir.Expr,
    kind: ir.Type,
    interval: ir.Interval | None = None,
) -> ir.Arith:
    return ir.Arith(kind, interval, NOWHERE, op, left, right)


FIFO = ir.Order("fifo", (), (), None, None, NOWHERE)

V = ir.StateRef(ir.Type.VTIME, None, NOWHERE, ir.Owner.ORDER, 0)
CLOCK = ir.InputRef(ir.Type.VTIME, None, NOWHERE, ir.Input.CLOCK)
NOW = ir.InputRef(ir.Type.TIME, None, NOWHERE, ir.Input.NOW)
USED = ir.InputRef(*ir.INPUT_TYPES[ir.Input.USED], NOWHERE, ir.Input.USED)
WEIGHT = ir.AttributeRef(*ir.ATTRIBUTE_TYPES[ir.Attribute.WEIGHT], NOWHERE, ir.Attribute.WEIGHT)
NICE = ir.AttributeRef(*ir.ATTRIBUTE_TYPES[ir.Attribute.NICE], NOWHERE, ir.Attribute.NICE)


def plus_charge() -> ir.Expr:
    """v + used * 100 / weight"""
    most = ir.MAX_CHARGE_NS * 100
    product = arith(
        ir.ArithOp.MUL,
        USED,
        const(100, ir.Type.COUNT),
        ir.Type.DURATION,
        ir.Interval(ir.MIN_CHARGE_NS * 100, most),
    )
    charge = arith(ir.ArithOp.DIV, product, WEIGHT, ir.Type.DURATION, ir.Interval(10, most))
    return arith(ir.ArithOp.ADD, V, charge, ir.Type.VTIME)


def handler(event: ir.Event, value: ir.Expr, condition: ir.Expr | None = None) -> ir.Handler:
    return ir.Handler(event, condition, (ir.Assign(0, value, NOWHERE),), NOWHERE)


def vruntime(
    credit_ns: int = 20 * MS,
    fork_ns: int = 1 * MS,
    *,
    clamps: bool = True,
    charges: bool = True,
    key: ir.Expr = V,
) -> ir.Order:
    initial = arith(ir.ArithOp.ADD, CLOCK, const(fork_ns), ir.Type.VTIME)
    floor = arith(ir.ArithOp.SUB, CLOCK, const(credit_ns), ir.Type.VTIME)
    handlers = []
    if clamps:
        join = arith(ir.ArithOp.MAX, V, floor, ir.Type.VTIME)
        handlers.append(handler(ir.Event.JOIN, join))
    if charges:
        handlers.append(handler(ir.Event.STOP, plus_charge()))
    state = ir.State("v", ir.Type.VTIME, initial, None, NOWHERE)
    return ir.Order("vruntime", (state,), tuple(handlers), key, 0, NOWHERE)


def queue(name: str, slice_ns: int = 4 * MS, order: ir.Order = FIFO) -> ir.Queue:
    return ir.Queue(name, order, const(slice_ns), NOWHERE)


def comm_is(text: str) -> ir.Match:
    return ir.Match(ir.Type.BOOL, ir.BOOL_RANGE, NOWHERE, ir.Name.COMM, ir.PatternKind.EXACT, text)


def leaf(index: int) -> ir.Leaf:
    return ir.Leaf(index, NOWHERE)


def strict(*children: ir.Tree | int) -> ir.Strict:
    return ir.Strict(tuple(leaf(c) if isinstance(c, int) else c for c in children), NOWHERE)


def weighted(index: int, *shares: tuple[ir.Tree | int, int, int]) -> ir.Weighted:
    return ir.Weighted(
        index,
        tuple(ir.Share(leaf(c) if isinstance(c, int) else c, w, scale) for c, w, scale in shares),
        NOWHERE,
    )


def after(index: int, delay_ns: int) -> ir.GuardAfter:
    return ir.GuardAfter(index, const(delay_ns), NOWHERE)


def share(index: int, percent: int) -> ir.GuardShare:
    return ir.GuardShare(index, const(percent, ir.Type.SHARE), NOWHERE)


def policy(
    queues: Sequence[ir.Queue],
    serve: ir.Tree,
    guards: Sequence[ir.Guard] = (),
    *,
    params: Sequence[ir.Param] = (),
    goals: Sequence[ir.Goal] = (),
    accepts: Sequence[ir.Accept] = (),
    placement: Sequence[ir.Rung] = (CPU_IN_ANY,),
) -> ir.Policy:
    """Tasks go to the queue that bears their comm, all others to the last one."""
    rules = tuple(ir.Rule(comm_is(q.name), i, NOWHERE) for i, q in enumerate(queues[:-1]))
    return ir.Policy(
        name="test",
        documentation="",
        params=tuple(params),
        states=(),
        handlers=(),
        queues=tuple(queues),
        route=ir.Route(rules, len(queues) - 1, NOWHERE),
        serve=serve,
        guards=tuple(guards),
        placement=tuple(placement),
        goals=tuple(goals),
        accepts=tuple(accepts),
        sources=(TEXT,),
    )


def shared(*weights: int, first: int = 0, index: int = 0) -> ir.Weighted:
    """A weighted node of queues that are numbered from `first`."""
    common = lcm(*weights)
    return weighted(index, *((first + i, w, common // w) for i, w in enumerate(weights)))


def claim(
    kind: ir.Property,
    *queues: int,
    bound: int | None = None,
    conditions: Sequence[ir.Condition] = (),
) -> ir.Goal:
    return ir.Goal(
        kind, queues, None if bound is None else const(bound), tuple(conditions), NOWHERE
    )


def random_tree(random: Random, queues: list[int], nodes: list[int]) -> ir.Tree:
    if len(queues) == 1:
        return leaf(queues[0])
    random.shuffle(queues)
    count = random.randint(2, len(queues))
    parts = [[q] for q in queues[:count]]
    for q in queues[count:]:
        parts[random.randrange(count)].append(q)
    if random.random() < 0.5:
        return strict(*(random_tree(random, part, nodes) for part in parts))
    index = len(nodes)
    nodes.append(index)
    weights = [random.choice([1, 1, 2, 3, 4]) for _ in parts]
    common = lcm(*weights)
    shares = [
        (random_tree(random, part, nodes), weight, common // weight)
        for part, weight in zip(parts, weights, strict=True)
    ]
    return weighted(index, *shares)


def random_policy(random: Random, most: int = 4) -> ir.Policy:
    numbers = range(random.randint(1, most))
    orders = (FIFO, FIFO, vruntime(random.choice([0, 5, 20]) * MS, random.choice([1, 5]) * MS))
    queues = [
        queue(f"q{i}", random.choice([1, 4, 10]) * MS, random.choice(orders)) for i in numbers
    ]
    guards: list[ir.Guard] = []
    left = 90
    for i in numbers:
        kind, percent = random.random(), random.choice([3, 10, 20, 33])
        if kind < 0.3:
            guards.append(after(i, random.choice([1000, MS, 10 * MS, 40 * MS])))
        elif kind < 0.55 and percent < left:
            left -= percent
            guards.append(share(i, percent))
    placement = random.choice([(), (CPU_IN_ANY,)])
    return policy(queues, random_tree(random, list(numbers), []), guards, placement=placement)
