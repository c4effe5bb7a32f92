"""`schedc prove`: the same findings as text, drawn, as JSON and as a page."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from schedlang.cli.exits import Exit
from tests.support.command_line import ACCEPTED, FIFO, STARVING, WRONG, Schedc

HOSTILE = """\
## </script><script>alert(1)</script> {{ 7 * 7 }}
policy starving
queue urgent { global  order fifo  slice 4ms }   # <img src=x onerror=alert(1)>
queue rest   { global  order fifo  slice 4ms }
route {
  comm ~ "</svg><a b=c>" -> urgent
  else     -> rest
}

serve strict { urgent  rest }
accept starvation of rest because "<b onclick='x'>&amp;</b>"
"""


def test_trace_draws_the_run(schedc: Schedc, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("a.sched").write_text(STARVING)
    plain = schedc("prove", "a.sched")
    monkeypatch.setenv("COLUMNS", "72")
    said = schedc("prove", "a.sched", "--trace")
    assert said.status == plain.status == Exit.REFUTED
    breaks = said.out.partition("a run that breaks starvation_free(rest)")[2].splitlines()
    lanes = [line for line in breaks if line.startswith(("  CPU 0", "  rest waits"))]
    assert len(lanes) == 2
    assert "│urgent─" in lanes[0]
    assert max(map(len, lanes)) <= 72
    assert "repeats for ever" in said.out
    assert plain.out.splitlines()[0] == said.out.splitlines()[0]


def test_trace_of_what_is_proved_needs_no_run(schedc: Schedc) -> None:
    Path("a.sched").write_text(FIFO)
    assert schedc("prove", "a.sched", "--trace").status == 0


def test_json_has_what_the_interpreter_did(schedc: Schedc) -> None:
    Path("a.sched").write_text(STARVING)
    document = json.loads(schedc("prove", "--format", "json", "a.sched").out)
    (refuted,) = [f for f in document["proof"]["findings"] if f["verdict"] == "refuted"]
    run = refuted["run"]
    assert run["period_ns"] > 0
    assert run["waited_ns"] > 0
    ran = [h for h in run["happenings"] if h["what"] == "runs"]
    turns = [s for s in run["steps"] if s["step"] == "turn"]
    assert [(h["task"], h["ns"]) for h in ran] == [(s["task"], s["ran_ns"]) for s in turns]


def test_the_page_has_all_findings_and_marks_their_lines(schedc: Schedc) -> None:
    Path("a.sched").write_text(STARVING)
    said = schedc("prove", "a.sched", "--html", "out.html")
    assert (said.status, said.err) == (Exit.REFUTED, "")
    page = Path("out.html").read_text()
    for claim in ("starvation_free(urgent)", "starvation_free(rest)", "no_lost_task"):
        assert claim in page
    assert 'id="s0-3" class="line marked"' in page
    assert page.count("a run that breaks starvation_free(rest)</figcaption>") == 1
    assert "repeats for ever" in page
    links, targets = (set(re.findall(f'{key}="#?([^"]+)"', page)) for key in ("href", "id"))
    assert links <= targets
    assert schedc("prove", "a.sched", "--html", "out.html").status == Exit.REFUTED
    assert Path("out.html").read_text() == page
    assert [path.name for path in Path().iterdir() if path.name != "state"] == [
        "a.sched",
        "out.html",
    ]


@pytest.mark.parametrize("command", ["prove", "review"])
def test_a_hostile_policy_stays_in_its_page(schedc: Schedc, command: str, backend: object) -> None:
    Path("a.sched").write_text(HOSTILE)
    assert schedc(command, "a.sched", "--html", "out.html").status == 0
    page = Path("out.html").read_text()
    assert page.count("<script>") == 1
    for tag in ("<img", "<b ", "<a b", "</svg><a"):
        assert tag not in page
    assert "{{ 7 * 7 }}" in page
    assert not re.search(r"<[^>]+\son[a-z]+=", page)


def test_a_page_that_cannot_be_written(schedc: Schedc) -> None:
    Path("a.sched").write_text(FIFO)
    Path("folder").mkdir()
    os.mkfifo("pipe")
    for place in ("folder", "none/out.html", "pipe", "/dev/null", "a.sched/x"):
        said = schedc("prove", "a.sched", "--html", place)
        assert said.status == Exit.ENVIRONMENT, place
        assert "E0602" in said.err
        assert "starvation_free(tasks)" in said.out
    assert Path("a.sched").read_text() == FIFO


def test_nothing_is_written_of_what_is_no_policy(schedc: Schedc) -> None:
    Path("a.sched").write_text(WRONG)
    said = schedc("prove", "a.sched", "--html", "out.html", "--proofs", "out")
    assert said.status == Exit.POLICY
    assert not Path("out.html").exists()
    assert not Path("out").exists()
    assert schedc("prove", "none.sched", "--html", "out.html").status == Exit.POLICY


def test_a_written_file_keeps_its_mode_and_its_link(schedc: Schedc) -> None:
    Path("a.sched").write_text(ACCEPTED)
    Path("real.html").write_text("old")
    Path("real.html").chmod(0o640)
    Path("link.html").symlink_to("real.html")
    assert schedc("prove", "a.sched", "--html", "link.html").status == 0
    assert Path("link.html").is_symlink()
    assert Path("real.html").stat().st_mode & 0o777 == 0o640
    assert "<!doctype html>" in Path("real.html").read_text()
