"""Guesses at the constants of an order, from the interpreter at the corners of all ranges.

Only guesses: the solver proves each of them for everything between the corners (`order`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, product
from typing import final

from schedlang.ir import nodes as ir
from schedlang.ir.walk import walk
from schedlang.machine.evaluate import (
    Environment,
    compile_expr,
    compile_handlers,
    compile_initial,
)
from schedlang.machine.scenario import TaskSpec

MOST_CORNERS = 2048
LONG_AGO = -(2**50)
_IDS = (ir.Attribute.PID, ir.Attribute.TGID, ir.Attribute.PPID, ir.Attribute.UID, ir.Attribute.GID)


@final
@dataclass(frozen=True, slots=True)
class Pace:
    """The constants of a queue that is ordered by a vtime state v.

    `lead`: no arriving v is further ahead of the clock. `lag`: none is further behind it. `fork`: a
    fresh v is at least that far ahead. `kept`: a task that arrives again without a turn keeps its
    v, or has one that is at least that far ahead. `spent`: after a turn v is no further ahead.

    `horizon`: one that comes later and goes first has a v that is greater by at most that, or less
    if it is negative. `charge`: from one turn to the next v moves by at least that much.
    `per_charge`: a turn after which it moves by x lasted at most per_charge * (x + 1). The last two
    but for turns that put the task behind all who wait.

    `behind`: no v of a task that waits is further behind the clock, however long it has waited.
    None if that is not known: where other CPUs move the clock there is no such limit.
    """

    lead: int
    lag: int
    fork: int
    kept: int
    spent: int
    horizon: int
    charge: int
    per_charge: Fraction
    behind: int | None = None


def guess_pace(policy: ir.Policy, queue: ir.Queue, weights: ir.Interval, used: ir.Interval) -> Pace:
    order = queue.order
    assert order.clock_state is not None
    assert order.key is not None
    clocked = _Clocked(order, order.clock_state)
    corners = tuple(islice(_corners(policy, order, weights, used), MOST_CORNERS))
    turns = [clocked.turn(env) for env in corners]
    fresh = [clocked.fresh(env) for env in corners]
    keys = [clocked.key(env) for env in corners]
    lead = max((*(turn.arrived for turn in turns), *fresh))
    horizon = max(keys) - min(keys) - 1
    short = [turn for turn in turns if turn.arrived <= lead + horizon] or turns
    return Pace(
        lead=lead,
        lag=max(-clocked.arrived(env, LONG_AGO) for env in corners),
        fork=min(fresh),
        kept=lead,
        spent=max(turn.spent for turn in turns),
        horizon=horizon,
        charge=min(turn.arrived for turn in short),
        per_charge=max(Fraction(turn.used, max(turn.arrived, 1)) for turn in short),
    )


def guess_horizon(policy: ir.Policy, order: ir.Order, used: ir.Interval) -> int:
    """How much later a task can arrive and still go first, for a key in time."""
    assert order.key is not None
    key = compile_expr(order.key)
    join = compile_handlers(order.handlers, order.states, ir.Owner.ORDER, ir.Event.JOIN)
    times = [i for i, state in enumerate(order.states) if state.type is ir.Type.TIME]
    weights = ir.ATTRIBUTE_TYPES[ir.Attribute.WEIGHT][1]
    keys: list[int] = []
    for env in islice(_corners(policy, order, weights, used), MOST_CORNERS):
        before = list(env.order_states)
        for then in (LONG_AGO, -LONG_AGO) if times else (0,):
            env.order_states = [then if i in times else v for i, v in enumerate(before)]
            join(env)
            keys.append(key(env))
    return max(max(keys) - min(keys) - 1, 0)


@final
@dataclass(frozen=True, slots=True)
class _Turn:
    """How far ahead of the clock v is after the turn, and after the arrival that follows."""

    used: int
    spent: int
    arrived: int


@final
class _Clocked:
    """An order's handlers, seen from a clock that stands at 0."""

    def __init__(self, order: ir.Order, state: int) -> None:
        assert order.key is not None
        self._state = state
        self._key = compile_expr(order.key)
        self._initial = compile_initial(order.states, ir.Owner.ORDER)
        self._run = {
            event: compile_handlers(order.handlers, order.states, ir.Owner.ORDER, event)
            for event in ir.Event
        }

    def turn(self, env: Environment) -> _Turn:
        """Of a task whose v was the clock's."""
        self._set(env, 0)
        self._run[ir.Event.STOP](env)
        spent = env.order_states[self._state]
        return _Turn(env.used, spent, self._arrive(env))

    def arrived(self, env: Environment, v: int) -> int:
        self._set(env, v)
        return self._arrive(env)

    def fresh(self, env: Environment) -> int:
        env.order_states = self._initial(env)
        return self._arrive(env)

    def key(self, env: Environment) -> int:
        self._set(env, 0)
        return self._key(env)

    def _arrive(self, env: Environment) -> int:
        self._run[ir.Event.WAKE](env)
        self._run[ir.Event.JOIN](env)
        return env.order_states[self._state]

    def _set(self, env: Environment, v: int) -> None:
        states = list(env.order_states)
        states[self._state] = v
        env.order_states = states


def _corners(
    policy: ir.Policy, order: ir.Order, weights: ir.Interval, used: ir.Interval
) -> Iterator[Environment]:
    read = frozenset(
        node.attribute
        for expr in expressions(order)
        for node in walk(expr)
        if isinstance(node, ir.AttributeRef)
    )
    nice = ir.ATTRIBUTE_TYPES[ir.Attribute.NICE][1]
    axes: list[tuple[int, ...]] = [
        _ends(weights) if ir.Attribute.WEIGHT in read else (weights.lo,),
        _ends(nice) if ir.Attribute.NICE in read else (0,),
        (0, 1) if ir.Attribute.KTHREAD in read else (0,),
        (1, 0) if ir.Attribute.GROUP_LEADER in read else (1,),
        (0, 1) if read & {ir.Attribute.PINNED, ir.Attribute.RESTRICTED} else (0,),
        _ends(used),
        (1, ir.MAX_SLICE_NS),
        (0, 1),
        *(_ends(ir.ATTRIBUTE_TYPES[name][1]) if name in read else (1,) for name in _IDS),
        *(_given_ends(order, given) for given in (ir.Input.LENGTH, ir.Input.CPUS)),
    ]
    states = [_state_ends(state) for state in order.states]
    task_states = [_state_ends(state) for state in policy.states]
    params = [_ends(ir.Interval(p.lo, p.hi)) for p in policy.params]
    for values in product(
        product(*axes), product(*states), product(*task_states), product(*params)
    ):
        (weight, nice_, kthread, leads, pinned, spent, granted, blocked, *ids), *rest = values
        own, task, settings = rest
        pid, tgid, ppid, uid, gid, length, cpus = ids
        yield Environment(
            params=settings,
            task=TaskSpec(
                comm="",
                nice=nice_,
                weight=weight,
                kthread=bool(kthread),
                affinity=frozenset({0}) if pinned else None,
                pid=pid if leads else pid % ir.MAX_PID + 1,
                tgid=tgid,
                ppid=ppid,
                uid=uid,
                gid=gid,
            ),
            task_states=list(task),
            order_states=list(own),
            used=spent,
            granted=granted,
            blocked=blocked,
            length=length,
            cpus=cpus,
        )


def expressions(order: ir.Order) -> Iterator[ir.Expr]:
    """Everything that an order evaluates."""
    for state in order.states:
        yield state.initial
    for handler in order.handlers:
        if handler.condition is not None:
            yield handler.condition
        yield from (assign.value for assign in handler.assigns)
    if order.key is not None:
        yield order.key


def _given_ends(order: ir.Order, given: ir.Input) -> tuple[int, ...]:
    """The ends of an input's interval if the order reads it, else one of them."""
    nodes = (node for expr in expressions(order) for node in walk(expr))
    is_read = any(isinstance(node, ir.InputRef) and node.input is given for node in nodes)
    interval = ir.INPUT_TYPES[given][1]
    assert interval is not None
    return _ends(interval) if is_read else (interval.lo,)


def _state_ends(state: ir.State) -> tuple[int, ...]:
    return (0,) if state.range is None else _ends(state.range)


def _ends(interval: ir.Interval) -> tuple[int, ...]:
    return (interval.lo,) if interval.is_single else (interval.lo, interval.hi)
