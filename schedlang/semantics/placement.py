"""Placement ladders: where a woken task looks for an idle CPU."""

from __future__ import annotations

from schedlang.diagnostics.model import Label
from schedlang.ir import nodes as ir
from schedlang.semantics.cpusets import CpuSets
from schedlang.semantics.module import Module
from schedlang.semantics.scope import Findings
from schedlang.semantics.templates import expand_ladder
from schedlang.syntax import ast


def lower_ladder(
    tree: ast.Place | ast.PlaceBy, module: Module, sets: CpuSets, findings: Findings
) -> tuple[ir.Rung, ...]:
    """The rungs of the ladder, each once."""
    first: dict[tuple[ir.RungKind, ir.Near | int | None], ir.Rung] = {}
    for item in expand_ladder(tree, module, findings):
        within = _within(item, sets)
        if item.within is not None and within is None:
            continue
        rung = ir.Rung(item.kind, within, item.span)
        said = (rung.kind, rung.within)
        if said in first:
            label = Label(first[said].span, "the first is here")
            message = "the second time finds nothing that the first has not found"
            findings.add("E0210", message, item.span, secondary=(label,))
        first.setdefault(said, rung)
    return tuple(first.values())


def _within(item: ast.Rung, sets: CpuSets) -> ir.Near | int | None:
    if item.within is None:
        return None
    name = item.within.name
    return ir.Near(name) if name in set(ir.Near) else sets.index(item.within)
