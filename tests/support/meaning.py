"""What expressions mean, by docs/language.md alone: a walk over the syntax tree.

With tests/support/simulator.py it stands apart from the compiler: both take the syntax tree and
nothing else, which tests/packaging/test_layers.py checks. Ratios are fractions until the end.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import Protocol

from schedlang.syntax import ast

Values = Mapping[str, int]
"""What names stand for. A bool is 0 or 1, a point a number of nanoseconds."""

Functions = dict[str, tuple[ast.Function, "Functions"]]
"""The functions that one file can name, each with those that its own file can name.

A constant of a library is a function without arguments.
"""

HOLDS = {"<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (0, 1), "==": (0,), "!=": (-1, 1)}


class Described(Protocol):
    """What a task is by itself. `affinity` None: it may run on every CPU."""

    @property
    def comm(self) -> str: ...
    @property
    def process(self) -> str: ...
    @property
    def nice(self) -> int: ...
    @property
    def weight(self) -> int: ...
    @property
    def cgroup(self) -> str: ...
    @property
    def kthread(self) -> bool: ...
    @property
    def affinity(self) -> frozenset[int] | None: ...
    @property
    def pid(self) -> int: ...
    @property
    def tgid(self) -> int: ...
    @property
    def ppid(self) -> int: ...
    @property
    def uid(self) -> int: ...
    @property
    def gid(self) -> int: ...


def attributes(task: Described) -> dict[str, int]:
    """A set of CPUs is told only of a task that may not run on all."""
    return {
        "nice": task.nice,
        "weight": task.weight,
        "kthread": int(task.kthread),
        "pinned": int(task.affinity is not None and len(task.affinity) == 1),
        "restricted": int(task.affinity is not None),
        "group_leader": int(task.pid == task.tgid),
        "pid": task.pid,
        "tgid": task.tgid,
        "ppid": task.ppid,
        "uid": task.uid,
        "gid": task.gid,
    }


@dataclass(frozen=True)
class Reader:
    """Reads expressions of one file, whose functions it knows, about `task`, if they are."""

    functions: Functions
    task: Described | None = None

    def value(self, e: ast.Expr, names: Values) -> int:
        if isinstance(e, ast.Integer | ast.Percent):
            return e.value
        if isinstance(e, ast.Boolean):
            return int(e.value)
        if isinstance(e, ast.Duration):
            return e.count * {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9}[e.unit]
        if isinstance(e, ast.NameUse):
            return names[e.name] if e.name in names else self.call(e.name, [], names)
        if isinstance(e, ast.WakerOf):
            return names[f"waker.{e.name.name}"]
        if isinstance(e, ast.Negated):
            return 1 - self.value(e.operand, names)
        if isinstance(e, ast.IfThenElse):
            return self.value(e.then if self.value(e.condition, names) else e.orelse, names)
        if isinstance(e, ast.Call):
            return self.call(e.function.name, [self.value(a, names) for a in e.arguments], names)
        if isinstance(e, ast.Binary):
            return combine(e.operator, self.value(e.left, names), self.value(e.right, names))
        if isinstance(e, ast.Match):
            return int(self.matches(e))
        return int(self.is_under(e.path.value))

    def call(self, name: str, given: list[int], names: Values) -> int:
        if name == "min":
            return min(given)
        if name == "max":
            return max(given)
        if name == "clamp":
            x, lo, hi = given
            return min(max(x, lo), hi)
        if name == "log2":
            return sum(1 for k in range(1, 64) if 2**k <= given[0])
        if name == "ewma":
            old, sample, n = given
            return math.trunc(old + Fraction(sample - old, n))
        function, home = self.functions[name]
        formals = {f.name.name: x for f, x in zip(function.formals, given, strict=True)}
        return Reader(home, self.task).value(function.body, {**names, **formals})

    def matches(self, e: ast.Match) -> bool:
        """A `*` stands for anything; every other character for itself."""
        assert self.task is not None
        pattern = "".join(f"[{c}]" if c in "?[" else c for c in e.pattern.value)
        name = self.task.comm if e.name.name == "comm" else self.task.process
        return fnmatchcase(name, pattern)

    def is_under(self, path: str) -> bool:
        assert self.task is not None
        wanted = path.split("/")
        return self.task.cgroup.split("/")[: len(wanted)] == wanted


def combine(operator: str, x: int, y: int) -> int:
    if operator in HOLDS:
        return int((x > y) - (x < y) in HOLDS[operator])
    results: dict[str, int | Fraction] = {
        "+": x + y,
        "-": x - y,
        "*": x * y,
        "/": Fraction(x, y) if y else 0,
        "and": x * y,
        "or": x + y - x * y,
    }
    return math.trunc(results[operator])
