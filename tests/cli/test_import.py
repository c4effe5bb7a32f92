"""`schedc import`: where the policy goes, what is told beside it, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

from schedlang.cli.exits import Exit
from tests.support.command_line import Schedc

SPEC = """\
[
  {"name": "web", "matches": [[{"PcommPrefix": "nginx"}]],
   "kind": {"Open": {"preempt": true, "exclusive": true, "slice_us": 200000}}},
  {"name": "rest", "matches": [[]], "kind": {"Open": {}}}
]
"""
RULES = '{"name": "make", "type": "Slow"}\n'
TYPES = '{"type": "Slow", "nice": 19, "ioclass": "idle"}\n'


def test_the_policy_goes_to_standard_output(schedc: Schedc) -> None:
    Path("web.json").write_text(SPEC)
    said = schedc("import", "web.json")
    assert said.status == 0
    assert said.out.startswith("## Layers of web.json")
    assert "left out  layers[0].kind.Open.exclusive (web.json:3): a core is not kept" in said.err
    assert "proved    starvation_free(web): at most " in said.err
    Path("again.sched").write_text(said.out)
    assert schedc("check", "again.sched").status == 0
    assert schedc("fmt", "--check", "again.sched").status == 0


def test_the_policy_goes_to_a_file_that_was_not_there(schedc: Schedc) -> None:
    Path("web.json").write_text(SPEC)
    assert schedc("import", "web.json", "-o", "mine.sched").out == ""
    assert "policy mine\n" in Path("mine.sched").read_text()
    Path("mine.sched").write_text("my own")
    assert schedc("import", "web.json", "-o", "mine.sched").status == Exit.ENVIRONMENT
    assert Path("mine.sched").read_text() == "my own"


def test_rules_and_types_stand_in_several_files(schedc: Schedc) -> None:
    Path("a.rules").write_text(RULES)
    Path("a.types").write_text(TYPES)
    said = schedc("import", "a.rules", "a.types")
    assert said.status == 0
    assert 'process ~ "make" -> slow\n' in said.out
    assert "a.types:1.ioclass" in said.err
    assert schedc("import", "a.rules").status == Exit.POLICY
    assert schedc("import", "--from", "layered", "a.rules", "a.types").status == Exit.USAGE


def test_json(schedc: Schedc) -> None:
    Path("web.json").write_text(SPEC)
    said = schedc("import", "web.json", "--format", "json")
    document = json.loads(said.out)["import"]
    assert document["policy"].startswith("## Layers of web.json")
    assert {gap["loss"] for gap in document["gaps"]} == {"left out", "changed"}
    assert {gap["place"]["file"] for gap in document["gaps"]} == {"web.json"}
    assert {finding["verdict"] for finding in document["proof"]["findings"]} == {"proved"}


def test_what_is_malformed_or_missing(schedc: Schedc) -> None:
    Path("bad.json").write_text(SPEC.replace("Open", "Opn", 1))
    said = schedc("import", "bad.json", "-o", "out.sched")
    assert said.status == Exit.POLICY
    assert "error[E1202]: there is no kind `Opn`" in said.err
    assert "did you mean `Open`?" in said.err
    assert not Path("out.sched").exists()
    assert "E0001" in schedc("import", "none.json").err
    assert schedc("import").status == Exit.USAGE
