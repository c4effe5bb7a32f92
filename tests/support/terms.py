"""Random well-typed expressions, as text with the interval that their values lie in.

The intervals are computed here once more, so that a term that fits here must pass the compiler.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

LIMIT = 2**60
COUNT = ""
DURATION = "ns"
"""The units: what a literal of the type ends with."""


class Term(NamedTuple):
    """Its text can stand as an operand anywhere."""

    text: str
    lo: int
    hi: int


@dataclass(frozen=True)
class Names:
    """What a term may read."""

    counts: tuple[Term, ...] = ()
    durations: tuple[Term, ...] = ()
    bools: tuple[str, ...] = ()
    times: tuple[str, ...] = ()

    def of(self, unit: str) -> tuple[Term, ...]:
        return self.counts if unit == COUNT else self.durations

    def plus(self, other: Names) -> Names:
        return Names(
            self.counts + other.counts,
            self.durations + other.durations,
            self.bools + other.bools,
            self.times + other.times,
        )


ATTRIBUTES = Names(
    counts=(
        Term("weight", 1, 10_000),
        Term("nice", -20, 19),
        Term("pid", 1, 2**22),
        Term("tgid", 1, 2**22),
        Term("ppid", 0, 2**22),
        Term("uid", 0, 2**32 - 1),
        Term("gid", 0, 2**32 - 1),
    ),
    bools=(
        "kthread",
        "pinned",
        "restricted",
        "group_leader",
        'comm ~ "w*"',
        'comm ~ "hog"',
        'process ~ "*x"',
        'process ~ "*o*"',
        'comm ~ "w*k*r"',
        'process ~ "*o*x"',
        'cgroup under "/a"',
        'cgroup under "/a/b"',
    ),
)
STATISTICS = ("run_since_wake", "avg_run", "wake_gap", "waking_gap")
HABITS = Names(
    durations=tuple(Term(f"{of}{name}", 0, 10**10) for name in STATISTICS for of in ("", "waker."))
)
ABOUT = ATTRIBUTES.plus(HABITS).plus(Names(counts=(Term("group_weight", 1, 10_000),)))
"""What a policy may ask about a task, but where its own states begin."""
QUEUE = Names(counts=(Term("length", 0, 2**22), Term("cpus", 1, 8192)))
ARRIVAL = Names(bools=("woken",))
STOP_INPUTS = Names(
    durations=(Term("used", 1_000, 10**9), Term("granted", 1, 10**8)), bools=("blocked",)
)

DURATIONS_NS = st.one_of(
    st.integers(0, 20),
    st.sampled_from([1_000, 999_999, 1_000_000, 4_000_000, 20_000_000, 1_000_000_000]),
)
COUNTS = st.one_of(st.integers(0, 12), st.sampled_from([64, 100, 1_000, 1_000_000]))


def literal(value: int, unit: str) -> str:
    """A constant; the language has no negative durations, so that one is a difference."""
    if value >= 0:
        return f"{value}{unit}"
    return f"-{-value}" if unit == COUNT else f"(0{unit} - {-value}{unit})"


def fit(term: Term, lo: int, hi: int, unit: str) -> Term:
    """`term`, clamped if it may leave `lo`..`hi`."""
    if lo <= term.lo and term.hi <= hi:
        return term
    text = f"clamp({term.text}, {literal(lo, unit)}, {literal(hi, unit)})"
    return Term(text, max(lo, min(term.lo, hi)), min(hi, max(term.hi, lo)))


@st.composite
def quantities(draw: DrawFn, names: Names, unit: str, depth: int = 2) -> Term:
    """A count or a duration."""
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return draw(_leaves(names, unit))
    return draw(st.sampled_from(_OPERATIONS[unit]))(draw, names, depth - 1)


@st.composite
def _leaves(draw: DrawFn, names: Names, unit: str) -> Term:
    known = list(names.of(unit))
    if draw(st.booleans()) and known:
        return draw(st.sampled_from(known))
    value = draw(COUNTS if unit == COUNT else DURATIONS_NS)
    return Term(literal(value, unit), value, value)


def _corners(op: Callable[[int, int], int], a: Term, b: Term) -> tuple[int, int]:
    found = [op(x, y) for x in (a.lo, a.hi) for y in (b.lo, b.hi)]
    return min(found), max(found)


Operation = Callable[[DrawFn, Names, int], Term]


def _linear(unit: str) -> Operation:
    def build(draw: DrawFn, names: Names, depth: int) -> Term:
        a, b = (fit(draw(quantities(names, unit, depth)), -LIMIT, LIMIT, unit) for _ in range(2))
        if draw(st.booleans()):
            return Term(f"({a.text} + {b.text})", a.lo + b.lo, a.hi + b.hi)
        return Term(f"({a.text} - {b.text})", a.lo - b.hi, a.hi - b.lo)

    return build


def _extreme(unit: str) -> Operation:
    def build(draw: DrawFn, names: Names, depth: int) -> Term:
        a, b = (draw(quantities(names, unit, depth)) for _ in range(2))
        name, pick = draw(st.sampled_from([("min", min), ("max", max)]))
        return Term(f"{name}({a.text}, {b.text})", *_corners(pick, a, b))

    return build


def _either(unit: str) -> Operation:
    def build(draw: DrawFn, names: Names, depth: int) -> Term:
        a, b = (draw(quantities(names, unit, depth)) for _ in range(2))
        text = f"(if {draw(conditions(names, depth))} then {a.text} else {b.text})"
        return Term(text, min(a.lo, b.lo), max(a.hi, b.hi))

    return build


def _product(unit: str) -> Operation:
    def build(draw: DrawFn, names: Names, depth: int) -> Term:
        a = fit(draw(quantities(names, unit, depth)), -(2**40), 2**40, unit)
        b = fit(draw(quantities(names, COUNT, depth)), -(2**20), 2**20, COUNT)
        if draw(st.booleans()):
            return Term(f"({a.text} * {b.text})", *_corners(int.__mul__, a, b))
        return Term(f"({b.text} * {a.text})", *_corners(int.__mul__, a, b))

    return build


def _quotient(numerator: str, divisor: str) -> Operation:
    def build(draw: DrawFn, names: Names, depth: int) -> Term:
        a = fit(draw(quantities(names, numerator, depth)), 0, LIMIT, numerator)
        b = fit(draw(quantities(names, divisor, depth)), 1, LIMIT, divisor)
        return Term(f"({a.text} / {b.text})", *_corners(int.__floordiv__, a, b))

    return build


def _log2(draw: DrawFn, names: Names, depth: int) -> Term:
    a = fit(draw(quantities(names, COUNT, depth)), 0, LIMIT, COUNT)
    return Term(f"log2({a.text})", max(a.lo, 1).bit_length() - 1, max(a.hi, 1).bit_length() - 1)


def _ewma(draw: DrawFn, names: Names, depth: int) -> Term:
    a, b = (fit(draw(quantities(names, DURATION, depth)), 0, 2**40, DURATION) for _ in range(2))
    n = draw(st.integers(1, 8))
    total = (a.lo * (n - 1) + b.lo, a.hi * (n - 1) + b.hi)
    return Term(f"ewma({a.text}, {b.text}, {n})", total[0] // n, total[1] // n)


def _elapsed(draw: DrawFn, names: Names, depth: int) -> Term:
    """The difference of two points; where there are none, a duration."""
    if not names.times:
        return draw(quantities(names, DURATION, depth))
    a, b = (draw(st.sampled_from(names.times)) for _ in range(2))
    return Term(f"clamp({a} - {b}, 0ns, 1s)", 0, 10**9)


_OPERATIONS: dict[str, list[Operation]] = {
    COUNT: [
        _linear(COUNT),
        _extreme(COUNT),
        _either(COUNT),
        _product(COUNT),
        _quotient(COUNT, COUNT),
        _quotient(DURATION, DURATION),
        _log2,
    ],
    DURATION: [
        _linear(DURATION),
        _extreme(DURATION),
        _either(DURATION),
        _product(DURATION),
        _quotient(DURATION, COUNT),
        _ewma,
        _elapsed,
    ],
}


@st.composite
def conditions(draw: DrawFn, names: Names, depth: int = 2) -> str:
    """A bool, in parentheses where it is not a single word."""
    kinds = ["compare", "compare", "known", "known", "not", "logic", "points", "literal"]
    kind = draw(st.sampled_from(kinds if depth > 0 else ["compare", "known"]))
    relation = draw(st.sampled_from(["<", "<=", ">", ">=", "==", "!="]))
    if kind == "known" and names.bools:
        return f"({draw(st.sampled_from(names.bools))})"
    if kind == "points" and names.times:
        a, b = (draw(st.sampled_from(names.times)) for _ in range(2))
        return f"({a} {relation} {b})"
    if kind == "not":
        return f"(not {draw(conditions(names, depth - 1))})"
    if kind == "logic":
        a, b = (draw(conditions(names, depth - 1)) for _ in range(2))
        return f"({a} {draw(st.sampled_from(['and', 'or']))} {b})"
    if kind == "literal":
        return draw(st.sampled_from(["true", "false"]))
    unit = draw(st.sampled_from([COUNT, DURATION]))
    left, right = (draw(quantities(names, unit, max(depth - 1, 0))) for _ in range(2))
    return f"({left.text} {relation} {right.text})"
