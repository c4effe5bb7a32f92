"""`schedc test`: verdicts, the run that is shown, JSON and JUnit."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from schedlang.cli.exits import Exit
from tests.support.command_line import Schedc

TEXT = """policy p
queue q { global  order fifo  slice 4ms }
route { else -> q }
serve q

test "short waits" {
  machine 2 cpus
  spawn 6 hog     as "make"
  spawn 2 sleeper as "nginx" runs 300us every 20ms
  run 500ms
  expect p99 wakeup "nginx" < 2ms
  expect share "make" > 60%
}

test "all work is done" {
  machine 2 cpus
  spawn 3 job as "a<b>" runs 20ms
  expect makespan < 60ms
}
"""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "p.sched"
    path.write_text(TEXT)
    return path


def test_a_failure_is_told_where_it_stands_with_the_run(schedc: Schedc, policy: Path) -> None:
    done = schedc("test", str(policy))
    assert done.status == Exit.TEST
    assert f"failed  {policy}: short waits" in done.out
    assert f"passed  {policy}: all work is done" in done.out
    assert 'p99 wakeup "nginx" < 2ms does not hold' in done.err
    assert f"{policy}:11:3" in done.err
    assert "seed 0" in done.err
    assert "CPU 1" in done.err
    assert "nginx#0 waits" in done.err


def test_what_holds_exits_with_0(schedc: Schedc, policy: Path) -> None:
    done = schedc("test", str(policy), "-k", "all work", "--seeds", "3")
    assert (done.status, done.err) == (Exit.FINE, "")
    assert "(3 seeds)" in done.out


def test_json_has_every_trial(schedc: Schedc, policy: Path) -> None:
    done = schedc("test", str(policy), "--format", "json", "--seeds", "2", "--seed", "7")
    document = json.loads(done.out)
    (tried,) = document["tests"]
    assert [(t["test"], t["seed"], t["holds"]) for t in tried["trials"]] == [
        ("short waits", 7, False),
        ("short waits", 8, False),
        ("all work is done", 7, True),
        ("all work is done", 8, True),
    ]
    first = tried["trials"][0]["expected"][0]
    assert first["expectation"] == 'p99 wakeup "nginx" < 2ms'
    assert first["measured"] > 2_000_000
    assert [d["code"] for d in document["diagnostics"]] == ["E0801"]


def test_junit_counts_and_names_what_failed(schedc: Schedc, policy: Path, tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    schedc("test", str(policy), "--junit", str(path))
    root = fromstring(path.read_text())
    (suite,) = root
    assert root.tag == "testsuites"
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "1", "0")
    failed, passed = suite
    assert failed.tag == passed.tag == "testcase"
    assert failed.get("name") == "short waits (seed 0)"
    (failure,) = failed
    assert "does not hold" in (failure.get("message") or "")
    assert len(passed) == 0


def test_the_page_has_the_results_and_no_markup_of_the_policy(
    schedc: Schedc, policy: Path, tmp_path: Path
) -> None:
    path = tmp_path / "page.html"
    schedc("test", str(policy), "--html", str(path))
    page = path.read_text()
    assert "short waits" in page
    assert "<svg" in page
    assert "a<b>" not in page


def test_a_policy_without_tests_says_so(schedc: Schedc, tmp_path: Path) -> None:
    path = tmp_path / "none.sched"
    path.write_text(TEXT[: TEXT.index("test ")])
    done = schedc("test", str(path))
    assert (done.status, done.out) == (Exit.FINE, f"{path}: no test\n")


def test_an_unwritable_report_is_the_environment_s_fault(
    schedc: Schedc, policy: Path, tmp_path: Path
) -> None:
    done = schedc("test", str(policy), "--junit", str(tmp_path / "no" / "such" / "folder.xml"))
    assert done.status == Exit.ENVIRONMENT
    assert "E0602" in done.err


def test_a_broken_policy_is_told_and_the_others_still_run(
    schedc: Schedc, policy: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.sched"
    broken.write_text("policy p\n")
    done = schedc("test", str(broken), str(policy), "-k", "all work")
    assert done.status == Exit.POLICY
    assert "passed" in done.out
