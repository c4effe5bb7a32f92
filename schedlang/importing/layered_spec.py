"""scx_layered's layer specification: its layers as values, and the fields that there are."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, final

from schedlang.source import Span

MAX_LAYERS: Final = 16
MAX_GROUPS: Final = 32
MOST_WEIGHT: Final = 10_000
MOST_PERF: Final = 1024


class Kind(StrEnum):
    CONFINED = "Confined"
    GROUPED = "Grouped"
    OPEN = "Open"


class Match(StrEnum):
    CGROUP_PREFIX = "CgroupPrefix"
    CGROUP_SUFFIX = "CgroupSuffix"
    CGROUP_CONTAINS = "CgroupContains"
    CGROUP_REGEX = "CgroupRegex"
    COMM_PREFIX = "CommPrefix"
    COMM_PREFIX_EXCLUDE = "CommPrefixExclude"
    PCOMM_PREFIX = "PcommPrefix"
    PCOMM_PREFIX_EXCLUDE = "PcommPrefixExclude"
    NICE_ABOVE = "NiceAbove"
    NICE_BELOW = "NiceBelow"
    NICE_EQUALS = "NiceEquals"
    UID_EQUALS = "UIDEquals"
    GID_EQUALS = "GIDEquals"
    PID_EQUALS = "PIDEquals"
    PPID_EQUALS = "PPIDEquals"
    TGID_EQUALS = "TGIDEquals"
    NSPID_EQUALS = "NSPIDEquals"
    NS_EQUALS = "NSEquals"
    CMD_JOIN = "CmdJoin"
    IS_GROUP_LEADER = "IsGroupLeader"
    IS_KTHREAD = "IsKthread"
    USED_GPU_TID = "UsedGpuTid"
    USED_GPU_PID = "UsedGpuPid"
    AVG_RUNTIME = "AvgRuntime"
    HINT_EQUALS = "HintEquals"
    SYSTEM_CPU_UTIL_BELOW = "SystemCpuUtilBelow"
    DSQ_INSERT_BELOW = "DsqInsertBelow"
    NUMA_NODE = "NumaNode"


class Shape(StrEnum):
    """What a value has to be, in words."""

    TEXT = "a text in quotes"
    FLAG = "`true` or `false`"
    WHOLE = "a whole number"
    NUMBER = "a number"
    PAIR = "two numbers: `[1, 4]`"
    NUMBERS = "a list of whole numbers"


MATCH_SHAPES: Final = {
    **dict.fromkeys(Match, Shape.WHOLE),
    **dict.fromkeys(list(Match)[:8], Shape.TEXT),
    **dict.fromkeys((Match.NSPID_EQUALS, Match.AVG_RUNTIME), Shape.PAIR),
    Match.CMD_JOIN: Shape.TEXT,
    Match.IS_GROUP_LEADER: Shape.FLAG,
    Match.IS_KTHREAD: Shape.FLAG,
    Match.USED_GPU_TID: Shape.FLAG,
    Match.USED_GPU_PID: Shape.FLAG,
    Match.SYSTEM_CPU_UTIL_BELOW: Shape.NUMBER,
    Match.DSQ_INSERT_BELOW: Shape.NUMBER,
}

UNSAID: Final = {
    "yield_ignore": Shape.NUMBER,
    "preempt_first": Shape.FLAG,
    "exclusive": Shape.FLAG,
    "allow_node_aligned": Shape.FLAG,
    "disallow_open_after_us": Shape.WHOLE,
    "disallow_preempt_after_us": Shape.WHOLE,
    "xllc_mig_min_us": Shape.NUMBER,
    "idle_smt": Shape.FLAG,
    "growth_algo": Shape.TEXT,
    "util_peak_half_life_ms": Shape.NUMBER,
    "idle_resume_us": Shape.WHOLE,
    "nodes": Shape.NUMBERS,
    "llcs": Shape.NUMBERS,
    "placement": Shape.TEXT,
    "member_expire_ms": Shape.WHOLE,
    "xnuma_threshold": Shape.PAIR,
    "xnuma_threshold_delta": Shape.PAIR,
    "membw_gb": Shape.NUMBER,
    "util_includes_open_cputime": Shape.FLAG,
    "idle_confined": Shape.FLAG,
    "protected": Shape.FLAG,
    "util_range": Shape.PAIR,
    "cpus_range_frac": Shape.PAIR,
}
"""Fields that no policy says, and what they have to be."""


@final
@dataclass(frozen=True, slots=True)
class Condition:
    """`text`, `numbers` and `flag` are what the kind of match has: one of them."""

    kind: Match
    where: str
    span: Span
    text: str = ""
    numbers: tuple[int, ...] = ()
    flag: bool = False


@final
@dataclass(frozen=True, slots=True)
class Field:
    """A field that the policy does not say. `known`: scx_layered has it."""

    name: str
    where: str
    span: Span
    known: bool


@final
@dataclass(frozen=True, slots=True)
class CpusRange:
    """How many CPUs the layer owns, from `least` to `most`."""

    least: int
    most: int
    where: str
    span: Span


@final
@dataclass(frozen=True, slots=True)
class Common:
    """Times in us and weight: 0 is the default."""

    slice_us: int
    min_exec_us: int
    weight: int
    perf: int
    fifo: bool
    preempt: bool
    prev_over_idle_core: bool
    skip_remote_node: bool


@final
@dataclass(frozen=True, slots=True)
class Layer:
    """`groups` are alternatives, each of conditions that all hold."""

    name: str
    comment: str
    where: str
    span: Span
    groups: tuple[tuple[Condition, ...], ...]
    kind: Kind
    common: Common
    cpus: CpusRange | None
    unsaid: tuple[Field, ...]
