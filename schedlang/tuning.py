"""Params that get other values while a policy runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from schedlang.ir.nodes import Policy


@final
@dataclass(frozen=True, slots=True)
class Tune:
    """`at_ns` after the beginning of a run the param `param` gets `value`."""

    at_ns: int
    param: str
    value: int


def in_order(tunes: tuple[Tune, ...]) -> tuple[Tune, ...]:
    """As they happen; of two at one moment the later one in the list is the later."""
    return tuple(sorted(tunes, key=lambda tune: tune.at_ns))


def index_of(policy: Policy, name: str) -> int:
    return next(number for number, param in enumerate(policy.params) if param.name == name)
