"""The formatter: no meaning changes, no comment is lost, and its own work stays as it is."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedlang.resources import data_root
from schedlang.source import Source
from schedlang.syntax import ast
from schedlang.syntax.attach import attach
from schedlang.syntax.format import format_policy
from schedlang.syntax.layout import lay_out
from schedlang.syntax.parse import load_parser, parse
from schedlang.syntax.pieces import file_pieces
from schedlang.syntax.scan import comments
from tests.support.examples import EXAMPLES
from tests.support.policies import policies
from tests.syntax.trees import files

SAMPLES = [*EXAMPLES, *sorted(data_root("stdlib").rglob("*.sched"))]


def read(text: str) -> ast.File:
    tree, findings = parse(Source("p.sched", text))
    assert tree is not None, (findings, text)
    return tree


def formatted(text: str) -> str:
    return format_policy(Source("p.sched", text))


def printed(tree: ast.File) -> str:
    """The text of a tree that was never read."""
    return "".join(f"{line}\n" for line in lay_out(attach("", file_pieces(tree), iter(()))))


def spoken(text: str) -> list[str]:
    return [comment.text for comment in comments(text)]


def check(text: str) -> str:
    result = formatted(text)
    assert read(result) == read(text)
    assert formatted(result) == result
    assert spoken(result) == spoken(text)
    assert result.endswith("\n")
    assert not result.endswith("\n\n") or result == "\n"
    assert not re.search(r"[ \t]\n|\n\n\n|\A\n.", result)
    return result


@given(files)
def test_a_printed_tree_is_read_as_itself(tree: ast.File) -> None:
    assert read(printed(tree)) == tree


@given(files)
def test_a_printed_tree_is_laid_out_for_good(tree: ast.File) -> None:
    check(printed(tree))


def scattered(tree: ast.File, seed: int) -> str:
    """The tree's text with other white space and with comments anywhere between its tokens."""
    dice = random.Random(seed)
    gaps = (" ", " ", "  ", "\n", "\n\n", "\n\n\n  ", "\t", " # said beside\n", "\n# said above\n")
    return "".join(f"{dice.choice(gaps)}{token}" for token in load_parser().lark.lex(printed(tree)))


@given(files, st.integers(0, 2**32))
def test_comments_survive_wherever_they_stand(tree: ast.File, seed: int) -> None:
    text = scattered(tree, seed)
    assert read(text) == tree
    check(text)


@given(policies())
def test_policies_keep_their_meaning_and_fit_the_screen(text: str) -> None:
    assert max(map(len, check(text).splitlines())) <= 100


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_samples(path: Path) -> None:
    check(path.read_text())


CANONICAL = {
    "columns": """\
param quantum : duration = 4ms in 500us..20ms
param floor   : share    = 10%

queue interactive { global  order vruntime(credit: 4ms, fork: 1ms)  slice 1ms }
queue batch       { global  order fifo                              slice quantum }
""",
    "comments in a column": """\
param quantum : duration = 4ms in 500us..20ms  # may change
param floor   : share    = 10%
param ceiling : share    = 90%                 # may not

serve q  # alone
""",
    "no columns across a gap or another kind": """\
guard interactive after 20ms

guard b at least 5%
# said of c
guard c at least 50%
""",
    "rules": """\
route {
  process ~ "nginx*" or nice < 0 -> a
  # the rest
  else                           -> b
}
""",
    "one rule": "route { else -> tasks }\n",
    "orders": """\
order least(credit : duration) {
  v    : vtime = clock + 1ms
  seen : count = 0 in 0..9  # of late
  on join { v = max(v, clock - credit) }
  on stop if blocked { seen = 0  v = v + used }
  key v
}
""",
    "comments": """\
## What it is for.

# apart
policy p  # beside the name
use std.orders.{vruntime}

task {  # beside the brace
  # above
  x : count = 0 in 0..9  # beside

  # after a gap
  on stop { x = x + 1 }
  # at the end
}  # behind the brace
# at the very end
""",
    "a comment opens a block": """\
serve strict {
  a  # first
  weighted { b: 4  c: 1 }
}

place {
  prev  # where it was
  cpu in any
}
""",
    "claims": """\
guarantee {
  starvation_free
  wait(a) <= 25ms  when tasks(a) <= 4 and tick <= 1ms
  share(b) >= 8%   when backlogged(b)
  fair(a, b)
}
""",
    "parentheses": """\
fn f(a : count) = (a + 1) * -2 - (3 - 4) / (5 * 6)
fn g(b : bool)  = not (b or a < 1) and (not b or (a < 1) == b)
fn h(b : bool)  = if b then 1 else if not b then 2 else 3
""",
    "a long rule": """\
route {
  process ~ "first*" or process ~ "second*" or process ~ "third*" or process ~ "fourth*"
      or process ~ "fifth*" -> a
  else -> b
}
""",
    "a long queue": """\
queue tasks {
  global
  order a_rather_long_name(credit: 20ms, fork: 1ms, another: 3ms)
  slice clamp(quantum * weight / 100, 100us, 20ms)
}
""",
}


@pytest.mark.parametrize("text", CANONICAL.values(), ids=CANONICAL.keys())
def test_canonical_texts_stay_as_they_are(text: str) -> None:
    assert check(text) == text


RAW = {
    "": "\n",
    "# only this": "# only this\n",
    "policy p\r\nserve q\r\n": "policy p\n\nserve q\n",
    "serve q # c\r\n": "serve q  # c\n",
    "route{nice>0->a else->b}": "route {\n  nice > 0 -> a\n  else     -> b\n}\n",
    "queue q{slice(1ms)}": "queue q { slice 1ms }\n",
    "fn f()=((a)+((b)))": "fn f() = a + b\n",
    "param x : count = 007": "param x : count = 7\n",
    "serve strict { a # c\n }": "serve strict {\n  a  # c\n}\n",
    "use std . orders . { a , b , }": "use std.orders.{a, b}\n",
    'accept starvation of q because "  # no comment  "': (
        'accept starvation of q because "  # no comment  "\n'
    ),
    "fn a() = 1\n\n\n\nfn b() = 2": "fn a() = 1\n\nfn b() = 2\n",
    "task{x:count=1 key_:count=2}": "task {\n  x    : count = 1\n  key_ : count = 2\n}\n",
}


@pytest.mark.parametrize(("text", "result"), RAW.items())
def test_raw_texts_become_canonical(text: str, result: str) -> None:
    assert check(text) == result


@pytest.mark.parametrize("text", ["queue q {", "polcy p", "serve"])
def test_a_text_that_does_not_parse_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="does not parse"):
        formatted(text)
