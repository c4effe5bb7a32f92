"""Trees of texts: what is read, where it was written, which words may be names."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from itertools import product

import pytest
from hypothesis import given, settings

from schedlang.diagnostics.model import Diagnostic
from schedlang.source import Source, Span
from schedlang.syntax import ast
from schedlang.syntax.parse import parse
from schedlang.syntax.words import RESERVED
from tests.support.policies import policies
from tests.syntax.trees import CONTEXTUAL

AT = Span(0, 0)


def read(text: str) -> ast.File:
    tree, findings = parse(Source("p.sched", text))
    assert tree is not None, (findings, text)
    return tree


def findings(text: str) -> tuple[Diagnostic, ...]:
    return parse(Source("p.sched", text))[1]


def expression(text: str) -> ast.Expr:
    (function,) = read(f"fn f() = {text}").decls
    assert isinstance(function, ast.Function)
    return function.body


def name(text: str) -> ast.NameUse:
    return ast.NameUse(text, AT)


def binary(operator: str, left: ast.Expr, right: ast.Expr) -> ast.Expr:
    return ast.Binary(operator, left, right, AT)


A, B, C = name("a"), name("b"), name("c")
BINDINGS = {
    "a - b - c": binary("-", binary("-", A, B), C),
    "a - (b - c)": binary("-", A, binary("-", B, C)),
    "a + b * c": binary("+", A, binary("*", B, C)),
    "a / b * c": binary("*", binary("/", A, B), C),
    "a < b and not b == c or c": binary(
        "or",
        binary("and", binary("<", A, B), ast.Negated(binary("==", B, C), AT)),
        C,
    ),
    "if a then b else if b then c else a": ast.IfThenElse(A, B, ast.IfThenElse(B, C, A, AT), AT),
    "a - -5": binary("-", A, ast.Integer(-5, AT)),
    "a -5": binary("-", A, ast.Integer(5, AT)),
    'comm ~ "x*" or cgroup under "/a b"': binary(
        "or",
        ast.Match(ast.Ident("comm", AT), ast.Text("x*", AT), AT),
        ast.Under(ast.Text("/a b", AT), AT),
    ),
}


@pytest.mark.parametrize(("text", "tree"), BINDINGS.items())
def test_operators_bind_as_documented(text: str, tree: ast.Expr) -> None:
    assert expression(text) == tree


@pytest.mark.parametrize(
    ("text", "value_ns"),
    [("7ns", 7), ("3us", 3_000), ("20ms", 20_000_000), ("1s", 10**9), ("0ns", 0)],
)
def test_durations(text: str, value_ns: int) -> None:
    duration = expression(text)
    assert isinstance(duration, ast.Duration)
    assert duration.value_ns == value_ns


def spans(node: object) -> list[Span]:
    if isinstance(node, tuple):
        return [span for child in node for span in spans(child)]
    if isinstance(node, Span):
        return [node]
    if not is_dataclass(node):
        return []
    return [span for field in fields(node) for span in spans(getattr(node, field.name))]


@given(policies())
@settings(max_examples=30)
def test_spans_lie_in_the_text_and_begin_and_end_at_words(text: str) -> None:
    found = spans(read(text))
    assert found
    for span in found:
        excerpt = text[span.start : span.end]
        assert excerpt
        assert excerpt == excerpt.strip()


def test_spans_are_of_the_file_that_was_asked_for() -> None:
    for file in (3, 0):
        tree, _ = parse(Source("p.sched", "policy p serve q"), file)
        assert tree is not None
        assert {span.file for span in spans(tree)} == {file}


def test_trees_are_equal_wherever_they_were_written() -> None:
    assert read("serve   strict{a b}") == read("# so\nserve strict { a b }")
    assert read("serve strict { a b }") != read("serve strict { b a }")


# --- words that are names in some places


NAMED = (
    "policy {}",
    "use {0}.{0}.{{{0}, {0}}}",
    "param {0} : {0} = {0} in {0}..{0}",
    "fn {0}({0} : {0}) = {0}({0}) + {0}",
    "task {{ {0} : {0} = {0} in 1..{0}  {0} : {0} = {0}  on {0} if {0} {{ {0} = {0}  {0} = 1 }} }}",
    "order {0}({0} : {0}) {{ {0} : {0} = {0}  key {0} }}",
    "queue {0} {{ global  order {0}({0}: {0})  slice {0} }}",
    "route {{ {0} -> {0}  {0} -> {0}  else -> {0} }}",
    "serve strict {{ {0} weighted {{ {0}: 1 {0}: 2 }} {0} }}",
    "guard {0} after {0} guard {0} at least {0}",
    "guarantee {{ wait({0}) <= {0} share({0}) >= {0} when tasks({0}) <= 1 and unrestricted }}",
    "guarantee {{ share({0}) >= {0} when backlogged({0}) fair({0}, {0}) starvation_free }}",
    'accept starvation of {0} because ""',
)


@pytest.mark.parametrize(("form", "word"), list(product(NAMED, CONTEXTUAL)))
def test_words_of_one_place_are_names_elsewhere(form: str, word: str) -> None:
    assert not findings(form.format(word))


@pytest.mark.parametrize("word", sorted(RESERVED))
def test_reserved_words_are_never_names(word: str) -> None:
    for form in NAMED:
        (found,) = findings(form.format(word))
        assert found.code in ("E0101", "E0102", "E0103")


@pytest.mark.parametrize(
    "text",
    [
        "policyp",
        "queueq { }",
        "policy p guard q atleast 5%",
        "guard q after5ms",
        "serve strict{aglobal",
        "fn f() = nota b",
        "fn f() = 5msx",
        "place { prevcpu in any }",
        "fn f() = \u0665",
    ],
)
def test_words_end_where_they_end(text: str) -> None:
    assert findings(text)


@pytest.mark.parametrize("word", ["strict_", "in2", "queues", "_", "not_", "ifx", "cgroups"])
def test_names_may_begin_with_a_word(word: str) -> None:
    assert not findings(f"serve strict {{ {word} }}")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("fn f() = 4611686018427387904", None),
        ("fn f() = 4611686018427387905", "E0106"),
        ("fn f() = 4611686018s", None),
        ("fn f() = 4611686019s", "E0106"),
        ("fn f() = " + "9" * 5000, "E0106"),
        ("fn f() = " + "0" * 5000, "E0106"),
        ("fn f() = " + "9" * 5000 + "%", "E0106"),
        ("serve weighted { q: " + "9" * 30 + " }", "E0106"),
    ],
)
def test_numbers_have_a_limit(text: str, code: str | None) -> None:
    assert [found.code for found in findings(text)] == ([code] if code else [])


def chain(operator: str, count: int) -> str:
    return f"fn f() = {f' {operator} '.join(['a'] * count)}"


NESTED = {
    "groups": ("fn f() = {}a{}", "(", ")"),
    "not": ("fn f() = {}a{}", "not ", ""),
    "if": ("fn f() = {}a{}", "if a then ", " else a"),
    "else if": ("fn f() = {}a{}", "if a then a else ", ""),
    "calls": ("fn f() = {}a{}", "f(", ")"),
    "right": ("fn f() = {}a{}", "a - (", ")"),
    "strict": ("serve {}a{}", "strict { ", " }"),
    "weighted": ("serve {}a{}", "weighted { ", ": 1 }"),
    "mixed": ("fn f() = {}a{}", "not (", ")"),
}


@pytest.mark.parametrize(("form", "left", "right"), NESTED.values(), ids=NESTED.keys())
def test_deep_nesting_is_refused(form: str, left: str, right: str) -> None:
    assert not findings(form.format(left * 40, right * 40))
    for depth in (101, 10_000):
        (found,) = findings(form.format(left * depth, right * depth))
        assert found.code == "E0105"


@pytest.mark.parametrize("operator", ["+", "-", "*", "or", "and"])
def test_long_chains_are_refused(operator: str) -> None:
    assert not findings(chain(operator, 100))
    for count in (102, 10_000):
        (found,) = findings(chain(operator, count))
        assert found.code == "E0105"


def test_a_parser_forgets_what_it_read_before() -> None:
    """Depths are kept by identity: those of a text that is gone must not count for the next."""
    for _ in range(40):
        assert not findings(chain("+", 99))
        assert findings("fn f() = " + "(" * 60 + "a" + ")" * 59)
        assert not findings("fn f() = " + "(" * 60 + "a" + ")" * 60)
