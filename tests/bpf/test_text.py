"""Whatever a policy's author writes stays text: no name, comment or string becomes other C."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schedlang.source import Source
from schedlang_bpf.text import (
    COMMENT_WIDTH,
    c_constants,
    c_name,
    c_names,
    c_string,
    comment_lines,
    comment_text,
    source_labels,
)

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
ESCAPE = re.compile(rb"\\([0-7]{3})")
HOSTILE = [
    '*/ "; #include "/etc/passwd"',
    "??/\n*/ int x;",
    "a\\",
    "\\\n#define",
    "/* nested",
    "// over",
    "\u2028line",
    "\u202etrojan",
    "${HOME} `id` {{ 7 * 7 }} {% raw %}",
    "%s%n",
    "\x00\x1b[2J",
    "\ud800",
]
hostile_text = st.one_of(st.text(), st.sampled_from(HOSTILE))


@given(st.text())
@example("int")
@example("")
@example("9lives")
def test_a_name_is_an_identifier(name: str) -> None:
    assert IDENTIFIER.fullmatch(c_name(name))
    assert IDENTIFIER.fullmatch(c_name(name, "queue"))


@given(st.lists(st.text()))
@example(["a-b", "a_x2d_b", "A_X2D_B"])
def test_names_stay_different(names: list[str]) -> None:
    different = list(dict.fromkeys(names))
    assert len(set(c_names(different))) == len(different)
    assert len(set(c_constants(different, "QUEUE"))) == len(different)


@given(hostile_text)
@example('*/ "; #include "/etc/passwd"')
def test_a_string_holds_exactly_its_bytes(text: str) -> None:
    literal = c_string(text).encode("ascii")
    assert literal[:1] == literal[-1:] == b'"'
    inner = literal[1:-1]
    assert b'"' not in inner
    assert b"?" not in inner
    assert b"\\" not in ESCAPE.sub(b"", inner)
    decoded = ESCAPE.sub(lambda m: bytes([int(m[1], 8)]), inner)
    assert decoded == text.encode("utf-8", "backslashreplace")


@given(hostile_text)
@example("**//")
@example("???/")
@example("a\\ ")
def test_a_comment_cannot_be_left(text: str) -> None:
    for line in (comment_text(text), *comment_lines(text, "  ", "    ")):
        assert not re.search(r"\*/|/\*|//|\?\?|\\$", line)
        assert all(c.isprintable() for c in line), line
        line.encode()


def test_long_comments_are_wrapped() -> None:
    lines = comment_lines("word " * 100 + "\nnext", "", "  ")
    assert max(map(len, lines)) <= COMMENT_WIDTH
    assert lines[1].startswith("  word")
    assert lines[-1] == "next"


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("/home/somebody/fair.sched", "fair.sched"),
        ("C:\\policies\\fair.sched", "fair.sched"),
        ('x" /* \n.sched', "___.sched"),
        ("dir/", "policy"),
    ],
)
def test_a_source_is_called_by_its_bare_name(name: str, label: str) -> None:
    assert source_labels((Source(name, ""),)) == (label,)


def test_sources_of_one_name_are_told_apart() -> None:
    assert source_labels((Source("a/x.sched", ""), Source("b/x.sched", ""))) == (
        "x.sched",
        "x.sched_2",
    )
