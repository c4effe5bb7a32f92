"""Whether a loop would go on alike at any other time: nothing in it reads `now`.

Then a pass depends on states and keys that are times only through how they lie to one another, and
a loop that leaves them where they are repeats although they grow old. That is how a key that does
not move with time starves (`replay`).
"""

from __future__ import annotations

from collections.abc import Iterator

from schedlang.ir.nodes import Event, Expr, Handler, Input, InputRef, Policy
from schedlang.ir.walk import walk
from schedlang.machine.scenario import Step, Wake


def is_timeless(policy: Policy, loop: tuple[Step, ...]) -> bool:
    """For tasks that have all been there before the loop, in every queue that they join in it."""
    wakes = any(isinstance(step, Wake) for step in loop)
    return not any(
        isinstance(node, InputRef) and node.input is Input.NOW
        for expr in _expressions(policy, wakes=wakes)
        for node in walk(expr)
    )


def _expressions(policy: Policy, *, wakes: bool) -> Iterator[Expr]:
    """All that the stops and arrivals of a loop may evaluate."""
    events = {Event.STOP, Event.JOIN} | ({Event.WAKE} if wakes else set())
    yield from _of_handlers(policy.handlers, events)
    yield from (rule.condition for rule in policy.route.rules)
    for queue in policy.queues:
        yield from _of_handlers(queue.order.handlers, events)
        yield queue.slice
        if queue.order.key is not None:
            yield queue.order.key


def _of_handlers(handlers: tuple[Handler, ...], events: set[Event]) -> Iterator[Expr]:
    for handler in handlers:
        if handler.event in events:
            if handler.condition is not None:
                yield handler.condition
            yield from (assign.value for assign in handler.assigns)
