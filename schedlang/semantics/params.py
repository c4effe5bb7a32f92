"""Params of a policy, and the constants of a library, which are written alike."""

from __future__ import annotations

from typing import Final

from schedlang.ir import nodes as ir
from schedlang.ir.nodes import Type
from schedlang.semantics.expressions import lower_constant
from schedlang.semantics.members import lower_range
from schedlang.semantics.scope import Scope
from schedlang.semantics.types import read_type
from schedlang.syntax import ast

TYPES: Final = (Type.BOOL, Type.COUNT, Type.DURATION, Type.SHARE)


def lower_param(tree: ast.Param, scope: Scope) -> ir.Param | None:
    value = lower_default(tree, scope)
    if value is None:
        return None
    type_, default = value
    name = tree.name.name
    if tree.range is None:
        return ir.Param(name, type_, default, default, default, False, tree.span)
    bounds = lower_range(tree.range, type_, scope)
    if bounds is None:
        return None
    if not bounds.lo <= default <= bounds.hi:
        scope.findings.add("E0222", f"the default of `{name}` lies outside its range", tree.span)
        return None
    return ir.Param(name, type_, default, bounds.lo, bounds.hi, True, tree.span)


def lower_default(tree: ast.Param, scope: Scope) -> tuple[Type, int] | None:
    """Its type and the value that is written."""
    type_ = read_type(tree.type, TYPES, scope.findings)
    default = None if type_ is None else lower_constant(tree.default, type_, scope)
    return None if type_ is None or default is None else (type_, default)
