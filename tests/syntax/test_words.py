"""Grammar, vocabulary and highlighting speak of the same words."""

from __future__ import annotations

import json
import re
from itertools import chain
from pathlib import Path
from typing import TypedDict

import pytest

from schedlang.ir.nodes import Property
from schedlang.resources import data_root
from schedlang.syntax import words
from schedlang.syntax.parse import load_parser
from schedlang.syntax.words import CLAIMS, DECLARATIONS, FIXED, FORMS, LATER, OPEN, RESERVED

ROOT = Path(__file__).parents[2]
PATTERNS = {t.name: t.pattern.value for t in load_parser().lark.terminals}
"""What each terminal of the grammar matches."""
KEYWORDS = {
    name: match.group(1)
    for name, pattern in PATTERNS.items()
    if (match := re.fullmatch(r"([a-z]+)\\b", pattern))
}
IGNORED = {"COMMENT", "WHITE_SPACE"}


def test_no_terminal_is_anonymous() -> None:
    assert len(PATTERNS) > 60
    assert not [name for name in PATTERNS if name.startswith("__")]


def test_every_terminal_has_a_phrase() -> None:
    for name, pattern in PATTERNS.items():
        if name in FIXED:
            assert pattern == FIXED[name]
        elif name in KEYWORDS:
            assert words.written(name) == KEYWORDS[name]
        else:
            assert name in OPEN or name in IGNORED
    assert set(FIXED) <= set(PATTERNS)
    assert set(OPEN) <= {*PATTERNS, "$END"}


def test_reserved_words_are_those_that_no_name_may_be() -> None:
    match = re.match(r"\(\?!\(([a-z|]+)\)\\b\)", PATTERNS["NAME"])
    assert match
    assert set(match.group(1).split("|")) == RESERVED
    assert {*KEYWORDS.values(), *LATER, "over"} >= RESERVED


def test_claims_are_the_properties_without_arguments() -> None:
    assert re.fullmatch(r"\((.*)\)\\b", PATTERNS["CLAIM"])
    assert set(re.findall(r"[a-z_]{3,}", PATTERNS["CLAIM"])) == set(CLAIMS)
    assert set(CLAIMS) | {"wait", "share", "fair"} == set(Property)


def test_declarations_are_the_grammar_s() -> None:
    text = (data_root("grammar") / "schedlang.lark").read_text()
    rule = re.search(r"^\?decl: (.*)$", text, re.MULTILINE)
    assert rule
    assert rule.group(1).split(" | ") == list(DECLARATIONS)


def test_every_declaration_has_a_form() -> None:
    assert set(DECLARATIONS) <= set(FORMS)
    assert set(FORMS) <= set(KEYWORDS.values())


def test_a_phrase_for_what_is_expected() -> None:
    assert words.expectation({"RBRACE"}) == "`}`"
    assert words.expectation({"NAME", "LBRACE"}) == "`{` or a name"
    assert words.expectation(words.OPERANDS | {"NAME"}) == "an expression"
    assert words.expectation(set()) == "something else"


# --- highlighting


class Rule(TypedDict, total=False):
    """A rule of a TextMate grammar, as far as ours uses them."""

    name: str
    match: str
    patterns: list[Rule]
    include: str


class Highlighting(TypedDict):
    scopeName: str
    fileTypes: list[str]
    patterns: list[Rule]
    repository: dict[str, Rule]


EDITOR = ROOT / "editors/vscode"


def highlighting() -> Highlighting:
    loaded: Highlighting = json.loads((EDITOR / "syntaxes/schedlang.tmLanguage.json").read_text())
    return loaded


def rules() -> list[Rule]:
    """All rules that match something, in the order in which an editor tries them."""
    grammar = highlighting()
    named = [grammar["repository"][rule["include"][1:]] for rule in grammar["patterns"]]
    return list(chain.from_iterable(rule.get("patterns", [rule]) for rule in named))


def scope(text: str) -> str | None:
    """The scope that an editor gives to `text`."""
    for rule in rules():
        if re.fullmatch(rule["match"], text):
            return rule["name"]
    return None


@pytest.mark.parametrize("word", sorted({*KEYWORDS.values(), *CLAIMS, *LATER}))
def test_every_word_is_highlighted(word: str) -> None:
    found = scope(word)
    assert found
    assert not found.startswith("variable")


def test_nothing_else_is_highlighted_as_a_word() -> None:
    known = {*KEYWORDS.values(), *CLAIMS, *LATER, "over"}
    for rule in rules():
        if rule["name"].startswith("keyword.control"):
            assert set(re.findall(r"[a-z_]{2,}", rule["match"])) <= known


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("# note", "comment"),
        ("## what it is for", "comment.line.documentation"),
        ('"nginx*"', "string"),
        ("20ms", "constant.numeric"),
        ("10%", "constant.numeric"),
        ("4", "constant.numeric"),
        ("->", "keyword.operator"),
        ("<=", "keyword.operator"),
        ("duration", "storage.type"),
        ("weight", "variable.language"),
        ("clamp", "support.function"),
    ],
)
def test_scopes(text: str, name: str) -> None:
    found = scope(text)
    assert found
    assert found.startswith(name)


def test_the_extension_points_at_its_files() -> None:
    manifest = json.loads((EDITOR / "package.json").read_text())
    contributes = manifest["contributes"]
    for entry in (*contributes["grammars"], *contributes["languages"]):
        for key in ("path", "configuration"):
            assert key not in entry or (EDITOR / entry[key]).is_file()
    assert contributes["grammars"][0]["scopeName"] == highlighting()["scopeName"]
    assert contributes["languages"][0]["extensions"] == [".sched"]
