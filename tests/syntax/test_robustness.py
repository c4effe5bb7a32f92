"""Whatever the text: findings, never an exception, in steps that grow with its length."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import partial
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.lark import from_lark

from schedlang.diagnostics.codes import CODES
from schedlang.diagnostics.model import Diagnostic
from schedlang.diagnostics.render import render_concise, render_human
from schedlang.resources import data_root
from schedlang.source import Source
from schedlang.syntax.parse import MAX_ERRORS, Parser, load_parser, make_tables, parse, read_grammar
from tests.support.policies import policies

SAMPLE = (data_root("examples") / "web_server.sched").read_text()
TABLES = make_tables(read_grammar())
SMALL = """policy p  # c
use std.orders.{vruntime}
param m : duration = 5ms in 1ms..1s
fn f(a : count) = if a > 1 then -2 else (a + 3) * log2(a)
task { x : count = 0 in 0..9  on stop if blocked { x = x + 1 } }
order o(c : duration) { v : vtime = clock + c  on join { v = max(v, clock - c) }  key v }
queue q { global  order o(c: m)  slice 5ms }
queue r { global  order fifo  slice 5ms }
route { comm ~ "a*" and not cgroup under "/b" -> q  else -> r }
serve strict { q  weighted { r: 1 } }
guard q after 5ms  guard r at least 10%
place { prev  core in any }
guarantee { starvation_free  wait(q) <= 5ms when tasks(q) <= 4 and tick <= 1ms  fair(q, r) }
accept starvation of q because "x"
"""
TERMINAL = re.compile(r"[A-Z_]{3,}")
QUOTED = re.compile(r"`[^`\n]*`")


def check(text: str) -> tuple[Diagnostic, ...]:
    """The findings, which must be sound."""
    source = Source("p.sched", text)
    tree, findings = parse(source)
    assert (tree is None) == bool(findings)
    assert len(findings) <= MAX_ERRORS
    assert len({(f.code, f.primary) for f in findings}) == len(findings)
    for finding in findings:
        assert finding.code in CODES
        assert finding.primary is not None
        assert 0 <= finding.primary.span.start <= finding.primary.span.end <= max(len(text), 1)
        said = (finding.message, finding.primary.text, *finding.notes)
        if finding.code != "E0102":  # "queues per CPU, LLC or node"
            assert not any(TERMINAL.search(QUOTED.sub("", part)) for part in said), said
        assert all(len(part) < 300 and "\n" not in part for part in said)
    render_concise(findings, (source,))
    render_human(findings, (source,))
    return findings


@given(st.text())
def test_any_text(text: str) -> None:
    check(text)


@given(st.text(st.characters(max_codepoint=127)))
def test_any_ascii(text: str) -> None:
    check(text)


@given(st.binary())
def test_any_bytes(data: bytes) -> None:
    check(data.decode("latin-1"))


@given(st.lists(st.sampled_from(re.findall(r"\w+|\W", SMALL)), max_size=60).map(" ".join))
def test_any_order_of_words(text: str) -> None:
    check(text)


@st.composite
def mutants(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from((SMALL, SAMPLE)) | policies())
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        new = draw(st.text(max_size=4) | st.sampled_from(("{", "}", "(", '"', "queue", "->", "#")))
        text = text[:start] + new + text[end:]
    return text


@given(mutants())
def test_mutated_policies(text: str) -> None:
    check(text)


@given(st.data())
@settings(max_examples=50)
def test_texts_of_the_grammar(data: st.DataObject) -> None:
    """Glued tokens can make such a text unreadable, but never break the parser."""
    check(data.draw(from_lark(TABLES)))


@pytest.mark.parametrize("end", range(len(SMALL)))
def test_truncated_texts(end: int) -> None:
    findings = check(SMALL[:end])
    assert len(findings) <= 1 or end < len(SMALL)


HOSTILE = {
    "a long name": "queue " + "a" * 100_000 + " {",
    "a long wrong name": "queue " + "A" * 100_000 + " {",
    "a long number": "serve weighted { a: " + "1" * 100_000 + "}",
    "a long text": 'accept starvation of q because "' + "x" * 100_000,
    "escapes": "queue \x1b[31m {",
    "a surrogate": "queue \ud800 {",
    "right to left": "policy \u202e p",
    "nul": "policy p\0",
    "quotes": '"' * 1000,
    "a text in the wrong place": 'policy "' + "\x1b" * 1000 + '"',
    "braces": "}" * 1000,
    "hashes": "#" * 1000,
    "no end": "param x : " * 1000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_texts(text: str) -> None:
    check(text)


def test_every_declaration_with_an_error_is_reported() -> None:
    text = SAMPLE.replace("slice", "slize").replace("guard", "gaurd").replace("place", "plaze")
    words = [text[f.primary.span.start : f.primary.span.end] for f in check(text) if f.primary]
    assert words.count("slize") == 3
    assert words.count("gaurd") >= 1
    assert "plaze" in words or "gaurd" in words


def test_errors_on_their_own_lines() -> None:
    text = (
        "policy p\nqueue a { global order }\nqueue b {\n  global\n  order fifo\n  slice 5msec\n}\n"
        "route { else -> }\nserve weighted { a b }\nqueue c { global order fifo slice 5ms }\n"
    )
    found = [Source("p", text).line(f.primary.span) for f in check(text) if f.primary]
    assert found == [2, 6, 8, 9]


@pytest.mark.parametrize(
    "broken",
    [
        "queue a { global order fifo slice 5ms",
        "task {",
        "route { else -> a",
        "guarantee {",
        "serve {",
    ],
)
def test_a_missing_brace_is_one_error(broken: str) -> None:
    text = SMALL.replace("place {", f"{broken}\nplace {{")
    assert len(check(text)) == 1


def reads(monkeypatch: pytest.MonkeyPatch, text: str) -> int:
    """How often the parser goes through the text or a mended form of it."""
    seen: list[int] = []
    read = Parser.read

    def counted(self: Parser, text: str, file: int) -> object:
        seen.append(len(text))
        return read(self, text, file)

    with monkeypatch.context() as patch:
        patch.setattr(Parser, "read", counted)
        check(text)
    assert max(seen) <= len(text) + 100
    return len(seen)


def test_a_text_is_read_a_bounded_number_of_times(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = "queue q { global  ordr fifo  slice 5ms }\n" * 500
    assert reads(monkeypatch, broken) <= 2 * MAX_ERRORS + 1
    assert reads(monkeypatch, SAMPLE) == 1


def steps(action: Callable[[], object]) -> int:
    """How many Python functions an action calls."""
    count = 0

    def note(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        action()
    finally:
        sys.setprofile(None)
    return count


GROWING = {
    "fine": "queue q { global  order fifo  slice 5ms }\n",
    "wrong": "queue q { global  ordr fifo  slice 5ms }\n",
    "one line": "queue q { global  ordr fifo  slice 5ms } ",
    "open groups": "(",
    "open blocks": "serve strict { ",
    "signs": "- ",
    "quotes": '"',
    "names": "a ",
    "closing": "}",
    "comments": "# {\n",
}


@pytest.mark.parametrize("unit", GROWING.values(), ids=GROWING.keys())
def test_steps_grow_with_the_length(unit: str) -> None:
    small, large = (steps(partial(parse, Source("p", unit * count))) for count in (500, 2000))
    assert large <= 4.4 * small + 3000


@given(mutants())
def test_what_is_offered_helps(text: str) -> None:
    """A mended text can be read further than the broken one."""
    first, *_ = parse(Source("p", text))[1] or (None,)
    if first is None or not first.repairs:
        return
    (repair,) = first.repairs
    (edit,) = repair.edits
    mended = text[: edit.span.start] + edit.text + text[edit.span.end :]
    readable = load_parser().readable
    assert readable(mended) >= readable(text)
    assert mended != text
