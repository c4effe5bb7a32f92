"""Patterns on names and cgroup paths: the only texts of the language, and nothing but data."""

from __future__ import annotations

import re

from schedlang.diagnostics.suggest import did_you_mean
from schedlang.ir import nodes as ir
from schedlang.ir.nodes import PatternKind, Type
from schedlang.semantics.scope import Scope, spelling
from schedlang.syntax import ast

MAX_NAME = 15
MAX_PATH = 255


def lower_pattern(expr: ast.Match, scope: Scope) -> ir.Expr | None:
    subject = expr.name.name
    if subject not in tuple(ir.Name):
        near = spelling(did_you_mean(subject, ir.Name), expr.name.span)
        message = f"`{subject}` is not a name that patterns are matched against"
        notes = ("`comm` is the thread's name, `process` that of its process",)
        scope.findings.add("E0201", message, expr.name.span, notes=notes, repairs=near)
        return None
    kind, text = _shape(expr.pattern.value)
    problem = _problem(text)
    if problem:
        scope.findings.add("E0218", problem, expr.pattern.span)
        return None
    return ir.Match(Type.BOOL, ir.BOOL_RANGE, expr.span, ir.Name(subject), kind, text)


def _shape(pattern: str) -> tuple[PatternKind, str]:
    pattern = re.sub(r"\*+", "*", pattern)
    starts, ends = pattern.startswith("*"), pattern.endswith("*") and len(pattern) > 1
    text = pattern[1 if starts else 0 : -1 if ends else None]
    if "*" in text:
        return PatternKind.GLOB, pattern
    if starts and ends:
        return PatternKind.CONTAINS, text
    if starts:
        return PatternKind.SUFFIX, text
    return (PatternKind.PREFIX if ends else PatternKind.EXACT), text


def _problem(text: str) -> str | None:
    if not text:
        return "the pattern matches every name, or none"
    characters = len(text.replace("*", ""))
    if characters > MAX_NAME:
        return f"the kernel keeps {MAX_NAME} characters of a name; this pattern has {characters}"
    if not (text.isascii() and text.isprintable()):
        return "a pattern holds printable ASCII characters only"
    return None


def lower_path(expr: ast.Under, scope: Scope) -> ir.Expr | None:
    path = expr.path.value
    if not path.startswith("/") or len(path) > MAX_PATH or not path.isascii():
        problem = f"a cgroup path starts with `/` and has at most {MAX_PATH} ASCII characters"
    elif not path.isprintable() or any(part in ("", ".", "..") for part in path[1:].split("/")):
        problem = "write the path as under the cgroup mount, such as `/batch.slice`"
    else:
        return ir.CgroupUnder(Type.BOOL, ir.BOOL_RANGE, expr.span, path)
    scope.findings.add("E0218", problem, expr.path.span)
    return None
