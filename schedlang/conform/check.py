"""One policy against a twin of it: random traces, and the first divergence made short."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, final

from schedlang.backend import Twin
from schedlang.conform.events import CGROUPS, Event, draw_events
from schedlang.conform.pair import Divergence, Setting, compare
from schedlang.conform.shorten import shorten
from schedlang.ir import nodes as ir
from schedlang.ir.walk import walk
from schedlang.machine.compiled import compile_policy
from schedlang.topology import Topology

SHAPES: Final = (
    Topology(1),
    Topology(2),
    Topology(2, llcs=2, nodes=2),
    Topology(3),
    Topology(4),
    Topology(4, smt=2),
    Topology(4, llcs=2, smt=2),
    Topology(4, llcs=4, nodes=2, little=1),
)
_COMMS: Final = ("worker", "w", "x")


@final
@dataclass(frozen=True, slots=True)
class Plan:
    """`traces` of `events` each, drawn from `seed`, on machines of `SHAPES`."""

    traces: int
    events: int
    seed: int


@final
@dataclass(frozen=True, slots=True)
class Failure:
    """The least part found of trace number `trace` that still goes wrong."""

    trace: int
    setting: Setting
    events: tuple[Event, ...]
    divergence: Divergence


@final
@dataclass(frozen=True, slots=True)
class Checked:
    """`traces` were tried, with so many `turns` compared, up to a failure if there is one."""

    traces: int
    turns: int
    failure: Failure | None


def check(policy: ir.Policy, twin: Twin, plan: Plan) -> Checked:
    """The same plan and twin give the same answer."""
    code, turns = compile_policy(policy), 0
    for number, (setting, events) in enumerate(_traces(policy, plan)):
        compared = compare(policy, twin, setting, events, code)
        turns += compared.turns
        if compared.divergence is None:
            continue

        def goes_wrong(part: Sequence[Event], setting: Setting = setting) -> bool:
            return compare(policy, twin, setting, part, code).divergence is not None

        short = shorten(events, goes_wrong)
        divergence = compare(policy, twin, setting, short, code).divergence
        assert divergence is not None
        return Checked(number + 1, turns, Failure(number, setting, short, divergence))
    return Checked(plan.traces, turns, None)


def _traces(policy: ir.Policy, plan: Plan) -> Iterator[tuple[Setting, tuple[Event, ...]]]:
    comms, cgroups = names_in(policy)
    for number in range(plan.traces):
        random = Random(f"{plan.seed} {number}")
        setting = Setting(random.choice(SHAPES), _draw_params(policy, random))
        cpus, ticks = setting.topology.cpus, bool(policy.preemptions)
        yield setting, draw_events(random, plan.events, cpus, comms, cgroups, ticks=ticks)


def _draw_params(policy: ir.Policy, random: Random) -> tuple[int, ...]:
    return tuple(
        random.choice((p.lo, p.default, p.hi, random.randint(p.lo, p.hi))) for p in policy.params
    )


def names_in(policy: ir.Policy) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of tasks, and cgroups, that the policy tells apart, and some besides."""
    nodes = [node for expression in _expressions(policy) for node in walk(expression)]
    comms = (node.text.replace("*", "") for node in nodes if isinstance(node, ir.Match))
    paths = (node.path for node in nodes if isinstance(node, ir.CgroupUnder))
    below = [path for found in paths for path in (found, f"{found}/below")]
    return tuple(dict.fromkeys((*comms, *_COMMS))), tuple(dict.fromkeys((*below, *CGROUPS)))


def _expressions(policy: ir.Policy) -> Iterator[ir.Expr]:
    """All that can tell tasks apart by their names."""
    yield from (rule.condition for rule in policy.route.rules)
    yield from (queue.slice for queue in policy.queues)
    orders = [queue.order for queue in policy.queues]
    yield from (order.key for order in orders if order.key is not None)
    states = [policy.states, *(order.states for order in orders)]
    yield from (state.initial for group in states for state in group)
    handlers = [policy.handlers, *(order.handlers for order in orders)]
    for handler in (handler for group in handlers for handler in group):
        yield from (assign.value for assign in handler.assigns)
        if handler.condition is not None:
            yield handler.condition
