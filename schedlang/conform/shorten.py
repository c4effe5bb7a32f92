"""Makes a trace that goes wrong short: events are left out as long as it still goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from schedlang.conform.events import Event
from schedlang.machine.scenario import TaskSpec

_PLAIN: Final = TaskSpec("t")
_PLAINER: Final[tuple[Callable[[Event], Event], ...]] = (
    lambda event: event._replace(spec=_PLAIN),
    lambda event: event._replace(ns=0),
    lambda event: event._replace(pick=0),
    lambda event: event._replace(swift=False),
    lambda event: event._replace(sync=False),
)


def shorten(
    events: Sequence[Event], goes_wrong: Callable[[Sequence[Event]], bool]
) -> tuple[Event, ...]:
    """No single event can be left out of the result, nor be of a plainer task or time."""
    left = tuple(events)
    size = max(len(left) // 2, 1)
    while True:
        shorter = _without_blocks(left, size, goes_wrong)
        if size == 1:
            if shorter == left:
                break
        else:
            size //= 2
        left = shorter
    return _plainer(left, goes_wrong)


def _without_blocks(
    events: tuple[Event, ...], size: int, goes_wrong: Callable[[Sequence[Event]], bool]
) -> tuple[Event, ...]:
    at = 0
    while at < len(events):
        shorter = events[:at] + events[at + size :]
        if goes_wrong(shorter):
            events = shorter
        else:
            at += size
    return events


def _plainer(
    events: tuple[Event, ...], goes_wrong: Callable[[Sequence[Event]], bool]
) -> tuple[Event, ...]:
    for at in range(len(events)):
        for plainer in _PLAINER:
            merged = (*events[:at], plainer(events[at]), *events[at + 1 :])
            if merged != events and goes_wrong(merged):
                events = merged
    return events
