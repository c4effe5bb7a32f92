"""The language's page is complete and in the one layout; `tests/docs` compiles its policies."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from schedlang.ir import nodes as ir
from schedlang.semantics.scope import BUILTINS
from schedlang.source import Source
from schedlang.syntax.ast import UNITS_NS
from schedlang.syntax.format import format_policy
from schedlang.syntax.parse import parse
from schedlang.syntax.words import DECLARATIONS, RESERVED

PAGE = (Path(__file__).parents[2] / "docs/language.md").read_text()
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


def test_there_are_examples() -> None:
    assert len(BLOCKS) >= 20
