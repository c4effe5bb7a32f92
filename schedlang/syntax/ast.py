"""The syntax tree: what was written, nothing resolved. Two trees are equal if they say the same.

Spans do not take part in equality, so `parse(format(x)) == x` can be stated.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import final

from schedlang.ir.nodes import Frequency, Property, RungKind, Steal
from schedlang.ir.nodes import Scope as QueueScope
from schedlang.ir.testing import Measure, Relation, Statistic
from schedlang.source import Span


@final
@dataclass(frozen=True, slots=True)
class Ident:
    name: str
    span: Span = field(compare=False)


# --- expressions


@final
@dataclass(frozen=True, slots=True)
class Integer:
    value: int
    span: Span = field(compare=False)


UNITS_NS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000}


@final
@dataclass(frozen=True, slots=True)
class Duration:
    """`count` of `unit`, a key of `UNITS_NS`."""

    count: int
    unit: str
    span: Span = field(compare=False)

    @property
    def value_ns(self) -> int:
        return self.count * UNITS_NS[self.unit]


@final
@dataclass(frozen=True, slots=True)
class Percent:
    value: int
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Boolean:
    value: bool
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class NameUse:
    name: str
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class WakerOf:
    """`waker.x`: a state of the task that woke this one."""

    name: Ident
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Call:
    function: Ident
    arguments: tuple[Expr, ...]
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Binary:
    """`operator` is one of `or and < <= > >= == != + - * /`."""

    operator: str
    left: Expr
    right: Expr
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Negated:
    operand: Expr
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class IfThenElse:
    condition: Expr
    then: Expr
    orelse: Expr
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Text:
    """A string without its quotes."""

    value: str
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Match:
    name: Ident
    pattern: Text
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Under:
    path: Text
    span: Span = field(compare=False)


Expr = (
    Integer
    | Duration
    | Percent
    | Boolean
    | NameUse
    | WakerOf
    | Call
    | Binary
    | Negated
    | IfThenElse
    | Match
    | Under
)

# --- declarations


@final
@dataclass(frozen=True, slots=True)
class Range:
    lo: Expr
    hi: Expr
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Use:
    """`use std.orders.{vruntime}`: `path` is (std, orders)."""

    path: tuple[Ident, ...]
    names: tuple[Ident, ...]
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Param:
    name: Ident
    type: Ident
    default: Expr
    range: Range | None
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Formal:
    name: Ident
    type: Ident
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Function:
    name: Ident
    formals: tuple[Formal, ...]
    body: Expr
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class State:
    name: Ident
    type: Ident
    initial: Expr
    range: Range | None
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Assign:
    target: Ident
    value: Expr
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Handler:
    event: Ident
    condition: Expr | None
    assigns: tuple[Assign, ...]
    span: Span = field(compare=False)


Member = State | Handler


@final
@dataclass(frozen=True, slots=True)
class Task:
    members: tuple[Member, ...]
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Order:
    name: Ident
    formals: tuple[Formal, ...]
    members: tuple[Member, ...]
    key: Expr | None
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Argument:
    name: Ident
    value: Expr
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Scope:
    """`global`, `per node`, `per llc` or `per cpu`."""

    scope: QueueScope
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Stealing:
    """`steal`, which is also written `steal any`, or `steal node`."""

    steal: Steal
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Ordering:
    order: Ident
    arguments: tuple[Argument, ...]
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Slice:
    value: Expr
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Rung:
    """`within` is where `core in` and `cpu in` look: a set, or a word; None for other kinds."""

    kind: RungKind
    within: Ident | None
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Place:
    """A ladder: the policy's, or a queue's own."""

    rungs: tuple[Rung, ...]
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class PlaceBy:
    """`place LADDER`."""

    ladder: Ident
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Confine:
    """`on SET`."""

    cpus: Ident
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Hint:
    """`frequency max`."""

    frequency: Frequency
    span: Span = field(compare=False)


Clause = Scope | Ordering | Slice | Hint | Stealing | Place | PlaceBy | Confine


@final
@dataclass(frozen=True, slots=True)
class Queue:
    name: Ident
    clauses: tuple[Clause, ...]
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Rule:
    condition: Expr
    queue: Ident
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Route:
    rules: tuple[Rule, ...]
    otherwise: Ident | None
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Leaf:
    queue: Ident
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Strict:
    children: tuple[Tree, ...]
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Share:
    child: Tree
    weight: Integer
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Weighted:
    shares: tuple[Share, ...]
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Apply:
    """The tree that a template makes of others."""

    template: Ident
    arguments: tuple[Tree, ...]
    span: Span = field(compare=False)


Tree = Leaf | Strict | Weighted | Apply


@final
@dataclass(frozen=True, slots=True)
class TreeTemplate:
    """`tree NAME(a, b) = TREE`: within it, the names of `formals` stand for trees."""

    name: Ident
    formals: tuple[Ident, ...]
    tree: Tree
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Serve:
    """`cpus` is the set of `serve on SET`."""

    cpus: Ident | None
    tree: Tree
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class GuardAfter:
    queue: Ident
    delay: Expr
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class GuardShare:
    queue: Ident
    share: Expr
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Cut:
    """`by over over earlier after delay`: the turns of one queue that another may cut short."""

    by: Ident
    over: Ident
    is_earlier: bool
    delay: Expr
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Preempt:
    cuts: tuple[Cut, ...]
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Ladder:
    """Rungs under a name."""

    name: Ident
    rungs: tuple[Rung, ...]
    span: Span = field(compare=False)


class PremiseKind(StrEnum):
    TASKS = "tasks"
    BACKLOGGED = "backlogged"
    UNRESTRICTED = "unrestricted"
    TICK = "tick"
    CPUS = "cpus"


@final
@dataclass(frozen=True, slots=True)
class Premise:
    """A condition after `when`: `queue` for tasks, backlogged; `limit` for tasks, tick, cpus."""

    kind: PremiseKind
    queue: Ident | None
    limit: Integer | Duration | None
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Goal:
    property: Property
    queues: tuple[Ident, ...]
    bound: Expr | None
    premises: tuple[Premise, ...]
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Guarantee:
    goals: tuple[Goal, ...]
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Accept:
    queue: Ident
    reason: Text
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Machine:
    """What is not written is None, and counts as 1."""

    cpus: Integer
    llcs: Integer | None
    nodes: Integer | None
    smt: Integer | None
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Ticking:
    period: Duration
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Setting:
    """The value of a param in the test."""

    param: Ident
    value: Integer | Duration | Percent | Boolean
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Process:
    name: Text
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class InCgroup:
    path: Text
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Niceness:
    level: Integer
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Cpus:
    """From `first` to `last`, which are the same for a single CPU."""

    first: Integer
    last: Integer
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class CpuSet:
    name: Ident
    cpus: tuple[Cpus, ...]
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class OnCpus:
    cpus: tuple[Cpus, ...]
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Later:
    delay: Duration
    span: Span = field(compare=False)


Trait = Process | InCgroup | Niceness | OnCpus | Later


class Shape(StrEnum):
    HOG = "hog"
    SLEEPER = "sleeper"
    JOB = "job"


@final
@dataclass(frozen=True, slots=True)
class Spawn:
    """A hog has neither `runs` nor `every`, a sleeper both, a job runs once."""

    count: Integer
    shape: Shape
    comm: Text
    traits: tuple[Trait, ...]
    runs: Duration | None
    every: Duration | None
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Lasting:
    duration: Duration
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class Expect:
    """`statistic measure subject relation limit`, of which only `measure` is always there.

    `measure` is `before` for `subject before limit`.
    """

    measure: Measure
    statistic: Statistic | None
    subject: Text | None
    relation: Relation | None
    limit: Duration | Percent | Integer | Text
    span: Span = field(compare=False)


Scene = Machine | Ticking | Setting | Spawn | Lasting | Expect


@final
@dataclass(frozen=True, slots=True)
class Test:
    name: Text
    scenes: tuple[Scene, ...]
    span: Span = field(compare=False)


Decl = (
    Use
    | Param
    | CpuSet
    | Function
    | Task
    | Order
    | Queue
    | Route
    | Serve
    | TreeTemplate
    | GuardAfter
    | GuardShare
    | Preempt
    | Place
    | PlaceBy
    | Ladder
    | Guarantee
    | Accept
    | Test
)


class FileKind(StrEnum):
    POLICY = "policy"
    LIBRARY = "library"


@final
@dataclass(frozen=True, slots=True)
class Header:
    kind: FileKind
    name: Ident
    span: Span = field(compare=False)


@final
@dataclass(frozen=True, slots=True)
class File:
    """A policy or a library module, declarations in the order in which they were written."""

    header: Header | None
    decls: tuple[Decl, ...]
