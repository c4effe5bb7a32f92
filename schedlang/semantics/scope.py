"""What a name means where it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import final

from schedlang.diagnostics.model import Diagnostic, Edit, Label, Repair
from schedlang.diagnostics.suggest import did_you_mean
from schedlang.ir import nodes as ir
from schedlang.semantics.module import Definition, Module
from schedlang.semantics.remembered import STATISTICS, Remembered
from schedlang.source import Span
from schedlang.syntax import ast

FUNCTIONS = {"min": 2, "max": 2, "clamp": 3, "log2": 1, "ewma": 3}
"""The language's own functions and how many arguments each takes (`min`, `max`: at least)."""

RESERVED = [
    "fifo",
    "cgroup",
    "waker",
    "all",
    "big",
    "little",
]
BUILTINS = frozenset(
    (*FUNCTIONS, *ir.Attribute, *STATISTICS, *ir.Name, *ir.Input, *ir.Type, *RESERVED)
)
"""Names that no policy may declare: those that mean something now, or will."""

MAX_NODES = 20_000
MAX_DEPTH = 150


@final
@dataclass(slots=True)
class Findings:
    """The diagnostics of one lowering, and how many expression nodes it has made.

    `broken` are the names whose own declaration was reported; their uses are not reported as well.
    `sites` are the places, outermost first, that led into the library file that is being read.
    """

    items: list[Diagnostic] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    sites: list[Span] = field(default_factory=list)
    nodes: int = 0
    depth: int = 0

    @contextmanager
    def deeper(self) -> Iterator[bool]:
        """One more node, one level further down; tells whether that is within the limits."""
        self.nodes += 1
        self.depth += 1
        yield self.nodes <= MAX_NODES and self.depth <= MAX_DEPTH
        self.depth -= 1

    @contextmanager
    def used_at(self, site: Span) -> Iterator[None]:
        """What is found in another file than that of `site` is said to be used there."""
        self.sites.append(site)
        yield
        self.sites.pop()

    def takes(self, nodes: int, depth: int) -> bool:
        """Whether a subtree of that size fits in here; it is counted."""
        self.nodes += nodes
        return self.nodes <= MAX_NODES and self.depth + depth <= MAX_DEPTH

    def add(
        self,
        code: str,
        message: str,
        span: Span,
        label: str = "",
        *,
        secondary: tuple[Label, ...] = (),
        notes: tuple[str, ...] = (),
        repairs: tuple[Repair, ...] = (),
    ) -> None:
        self.take((Diagnostic(code, message, Label(span, label), secondary, notes, repairs),))

    def take(self, found: tuple[Diagnostic, ...]) -> None:
        """Findings, each once, with the place that led to the file of theirs."""
        for finding in found:
            primary, labels = finding.primary, finding.secondary
            if self.sites and primary is not None and self.sites[0].file != primary.span.file:
                labels = (*labels, Label(self.sites[0], "used here"))
            told = replace(finding, secondary=labels)
            if told not in self.items:
                self.items.append(told)


@final
@dataclass(frozen=True, slots=True)
class Scope:
    """Everything an expression may use at one place.

    `place` names it for the reader ("a route rule"). `local` are a function's or an order's
    arguments, already lowered; `calls` the functions being inlined, outermost first. What comes
    from another file knows the states of neither `task` nor the order from which it is called.
    Without `remembered` no statistics are there, nor what wakers had.
    """

    place: str
    params: tuple[ir.Param, ...]
    module: Module
    findings: Findings
    inputs: frozenset[ir.Input] = frozenset()
    attributes: bool = False
    task_states: Mapping[str, tuple[int, ir.State]] = field(default_factory=dict)
    order_states: Mapping[str, tuple[int, ir.State]] = field(default_factory=dict)
    local: Mapping[str, ir.Expr] = field(default_factory=dict)
    calls: tuple[ast.Function, ...] = ()
    remembered: Remembered | None = None

    @property
    def habits(self) -> Remembered | None:
        """Where a task's statistics and its wakers' states are found, if they mean something."""
        return self.remembered if self.attributes else None

    def of_module(self, module: Module) -> Scope:
        """The scope of a declaration that is read in `module`."""
        if module is self.module:
            return self
        return replace(self, module=module, task_states={}, order_states={})

    def inside(self, function: Definition[ast.Function], arguments: Mapping[str, ir.Expr]) -> Scope:
        calls = (*self.calls, function.tree)
        return replace(self.of_module(function.module), local=arguments, calls=calls)

    def candidates(self) -> frozenset[str]:
        """All names that would mean something here."""
        attributes = (*ir.Attribute, *ir.Name) if self.attributes else ()
        attributes += STATISTICS if self.habits is not None else ()
        own = (*self.task_states, *self.order_states, *self.local)
        module = self.module
        declared = (*module.params, *module.constants, *module.names(ast.Function))
        return frozenset((*own, *declared, *FUNCTIONS, *attributes, *self.inputs))

    def unknown(self, name: str, span: Span) -> None:
        if name in self.findings.broken:
            return
        near = did_you_mean(name, self.candidates())
        self.findings.add(
            "E0201", f"`{name}` is not known here", span, repairs=spelling(near, span)
        )


def spelling(near: str | None, span: Span) -> tuple[Repair, ...]:
    """The repair that puts `near` in the place of a misspelt name."""
    return (Repair(f"did you mean `{near}`?", (Edit(span, near),)),) if near else ()
