"""Placement ladders: where a woken task looks for an idle CPU."""

from __future__ import annotations

from schedlang.diagnostics.model import Label
from schedlang.ir import nodes as ir
from schedlang.semantics.module import Module
from schedlang.semantics.scope import Findings
from schedlang.semantics.templates import expand_ladder
from schedlang.syntax import ast


def lower_ladder(
    tree: ast.Place | ast.PlaceBy, module: Module, findings: Findings
) -> tuple[ir.Rung, ...]:
    """The rungs of the ladder, each once."""
    first: dict[tuple[ir.RungKind, ir.Near | None], ir.Rung] = {}
    for item in expand_ladder(tree, module, findings):
        rung = ir.Rung(item.kind, ir.Near(item.within.name) if item.within else None, item.span)
        said = (rung.kind, rung.within)
        if said in first:
            label = Label(first[said].span, "the first is here")
            message = "the second time finds nothing that the first has not found"
            findings.add("E0210", message, item.span, secondary=(label,))
        first.setdefault(said, rung)
    return tuple(first.values())
