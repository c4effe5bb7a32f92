"""What a policy's `test` blocks say: a machine, what it has to do, and what is expected of that.

The workload is the simulator's and the micro-VM's own description; a test adds only expectations.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import final

from schedlang.source import Span
from schedlang.topology import Topology
from schedlang.workload.model import Workload


class Measure(StrEnum):
    """What is measured. `WAIT` is counted per turn, from being runnable to running; `WAKEUP` is the
    part of it that follows a wake-up; `SHARE` is of all the machine's CPU time.
    """

    WAIT = "wait"
    WAKEUP = "wakeup"
    SHARE = "share"
    PASSES = "passes"
    MAKESPAN = "makespan"
    BEFORE = "before"


class Statistic(StrEnum):
    P50 = "p50"
    P99 = "p99"
    MAX = "max"


class Relation(StrEnum):
    BELOW = "<"
    AT_MOST = "<="
    ABOVE = ">"
    AT_LEAST = ">="

    def holds(self, value: float, limit: float) -> bool:
        match self:
            case Relation.BELOW:
                return value < limit
            case Relation.AT_MOST:
                return value <= limit
            case Relation.ABOVE:
                return value > limit
            case Relation.AT_LEAST:
                return value >= limit


@final
@dataclass(frozen=True, slots=True)
class Limit:
    """`statistic measure group relation value`: ns, percent, or a number of passes.

    `statistic` is there for `WAIT` and `WAKEUP` only, `group` for all but `MAKESPAN`.
    """

    measure: Measure
    statistic: Statistic | None
    group: str | None
    relation: Relation
    value: int
    span: Span


@final
@dataclass(frozen=True, slots=True)
class Before:
    """The last thread of `first` ends before the last one of `second` does."""

    first: str
    second: str
    span: Span


Expectation = Limit | Before


@final
@dataclass(frozen=True, slots=True)
class Test:
    """`params` are the values of all the policy's params; a group's name is its threads' comm."""

    name: str
    topology: Topology
    tick_ns: int
    params: tuple[int, ...]
    workload: Workload
    expectations: tuple[Expectation, ...]
    span: Span
