"""Library modules: `use std.orders.{vruntime}` reads `stdlib/orders.sched`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import final

from schedlang.diagnostics.model import Label
from schedlang.diagnostics.suggest import did_you_mean
from schedlang.resources import data_root
from schedlang.semantics.scope import Findings, Module, Template, spelling
from schedlang.source import Source, Sources
from schedlang.syntax import ast
from schedlang.syntax.parse import parse

_SAFE = re.compile(r"[a-z][a-z0-9_]*")


@final
@dataclass(frozen=True, slots=True)
class Libraries:
    """The orders that `use` brings in, and all texts that spans refer to, the policy's first."""

    orders: dict[str, tuple[Template, ast.Ident]]
    sources: Sources


def load_libraries(uses: tuple[ast.Use, ...], policy: Source, findings: Findings) -> Libraries:
    """Read every module that is used, once each, in the order of first use."""
    loaded: dict[str, dict[str, Template]] = {}
    sources = [policy]
    orders: dict[str, tuple[Template, ast.Ident]] = {}
    for use in uses:
        name = ".".join(part.name for part in use.path)
        if name not in loaded:
            source = _read(use, findings)
            loaded[name] = {} if source is None else _templates(source, len(sources), findings)
            sources += [] if source is None else [source]
        for wanted in use.names:
            _bring(wanted, name, loaded[name], orders, findings)
    return Libraries(orders, tuple(sources))


def _bring(
    wanted: ast.Ident,
    library: str,
    templates: dict[str, Template],
    orders: dict[str, tuple[Template, ast.Ident]],
    findings: Findings,
) -> None:
    if wanted.name in orders:
        message = f"`{wanted.name}` is used twice"
        first = Label(orders[wanted.name][1].span, "first used here")
        findings.add("E0202", message, wanted.span, secondary=(first,))
    elif wanted.name in templates:
        orders[wanted.name] = (templates[wanted.name], wanted)
    elif templates:
        near = spelling(did_you_mean(wanted.name, templates), wanted.span)
        message = f"`{library}` has no order `{wanted.name}`"
        findings.add("E0201", message, wanted.span, repairs=near)


def _read(use: ast.Use, findings: Findings) -> Source | None:
    folder, *rest = (part.name for part in use.path)
    available = sorted(path.stem for path in data_root("stdlib").glob("*.sched"))
    if folder == "std" and len(rest) == 1 and rest[0] in available and _SAFE.fullmatch(rest[0]):
        path = data_root("stdlib") / f"{rest[0]}.sched"
        return Source(f"std/{rest[0]}.sched", path.read_text(encoding="utf-8"))
    name = ".".join((folder, *rest))
    known = tuple(f"std.{module}" for module in available)
    span = use.path[0].span.to(use.path[-1].span)
    repairs = spelling(did_you_mean(name, known), span)
    findings.add("E0220", f"there is no library `{name}`", span, repairs=repairs)
    return None


def _templates(source: Source, file: int, findings: Findings) -> dict[str, Template]:
    tree, problems = parse(source, file)
    findings.items.extend(problems)
    if tree is None:
        return {}
    functions = {d.name.name: d for d in tree.decls if isinstance(d, ast.Function)}
    module = Module(functions=functions)
    return {d.name.name: Template(d, module) for d in tree.decls if isinstance(d, ast.Order)}
