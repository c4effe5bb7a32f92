"""The typed policy: what the prover, the reference interpreter and the backends read.

Everything is resolved and inlined: no functions, no order arguments, no library references. All
numbers are integers (durations and points in ns, shares in percent). Every expression carries its
type and, unless it is a point, the interval its value provably lies in. `verify` states the
invariants; `docs/machine.md` gives the meaning.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never, final

from schedlang.ir.testing import Test
from schedlang.source import Sources, Span

MAX_SLICE_NS = 100_000_000
MIN_CHARGE_NS = 1_000
MAX_CHARGE_NS = 1_000_000_000
MAX_MAGNITUDE = 2**62
MAX_DEBT = 2**60
MAX_LCM = 2**20
MAX_CPU = 1023
MIN_GUARD_DELAY_NS = 1_000
MIN_PREEMPT_DELAY_NS = 1_000
DEFAULT_WEIGHT = 100
MAX_PID = 2**22
MAX_ID = 2**32 - 1
MAX_CPUS = 8192
MAX_GROUP_WEIGHT = 10_000


class Type(StrEnum):
    BOOL = "bool"
    COUNT = "count"
    DURATION = "duration"
    SHARE = "share"
    TIME = "time"
    VTIME = "vtime"

    @property
    def is_point(self) -> bool:
        return self in (Type.TIME, Type.VTIME)


@final
@dataclass(frozen=True, slots=True)
class Interval:
    """The integers from `lo` to `hi`, both included."""

    lo: int
    hi: int

    @property
    def is_single(self) -> bool:
        return self.lo == self.hi

    def contains(self, other: Interval) -> bool:
        return self.lo <= other.lo and other.hi <= self.hi


class Attribute(StrEnum):
    """What a task has by itself. `PID` is of the thread, `TGID` of its process."""

    NICE = "nice"
    WEIGHT = "weight"
    PID = "pid"
    TGID = "tgid"
    PPID = "ppid"
    UID = "uid"
    GID = "gid"
    GROUP_LEADER = "group_leader"
    GROUP_WEIGHT = "group_weight"
    KTHREAD = "kthread"
    PINNED = "pinned"
    RESTRICTED = "restricted"


class Name(StrEnum):
    """Text that patterns are matched against."""

    COMM = "comm"
    PROCESS = "process"


class Input(StrEnum):
    """What the machine hands to an expression when it evaluates it."""

    NOW = "now"
    CLOCK = "clock"
    USED = "used"
    GRANTED = "granted"
    BLOCKED = "blocked"
    WOKEN = "woken"
    LENGTH = "length"
    CPUS = "cpus"


class Owner(StrEnum):
    """Whose state it is: the task's, or the (task, queue) pair's."""

    TASK = "task"
    ORDER = "order"


class ArithOp(StrEnum):
    ADD = "+"
    SUB = "-"
    MUL = "*"
    DIV = "/"  # numerator >= 0, divisor >= 1; truncates
    MIN = "min"
    MAX = "max"


class CompareOp(StrEnum):
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="
    EQ = "=="
    NE = "!="


class LogicOp(StrEnum):
    AND = "and"
    OR = "or"


class PatternKind(StrEnum):
    EXACT = "exact"
    PREFIX = "prefix"
    SUFFIX = "suffix"
    CONTAINS = "contains"
    GLOB = "glob"


BOOL_RANGE = Interval(0, 1)
ATTRIBUTE_TYPES = {
    Attribute.NICE: (Type.COUNT, Interval(-20, 19)),
    Attribute.WEIGHT: (Type.COUNT, Interval(1, 10_000)),
    Attribute.PID: (Type.COUNT, Interval(1, MAX_PID)),
    Attribute.TGID: (Type.COUNT, Interval(1, MAX_PID)),
    Attribute.PPID: (Type.COUNT, Interval(0, MAX_PID)),
    Attribute.UID: (Type.COUNT, Interval(0, MAX_ID)),
    Attribute.GID: (Type.COUNT, Interval(0, MAX_ID)),
    Attribute.GROUP_LEADER: (Type.BOOL, BOOL_RANGE),
    Attribute.GROUP_WEIGHT: (Type.COUNT, Interval(1, MAX_GROUP_WEIGHT)),
    Attribute.KTHREAD: (Type.BOOL, BOOL_RANGE),
    Attribute.PINNED: (Type.BOOL, BOOL_RANGE),
    Attribute.RESTRICTED: (Type.BOOL, BOOL_RANGE),
}
INPUT_TYPES = {
    Input.NOW: (Type.TIME, None),
    Input.CLOCK: (Type.VTIME, None),
    Input.USED: (Type.DURATION, Interval(MIN_CHARGE_NS, MAX_CHARGE_NS)),
    Input.GRANTED: (Type.DURATION, Interval(1, MAX_SLICE_NS)),
    Input.BLOCKED: (Type.BOOL, BOOL_RANGE),
    Input.WOKEN: (Type.BOOL, BOOL_RANGE),
    Input.LENGTH: (Type.COUNT, Interval(0, MAX_PID)),
    Input.CPUS: (Type.COUNT, Interval(1, MAX_CPUS)),
}


@final
@dataclass(frozen=True, slots=True)
class Const:
    type: Type
    range: Interval
    span: Span
    value: int


@final
@dataclass(frozen=True, slots=True)
class ParamRef:
    """The current value of `Policy.params[index]`."""

    type: Type
    range: Interval
    span: Span
    index: int


@final
@dataclass(frozen=True, slots=True)
class StateRef:
    """The value of the owner's state number `index`."""

    type: Type
    range: Interval | None
    span: Span
    owner: Owner
    index: int


@final
@dataclass(frozen=True, slots=True)
class AttributeRef:
    type: Type
    range: Interval
    span: Span
    attribute: Attribute


@final
@dataclass(frozen=True, slots=True)
class InputRef:
    type: Type
    range: Interval | None
    span: Span
    input: Input


@final
@dataclass(frozen=True, slots=True)
class Arith:
    type: Type
    range: Interval | None
    span: Span
    op: ArithOp
    left: Expr
    right: Expr


@final
@dataclass(frozen=True, slots=True)
class Log2:
    """The greatest n with 2**n <= operand; 0 for an operand of 0."""

    type: Type
    range: Interval
    span: Span
    operand: Expr


@final
@dataclass(frozen=True, slots=True)
class Compare:
    """Two values of one type. Points compare by signed difference."""

    type: Type
    range: Interval
    span: Span
    op: CompareOp
    left: Expr
    right: Expr


@final
@dataclass(frozen=True, slots=True)
class Logic:
    type: Type
    range: Interval
    span: Span
    op: LogicOp
    left: Expr
    right: Expr


@final
@dataclass(frozen=True, slots=True)
class Not:
    type: Type
    range: Interval
    span: Span
    operand: Expr


@final
@dataclass(frozen=True, slots=True)
class If:
    type: Type
    range: Interval | None
    span: Span
    condition: Expr
    then: Expr
    orelse: Expr


@final
@dataclass(frozen=True, slots=True)
class Match:
    """Whether a name is, begins with, ends with or contains `text` (1..15 printable ASCII).

    In a `GLOB` the text has a `*` between other characters, which stands for any number of any.
    """

    type: Type
    range: Interval
    span: Span
    name: Name
    kind: PatternKind
    text: str


@final
@dataclass(frozen=True, slots=True)
class CgroupUnder:
    """Whether the task's cgroup is `path`, such as `/a/b`, or below it."""

    type: Type
    range: Interval
    span: Span
    path: str


Expr = (
    Const
    | ParamRef
    | StateRef
    | AttributeRef
    | InputRef
    | Arith
    | Log2
    | Compare
    | Logic
    | Not
    | If
    | Match
    | CgroupUnder
)


@final
@dataclass(frozen=True, slots=True)
class Param:
    """A constant (`lo == default == hi`, not tunable) or a value that can change while loaded."""

    name: str
    type: Type
    default: int
    lo: int
    hi: int
    tunable: bool
    span: Span


class Event(StrEnum):
    """`WAKING` is the waker's: of the task that runs, when it wakes another."""

    WAKE = "wake"
    WAKING = "waking"
    JOIN = "join"
    STOP = "stop"


@final
@dataclass(frozen=True, slots=True)
class State:
    """What a task or a (task, queue) pair remembers. It saturates at `range`; points have none."""

    name: str
    type: Type
    initial: Expr
    range: Interval | None
    span: Span


@final
@dataclass(frozen=True, slots=True)
class Assign:
    """`states[index] = value` of the handler's owner, then saturated."""

    index: int
    value: Expr
    span: Span


@final
@dataclass(frozen=True, slots=True)
class Handler:
    event: Event
    condition: Expr | None
    assigns: tuple[Assign, ...]
    span: Span


@final
@dataclass(frozen=True, slots=True)
class Snapshot:
    """When a task wakes another, the other's task state `into` takes the waker's state `of`."""

    of: int
    into: int


@final
@dataclass(frozen=True, slots=True)
class Order:
    """How a queue is ordered: by arrival (`key` None) or by the least `key`, a point.

    At most one state is a vtime; `clock_state` is its index. The queue has a clock if it is there.
    """

    name: str
    states: tuple[State, ...]
    handlers: tuple[Handler, ...]
    key: Expr | None
    clock_state: int | None
    span: Span


class Scope(StrEnum):
    """Which CPUs share an instance of a queue: all, or those of a unit, each of which has its own.

    From the widest to the narrowest.
    """

    GLOBAL = "global"
    NODE = "per node"
    LLC = "per llc"
    CPU = "per cpu"


class Steal(StrEnum):
    """From which other instances a CPU takes that finds nothing: its node's, or any."""

    NODE = "steal node"
    ANY = "steal"


class RungKind(StrEnum):
    """`CORE` and `CPU` look for an idle CPU somewhere, `CORE` only where the whole core is idle."""

    PREV = "prev"
    WAKER = "waker if sync"
    CORE = "core"
    CPU = "cpu"


class Near(StrEnum):
    """Where a rung looks: around the CPU on which the task last ran, or everywhere."""

    LLC = "llc"
    NODE = "node"
    ANY = "any"


class Builtin(StrEnum):
    """Sets of CPUs that the machine knows: all, and by capacity. Of equal ones all are big."""

    ALL = "all"
    BIG = "big"
    LITTLE = "little"


@final
@dataclass(frozen=True, slots=True)
class CpuSet:
    """The CPUs in `ranges`, from the first to the last of each, or those of `builtin`.

    A machine may lack some of them.
    """

    name: str
    ranges: tuple[tuple[int, int], ...]
    builtin: Builtin | None
    span: Span


@final
@dataclass(frozen=True, slots=True)
class Rung:
    """A step of a placement ladder. `within`, a number of a set or an area around the last CPU, is
    None unless `kind` is `CORE` or `CPU`.
    """

    kind: RungKind
    within: Near | int | None
    span: Span


class Frequency(StrEnum):
    """How fast a CPU is asked to be. Nothing that is proved depends on it."""

    MAX = "max"
    MIN = "min"


@final
@dataclass(frozen=True, slots=True)
class Queue:
    """`steal` None: a CPU takes from the instance that it is in alone. `placement` None: the ladder
    of the policy holds for it. `cpus` is the set that its tasks are kept to, if they can be.
    `frequency` None: turns from it ask for what the kernel does, `MAX`.
    """

    name: str
    order: Order
    slice: Expr
    span: Span
    scope: Scope = Scope.GLOBAL
    steal: Steal | None = None
    placement: tuple[Rung, ...] | None = None
    cpus: int | None = None
    frequency: Frequency | None = None

    @property
    def is_reachable(self) -> bool:
        """Whether a machine can have an instance that a CPU outside of it may steal from."""
        match self.steal:
            case None:
                return False
            case Steal.NODE:
                return self.scope in (Scope.LLC, Scope.CPU)
            case Steal.ANY:
                return self.scope is not Scope.GLOBAL
            case _:
                assert_never(self.steal)


@final
@dataclass(frozen=True, slots=True)
class Rule:
    condition: Expr
    queue: int
    span: Span


@final
@dataclass(frozen=True, slots=True)
class Route:
    """The queue of the first rule whose condition holds, else `otherwise`."""

    rules: tuple[Rule, ...]
    otherwise: int
    span: Span


@final
@dataclass(frozen=True, slots=True)
class Leaf:
    queue: int
    span: Span


@final
@dataclass(frozen=True, slots=True)
class Strict:
    children: tuple[Tree, ...]
    span: Span


@final
@dataclass(frozen=True, slots=True)
class Share:
    """A child of a weighted node. `scale`, lcm(weights) / weight, prices 1 ns of service."""

    child: Tree
    weight: int
    scale: int


@final
@dataclass(frozen=True, slots=True)
class Weighted:
    """`index` numbers the weighted nodes of a policy from 0: those of the trees with a set first,
    in each tree the outermost and leftmost.
    """

    index: int
    shares: tuple[Share, ...]
    span: Span


Tree = Leaf | Strict | Weighted


@final
@dataclass(frozen=True, slots=True)
class Serve:
    """The tree of the CPUs in set number `cpus`, or of all that have no other."""

    cpus: int | None
    tree: Tree


@final
@dataclass(frozen=True, slots=True)
class GuardAfter:
    queue: int
    delay: Expr  # duration, >= 1 ns
    span: Span


@final
@dataclass(frozen=True, slots=True)
class GuardShare:
    queue: int
    share: Expr  # percent, >= 1; the maxima of a policy's share guards sum to less than 100
    span: Span


Guard = GuardAfter | GuardShare


@final
@dataclass(frozen=True, slots=True)
class Preempt:
    """While a task of queue `by` waits that may run there, a turn of `over` lasts at most `after`.

    `earlier`: only if the waiting task's key is less than the running one's.
    """

    by: int
    over: int
    earlier: bool
    after: Expr  # duration, >= 1 us
    span: Span


class Property(StrEnum):
    STARVATION_FREE = "starvation_free"
    NO_LOST_TASK = "no_lost_task"
    BOUNDED_PREEMPTION = "bounded_preemption"
    WORK_CONSERVING = "work_conserving"
    WAIT = "wait"
    SHARE = "share"
    FAIR = "fair"


RELATIONS = {Property.WAIT: "<=", Property.SHARE: ">=", Property.FAIR: "within"}
"""What stands between a claim and its bound, for the properties that can have one."""


@final
@dataclass(frozen=True, slots=True)
class TasksAtMost:
    queue: int
    count: int
    span: Span


@final
@dataclass(frozen=True, slots=True)
class Backlogged:
    queue: int
    span: Span


@final
@dataclass(frozen=True, slots=True)
class Unrestricted:
    span: Span


@final
@dataclass(frozen=True, slots=True)
class TickAtMost:
    tick_ns: int
    span: Span


@final
@dataclass(frozen=True, slots=True)
class CpusAtMost:
    count: int
    span: Span


Condition = TasksAtMost | Backlogged | Unrestricted | TickAtMost | CpusAtMost


@final
@dataclass(frozen=True, slots=True)
class Goal:
    """A claim of the policy. `bound`: the duration of `wait`, the percent of `share`, the duration
    of `fair` unless it claims only that there is some, else None.
    """

    property: Property
    queues: tuple[int, ...]
    bound: Expr | None
    conditions: tuple[Condition, ...]
    span: Span


@final
@dataclass(frozen=True, slots=True)
class Accept:
    """The policy's own word that `queue` may starve."""

    queue: int
    reason: str
    span: Span


@final
@dataclass(frozen=True, slots=True)
class Policy:
    """A whole policy. Queue numbers everywhere are indices into `queues`.

    `documentation` is the text of the `##` lines before `policy`; `sources[0]` is the policy file.
    """

    name: str
    documentation: str
    params: tuple[Param, ...]
    states: tuple[State, ...]
    handlers: tuple[Handler, ...]
    queues: tuple[Queue, ...]
    route: Route
    serve: Tree
    guards: tuple[Guard, ...]
    placement: tuple[Rung, ...]
    goals: tuple[Goal, ...]
    accepts: tuple[Accept, ...]
    sources: Sources
    tests: tuple[Test, ...] = ()
    preemptions: tuple[Preempt, ...] = ()
    snapshots: tuple[Snapshot, ...] = ()
    cpusets: tuple[CpuSet, ...] = ()
    serves_on: tuple[Serve, ...] = ()

    @property
    def serves(self) -> tuple[Serve, ...]:
        """All trees; a CPU's is the first that it is in the set of, and all are in the last's."""
        return (*self.serves_on, Serve(None, self.serve))

    def ladder(self, queue: int) -> tuple[Rung, ...]:
        """By which rungs a task that was routed to `queue` looks for an idle CPU."""
        own = self.queues[queue].placement
        return self.placement if own is None else own

    @property
    def places(self) -> bool:
        """Whether a task can be placed on an idle CPU."""
        return any(self.ladder(queue) for queue in range(len(self.queues)))
