"""What a policy uses: only that is emitted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, assert_never

from schedlang.ir.nodes import (
    Arith,
    Attribute,
    AttributeRef,
    CgroupUnder,
    Compare,
    Const,
    Event,
    Expr,
    GuardAfter,
    GuardShare,
    Handler,
    If,
    Input,
    InputRef,
    Leaf,
    Log2,
    Logic,
    Match,
    Name,
    Not,
    ParamRef,
    Policy,
    Scope,
    StateRef,
    Strict,
    Tree,
    Weighted,
)
from schedlang.ir.walk import walk

_FIXED: Final = (
    *(Attribute.NICE, Attribute.WEIGHT),
    *(Attribute.KTHREAD, Attribute.PINNED, Attribute.RESTRICTED),
)


def expressions(policy: Policy) -> Iterator[Expr]:
    """Every expression that the running scheduler evaluates, with its parts."""
    for expr in _roots(policy):
        yield from walk(expr)


def _roots(policy: Policy) -> Iterator[Expr]:
    yield from (state.initial for state in policy.states)
    yield from handler_expressions(policy.handlers)
    for queue in policy.queues:
        yield from (state.initial for state in queue.order.states)
        yield from handler_expressions(queue.order.handlers)
        if queue.order.key is not None:
            yield queue.order.key
        yield queue.slice
    yield from (rule.condition for rule in policy.route.rules)
    for guard in policy.guards:
        match guard:
            case GuardAfter():
                yield guard.delay
            case GuardShare():
                yield guard.share
            case _:
                assert_never(guard)
    yield from (rule.after for rule in policy.preemptions)


def handler_expressions(handlers: tuple[Handler, ...]) -> Iterator[Expr]:
    for handler in handlers:
        if handler.condition is not None:
            yield handler.condition
        yield from (assign.value for assign in handler.assigns)


def read_once(roots: Iterable[Expr]) -> frozenset[Input | Name]:
    """What of a queue and of names expressions read: a function reads each of them once."""
    parts = [part for root in roots for part in walk(root)]
    of_queue = {part.input for part in parts if isinstance(part, InputRef)} & {
        Input.CLOCK,
        Input.LENGTH,
    }
    return frozenset(of_queue) | {part.name for part in parts if isinstance(part, Match)}


def reads(roots: Iterable[Expr], given: Input) -> bool:
    parts = (part for root in roots for part in walk(root))
    return any(isinstance(part, InputRef) and part.input is given for part in parts)


def cgroup_paths(policy: Policy) -> tuple[str, ...]:
    """The cgroups that the policy names, in order of first mention."""
    found = (part.path for part in expressions(policy) if isinstance(part, CgroupUnder))
    return tuple(dict.fromkeys(found))


def matches_names(policy: Policy) -> bool:
    return any(isinstance(part, Match) for part in expressions(policy))


def attributes(policy: Policy) -> frozenset[str]:
    parts = expressions(policy)
    return frozenset(part.attribute.value for part in parts if isinstance(part, AttributeRef))


def arrivals_read_time(policy: Policy) -> bool:
    """Whether what a task finds when it arrives depends on when it does."""
    return not _all_timeless(_arrival_roots(policy))


def ends_read_time(policy: Policy) -> bool:
    """Whether what the end of a turn does depends on when that was, or how long the turn was."""
    handlers = (policy.handlers, *(queue.order.handlers for queue in policy.queues))
    stops = (h for some in handlers for h in some if h.event is Event.STOP)
    return not _all_timeless(handler_expressions(tuple(stops)))


def _arrival_roots(policy: Policy) -> Iterator[Expr]:
    yield from handler_expressions(_but_stops(policy.handlers))
    yield from (rule.condition for rule in policy.route.rules)
    for queue in policy.queues:
        yield from (state.initial for state in queue.order.states)
        yield from handler_expressions(_but_stops(queue.order.handlers))
        if queue.order.key is not None:
            yield queue.order.key
        yield queue.slice


def _but_stops(handlers: tuple[Handler, ...]) -> tuple[Handler, ...]:
    return tuple(handler for handler in handlers if handler.event is not Event.STOP)


def _all_timeless(roots: Iterable[Expr]) -> bool:
    return all(_is_timeless(part) for root in roots for part in walk(root))


def _is_timeless(part: Expr) -> bool:
    match part:
        case InputRef():
            return part.input in (Input.CLOCK, Input.GRANTED, Input.BLOCKED, Input.WOKEN)
        case AttributeRef():
            return part.attribute in _FIXED
        case Const() | ParamRef() | StateRef() | Match() | CgroupUnder():
            return True
        case Arith() | Log2() | Compare() | Logic() | Not() | If():
            return True
        case _:
            assert_never(part)


def has_units(policy: Policy) -> bool:
    """Whether a queue has several instances."""
    return any(queue.scope is not Scope.GLOBAL for queue in policy.queues)


def weighted_nodes(tree: Tree) -> tuple[Weighted, ...]:
    """The weighted nodes of a tree, outermost and leftmost first."""
    match tree:
        case Leaf():
            return ()
        case Strict():
            return tuple(node for child in tree.children for node in weighted_nodes(child))
        case Weighted():
            below = (node for share in tree.shares for node in weighted_nodes(share.child))
            return (tree, *below)
        case _:
            assert_never(tree)
