"""The language's page is complete and in the one layout; `tests/docs` compiles its policies."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from schedlang.ir import nodes as ir
from schedlang.resources import data_root
from schedlang.semantics.scope import BUILTINS, FUNCTIONS
from schedlang.source import Source
from schedlang.syntax import ast
from schedlang.syntax.ast import UNITS_NS
from schedlang.syntax.format import format_policy
from schedlang.syntax.parse import load_parser, parse
from schedlang.syntax.words import DECLARATIONS, RESERVED
from schedlang_bpf.uncovered import uncovered
from tests.support.policies import compiled

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/language.md").read_text()
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```sched.*\n((?:.*\n)*?)```$", PAGE, re.MULTILINE)
PROSE = re.sub(r"^```.*\n(?:.*\n)*?```$", "", PAGE, flags=re.MULTILINE)
SAID = {word for code in re.findall(r"`([^`]+)`", PROSE) for word in re.findall(r"\w+", code)}


def test_every_word_that_cannot_be_a_name_is_listed() -> None:
    listed = PAGE[PAGE.index("Never names:") : PAGE.index("## Values")]
    assert set(re.findall(r"`(\w+)`", listed)) == {*RESERVED, *BUILTINS}


@pytest.mark.parametrize("kind", [ir.Type, ir.Attribute, ir.Name, ir.Input, ir.Event, ir.Property])
def test_everything_that_can_be_said_is_explained(kind: type[ir.Type]) -> None:
    assert {str(member) for member in kind} <= SAID


def test_every_declaration_is_in_the_first_table() -> None:
    table = PAGE[PAGE.index("| Declaration |") : PAGE.index("## Names")]
    assert set(re.findall(r"^\| `(\w+)", table, re.MULTILINE)) == set(DECLARATIONS)


def test_every_unit_is_used() -> None:
    assert {unit for unit in UNITS_NS if re.search(rf"\b[0-9]+{unit}\b", PAGE)} == set(UNITS_NS)


@pytest.mark.parametrize("rung", ["prev", "waker if sync", "core in W", "cpu in W"])
def test_every_rung_is_explained(rung: str) -> None:
    assert f"`{rung}`" in PROSE
    assert rung.removesuffix(" in W") in set(ir.RungKind)


@pytest.mark.parametrize("text", BLOCKS, ids=lambda text: text.split()[1])
def test_examples_are_in_the_one_layout(text: str) -> None:
    source = Source("p.sched", text)
    if parse(source)[0] is not None:
        assert format_policy(source) == text


def test_every_construct_is_in_an_example_or_explained() -> None:
    """Every word of the grammar stands in a policy, or in a form that the text gives."""
    patterns = {t.name: t.pattern.value for t in load_parser().lark.terminals}
    found = (re.fullmatch(r"([a-z_]+)\\b", pattern) for pattern in patterns.values())
    words = {match[1] for match in found if match}
    assert len(words) > 60
    examples = {word for block in BLOCKS for word in re.findall(r"[a-z_]+", block)}
    assert words - examples - SAID == set()
    assert set(FUNCTIONS) <= SAID


def test_every_declaration_is_in_an_example_that_compiles() -> None:
    used = {type(decl) for text in BLOCKS for decl in declarations(text)}
    assert used == set(get_args(ast.Decl))


def declarations(text: str) -> tuple[ast.Decl, ...]:
    tree, _ = parse(Source("p.sched", text))
    return tree.decls if tree is not None else ()


def test_every_name_of_the_standard_library_is_there() -> None:
    texts = [path.read_text() for path in data_root("stdlib").glob("*.sched")]
    names = {name for text in texts for name in re.findall(PIECE, text, re.MULTILINE)}
    assert len(names) > 20
    assert names <= SAID


PIECE = r"^(?:order|tree|ladder|fn) ([a-z_0-9]+)"


def test_it_is_said_what_is_not_compiled_yet() -> None:
    """Whoever brings the C of such a queue takes the sentence out of this page and of README.md."""
    text = "policy p queue q { %s  order fifo  slice 4ms } route { else -> q } serve q"
    policies = [
        compiled(text % clause) for clause in ("per llc", "global  on big", "per llc  on big")
    ]
    is_missing = any(uncovered(policy) for policy in policies)
    assert ("E0403" in PAGE) == ("E0403" in README) == is_missing


def test_the_page_fits_a_context() -> None:
    """At most 4,000 words: whatever has a letter or a digit in it, the examples' words too."""
    words = [word for word in PAGE.split() if re.search(r"\w", word)]
    assert 3_000 < len(words) <= 4_000
