"""Library modules: `use std.orders.{vruntime}` brings a name of `stdlib/orders.sched` into a file.

A library is read once, when it is first used; where its text comes from is the caller's affair
(`Shelf`). What is wrong with a library is told with its own places.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol, final

from schedlang.diagnostics.model import Diagnostic, Label
from schedlang.diagnostics.suggest import did_you_mean
from schedlang.ir import nodes as ir
from schedlang.semantics.declarations import check_names
from schedlang.semantics.expressions import constant
from schedlang.semantics.module import Definition, Module, Shared, own_declarations
from schedlang.semantics.params import lower_default
from schedlang.semantics.scope import BUILTINS, Findings, Scope, spelling
from schedlang.source import Source, Sources, Span
from schedlang.syntax import ast
from schedlang.syntax.parse import parse

Path = tuple[str, ...]
"""`std.orders` as (std, orders)."""


class Shelf(Protocol):
    """Where the texts of libraries come from."""

    def find(self, path: Path) -> Source | Diagnostic | None:
        """The text of a library, why it cannot be read, or None if there is no such library."""

    def near(self, path: Path) -> tuple[Path, ...]:
        """The libraries that may have been meant instead."""

    def places(self, path: Path) -> tuple[str, ...]:
        """The files that would have been it."""


@final
@dataclass(frozen=True, slots=True)
class Brought:
    """What the `use` declarations of one file bring in, by name."""

    definitions: Mapping[str, Definition[Shared]] = field(default_factory=dict)
    constants: Mapping[str, ir.Const] = field(default_factory=dict)


@final
@dataclass(frozen=True, slots=True)
class _Library:
    """`constants` are its own, not those that it uses: what is used is not offered again."""

    module: Module = field(default_factory=Module)
    constants: Mapping[str, ir.Const] = field(default_factory=dict)

    @property
    def offered(self) -> frozenset[str]:
        return frozenset((*self.module.own, *self.constants))


@final
class Reader:
    """The libraries of one policy, as they are read; `sources` begins with the policy's text."""

    def __init__(self, policy: Source, shelf: Shelf, findings: Findings) -> None:
        self._shelf = shelf
        self._findings = findings
        self._sources = [policy]
        self._libraries: dict[Path, _Library | None] = {}
        self._chain: list[Path] = []

    @property
    def sources(self) -> Sources:
        """All texts that spans refer to."""
        return tuple(self._sources)

    def bring(self, uses: tuple[ast.Use, ...]) -> Brought:
        definitions: dict[str, Definition[Shared]] = {}
        constants: dict[str, ir.Const] = {}
        for use in uses:
            path = tuple(part.name for part in use.path)
            library = self._library(path, use)
            for wanted in use.names:
                name = wanted.name
                if name in BUILTINS:
                    message = f"`{name}` is a word of the language and needs no `use`"
                    self._findings.add("E0201", message, wanted.span)
                elif library is None:
                    self._findings.broken.add(name)
                elif name in library.constants:
                    constants[name] = library.constants[name]
                elif name in library.module.own:
                    definitions[name] = Definition(library.module.own[name], library.module)
                else:
                    self._tell_missing(wanted, ".".join(path), library)
        return Brought(definitions, constants)

    def _tell_missing(self, wanted: ast.Ident, library: str, found: _Library) -> None:
        self._findings.broken.add(wanted.name)
        near = spelling(did_you_mean(wanted.name, found.offered), wanted.span)
        message = f"`{library}` has no `{wanted.name}`"
        offered = ", ".join(f"`{name}`" for name in sorted(found.offered)) or "nothing"
        notes = (f"it has {offered}",)
        self._findings.add("E0201", message, wanted.span, notes=notes, repairs=near)

    # --- one library

    def _library(self, path: Path, use: ast.Use) -> _Library | None:
        """The library `path`. None if it cannot be used, which has been said."""
        span = use.path[0].span.to(use.path[-1].span)
        if path in self._chain:
            names = [".".join(p) for p in (*self._chain[self._chain.index(path) :], path)]
            message = f"library `{names[0]}` uses itself: {' -> '.join(names)}"
            self._findings.add("E0231", message, span)
            return None
        if path not in self._libraries:
            source = self._read(path, span)
            self._chain.append(path)
            with self._findings.used_at(span):
                self._libraries[path] = source and self._load(source, path)
            self._chain.pop()
        return self._libraries[path]

    def _read(self, path: Path, span: Span) -> Source | None:
        found = self._shelf.find(path)
        if isinstance(found, Source):
            return found
        if found is not None:
            self._findings.items.append(replace(found, primary=Label(span)))
            return None
        name, known = ".".join(path), map(".".join, self._shelf.near(path))
        repairs = spelling(did_you_mean(name, tuple(known)), span)
        notes = tuple(f"there is no `{place}`" for place in self._shelf.places(path))
        self._findings.add(
            "E0220", f"there is no library `{name}`", span, "", notes=notes, repairs=repairs
        )
        return None

    def _load(self, source: Source, path: Path) -> _Library | None:
        file = len(self._sources)
        self._sources.append(source)
        tree, problems = parse(source, file)
        self._findings.take(problems)
        if tree is None:
            return None
        start = Span(0, min(1, len(source.text)), file)
        _check_library(tree, path, start, self._findings)
        check_names(tree, self._findings)
        brought = self.bring(tuple(d for d in tree.decls if isinstance(d, ast.Use)))
        constants = _constants(tree, self._findings)
        known = {**brought.constants, **constants}
        module = Module({}, known, own_declarations(tree), brought.definitions)
        return _Library(module, constants)


def _check_library(tree: ast.File, path: Path, start: Span, findings: Findings) -> None:
    header, name = tree.header, path[-1]
    kind = ast.FileKind.LIBRARY
    if header is None or header.kind is not kind or header.name.name != name:
        span = start if header is None else header.span
        note = f"write `library {name}` at its beginning"
        findings.add("E0230", f"this file is not the library `{name}`", span, notes=(note,))
    for decl in tree.decls:
        if not isinstance(decl, ast.Use | ast.Param | Shared):
            note = "it may have constants, functions, orders, trees and ladders"
            findings.add("E0230", "a library cannot have this", decl.span, notes=(note,))
        elif isinstance(decl, ast.Param) and decl.range is not None:
            note = "let the policy have the param, and hand it to the order as an argument"
            message = "a param of a library is a constant: it has no range"
            findings.add("E0230", message, decl.range.span, notes=(note,))


def _constants(tree: ast.File, findings: Findings) -> dict[str, ir.Const]:
    scope = Scope("a param", (), Module(own=own_declarations(tree)), findings)
    constants = {}
    for decl in tree.decls:
        if isinstance(decl, ast.Param):
            name, value = decl.name.name, lower_default(decl, scope)
            if value is None:
                findings.broken.add(name)
            else:
                constants[name] = constant(*value, decl.span)
    return constants
