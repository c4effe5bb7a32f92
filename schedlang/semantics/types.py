"""Type names."""

from __future__ import annotations

from schedlang.diagnostics.suggest import did_you_mean
from schedlang.ir.nodes import Type
from schedlang.semantics.scope import Findings, spelling
from schedlang.syntax import ast


def read_type(name: ast.Ident, allowed: tuple[Type, ...], findings: Findings) -> Type | None:
    """The type called `name`, if it is one of `allowed`."""
    if name.name in allowed:
        return Type(name.name)
    choice = ", ".join(f"`{type_}`" for type_ in allowed)
    known = name.name in tuple(Type)
    message = f"a {name.name} cannot stand here" if known else f"there is no type `{name.name}`"
    repairs = spelling(did_you_mean(name.name, allowed), name.span)
    code = "E0203" if known else "E0201"
    findings.add(code, message, name.span, notes=(f"the types here are {choice}",), repairs=repairs)
    return None
