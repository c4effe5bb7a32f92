"""docs/stdlib.md, made of the libraries' own words and of the policies that prove their promises.

`python -m tests.support.stdlib_page > docs/stdlib.md` writes it anew.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from schedlang.semantics.module import Shared
from schedlang.source import Source
from schedlang.syntax import ast, spell
from schedlang.syntax.parse import parse

ROOT = Path(__file__).parents[2]
LIBRARIES = tuple(
    ROOT / f"stdlib/{name}.sched" for name in ("orders", "trees", "ladders", "classes")
)
POLICIES = ROOT / "tests/stdlib/policies"
_HEAD = """\
# The standard library

Generated from the files (`stdlib/`); do not edit. All of it is written in the language: read it, or
copy it and change it. What is said to be proved holds for all values of the params in the policy
that proves it, and the tests prove it with each change.
"""


def page() -> str:
    return "\n".join((_HEAD, *(line for path in LIBRARIES for line in _library(path))))


def tree_of(path: Path) -> ast.File:
    tree, findings = parse(Source(path.name, path.read_text()))
    assert tree is not None, findings
    return tree


def _library(path: Path) -> Iterator[str]:
    text = path.read_text()
    tree = tree_of(path)
    assert tree.header is not None
    yield f"## `std.{path.stem}`\n"
    yield _words_above(text, tree.header.span.start)
    for decl in tree.decls:
        if isinstance(decl, Shared):
            yield f"### `{_signature(decl)}`\n"
            yield _words_above(text, decl.span.start)
            yield from _proofs(decl.name.name)


def _words_above(text: str, at: int) -> str:
    """The `##` lines right above a place."""
    words: list[str] = []
    for line in reversed(text[:at].splitlines()):
        if not line.startswith("##"):
            break
        words.insert(0, line[2:].strip())
    assert words, text[at : at + 40]
    return "\n".join(words) + "\n"


def _signature(decl: Shared) -> str:
    name = decl.name.name
    match decl:
        case ast.TreeTemplate(formals=formals):
            return f"{name}({spell.names(formals)})"
        case ast.Ladder():
            return name
        case ast.Order(formals=order_formals):
            return f"{name}({spell.formals(order_formals)})"
        case ast.Function(formals=formals_):
            return f"{name}({spell.formals(formals_)})"


def _proofs(name: str) -> Iterator[str]:
    """What the policies claim that are called after the declaration."""
    for path in sorted(POLICIES.glob("*.sched")):
        tree = tree_of(path)
        goals = [goal for d in tree.decls if isinstance(d, ast.Guarantee) for goal in d.goals]
        if path.stem in (name, f"{name}_fair"):
            ranges = [param for param in tree.decls if isinstance(param, ast.Param) and param.range]
            values = ", ".join(f"{p.name.name} {spell.bounds(p.range)}" for p in ranges if p.range)
            text = path.read_text()
            said = (" ".join(text[g.span.start : g.span.end].split()) for g in goals)
            claims = ", ".join(f"`{claim}`" for claim in said)
            link = f"../{path.relative_to(ROOT).as_posix()}"
            yield f"[Proved]({link}) for all of {values}: {claims}.\n"


if __name__ == "__main__":
    sys.stdout.write(page())
