"""The printed form of trees: complete, deterministic, fit for a terminal."""

from __future__ import annotations

import re

from hypothesis import given

from schedlang.source import Source
from schedlang.syntax import ast
from schedlang.syntax.parse import parse
from schedlang.syntax.text import tree_text
from tests.syntax.trees import files

TEXT = """policy p
guard q after 4ms
guarantee { wait(q) <= 5ms when tasks(q) <= 4 }
"""
PRINTED = """\
File
  header: Header kind=policy name=p @1:1
  GuardAfter queue=q @2:1
    delay: Duration count=4 unit=ms @2:15
  Guarantee @3:1
    Goal property=wait @3:13
      Ident name=q @3:18
      bound: Duration count=5 unit=ms @3:24
      Premise kind=tasks queue=q @3:33
        limit: Integer value=4 @3:45
"""


def test_a_tree_is_printed_with_its_places() -> None:
    source = Source("p.sched", TEXT)
    tree, _ = parse(source)
    assert tree is not None
    assert tree_text(tree, source) == PRINTED


@given(files)
def test_every_tree_can_be_printed(tree: ast.File) -> None:
    text = tree_text(tree, Source("p", ""))
    assert all(re.match(r" *(?:[a-z]+: )?[A-Z]", line) for line in text.split("\n")[:-1])
    assert "\x1b" not in text


@given(files, files)
def test_what_differs_is_printed_differently(one: ast.File, two: ast.File) -> None:
    source = Source("p", "")
    assert (one == two) == (tree_text(one, source) == tree_text(two, source))
