"""Modules: what one file declares for others to use, and what it uses of others.

Below the names of an expression (`scope`). A policy and each of its libraries is a module; a
declaration is always read in the module of the file in which it stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar, final

from schedlang.ir import nodes as ir
from schedlang.syntax import ast

Shared = ast.Function | ast.Order | ast.TreeTemplate | ast.Ladder
"""What a library can offer, besides constants."""

S = TypeVar("S", bound=Shared)


@final
@dataclass(frozen=True, slots=True)
class Definition(Generic[S]):
    """A declaration, and the module in which it is read."""

    tree: S
    module: Module


@final
@dataclass(frozen=True, slots=True, eq=False)
class Module:
    """What may be named in one file, besides what each place adds.

    `params` are a policy's own. `constants` are the params of libraries, whose values are known.
    """

    params: Mapping[str, int] = field(default_factory=dict)
    constants: Mapping[str, ir.Const] = field(default_factory=dict)
    own: Mapping[str, Shared] = field(default_factory=dict)
    used: Mapping[str, Definition[Shared]] = field(default_factory=dict)

    def find(self, name: str, kind: type[S]) -> Definition[S] | None:
        """The declaration of that name, if it is of that kind."""
        tree = self.own.get(name)
        if isinstance(tree, kind):
            return Definition(tree, self)
        used = self.used.get(name)
        if used is not None and isinstance(used.tree, kind):
            return Definition(used.tree, used.module)
        return None

    def names(self, kind: type[S]) -> frozenset[str]:
        own = {name for name, tree in self.own.items() if isinstance(tree, kind)}
        return frozenset(own | {n for n, used in self.used.items() if isinstance(used.tree, kind)})


def own_declarations(tree: ast.File) -> dict[str, Shared]:
    """The declarations of a file that others could use, or itself."""
    return {decl.name.name: decl for decl in tree.decls if isinstance(decl, Shared)}
