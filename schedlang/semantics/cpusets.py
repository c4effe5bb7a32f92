"""Sets of CPUs by name: those that a policy declares, and `all`, `big` and `little`."""

from __future__ import annotations

from typing import Final, final

from schedlang.diagnostics.suggest import did_you_mean
from schedlang.ir import nodes as ir
from schedlang.semantics.scope import Findings, spelling
from schedlang.source import Span
from schedlang.syntax import ast

_TAKEN: Final = frozenset(ir.Near)


@final
class CpuSets:
    """The sets of a policy by number; one of the language's own gets its number when it is used."""

    def __init__(self, trees: tuple[ast.CpuSet, ...], findings: Findings) -> None:
        self._findings = findings
        self._found: list[ir.CpuSet] = []
        for tree in trees:
            if tree.name.name in _TAKEN:
                message = f"`{tree.name.name}` has a meaning of its own after `in`"
                findings.add("E0202", message, tree.name.span)
            ranges = tuple(self._range(cpus) for cpus in tree.cpus)
            self._found.append(ir.CpuSet(tree.name.name, ranges, None, tree.span))

    @property
    def all(self) -> tuple[ir.CpuSet, ...]:
        return tuple(self._found)

    def index(self, name: ast.Ident) -> int | None:
        names = [found.name for found in self._found]
        if name.name in names:
            return names.index(name.name)
        if name.name in set(ir.Builtin):
            self._found.append(ir.CpuSet(name.name, (), ir.Builtin(name.name), name.span))
            return len(names)
        repairs = spelling(did_you_mean(name.name, (*names, *ir.Builtin)), name.span)
        message = f"there is no set of CPUs `{name.name}`"
        self._findings.add("E0201", message, name.span, repairs=repairs)
        return None

    def _range(self, cpus: ast.Cpus) -> tuple[int, int]:
        first, last = cpus.first.value, cpus.last.value
        if first > last:
            self._complain("the range runs backwards", cpus.span)
        if last > ir.MAX_CPU:
            self._complain(f"CPUs are numbered from 0 to {ir.MAX_CPU}", cpus.last.span)
        return first, last

    def _complain(self, message: str, span: Span) -> None:
        self._findings.add("E0222", message, span)
