"""The command line with the real compiler, kernel and micro-VM behind it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from schedlang.cli.exits import Exit
from tests.support.command_line import STARVING, Schedc

EXAMPLES = Path(__file__).parents[2] / "examples"

pytestmark = pytest.mark.vm


def test_a_proved_policy_is_verified_and_its_pass_recorded(schedc: Schedc) -> None:
    said = schedc("verify", str(EXAMPLES / "fair.sched"), "--format", "json")
    assert said.status == Exit.FINE, said.out + said.err
    kernel = json.loads(said.out)["kernel"]
    assert kernel["attached_throughout"]
    assert kernel["instructions_verified"] > 0
    assert len(list(Path("state/schedc/passes").iterdir())) == 1


def test_a_refuted_policy_is_seen_to_starve(schedc: Schedc) -> None:
    """`rest` gets next to nothing while `urgent` has work."""
    Path("a.sched").write_text(STARVING)
    tasks = ("--task", "urgent:2:-5", "--task", "rest:1")
    said = schedc("run", "a.sched", "--unproved", "--cpus", "1", *tasks, "--format", "json")
    assert said.status == Exit.FINE, said.out + said.err
    ran = {task["comm"]: task["run_ns"] for task in json.loads(said.out)["kernel"]["tasks"]}
    assert ran["rest"] * 4 < ran["urgent"]
    assert not Path("state").exists()
