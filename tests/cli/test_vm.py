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
    groups = json.loads(said.out)["kernel"]["run"]["outcome"]["groups"]
    ran = {group["group"]: group["run_ns"] for group in groups}
    assert ran["rest"] * 4 < ran["urgent"]
    assert not Path("state").exists()


def test_deterministic_runs_are_the_same_to_the_byte(schedc: Schedc) -> None:
    policy = str(EXAMPLES / "fair.sched")

    def told(seed: str) -> str:
        options = ("--deterministic", "--seed", seed, "--seconds", "0.3", "--format", "json")
        said = schedc("run", policy, "-w", "messages-beside-hogs", *options)
        assert said.status == Exit.FINE, said.out + said.err
        return said.out

    first, again, other = told("5"), told("5"), told("6")
    assert first == again
    groups = [json.loads(out)["kernel"]["run"]["outcome"]["groups"] for out in (first, other)]
    assert groups[0] != groups[1]


def test_a_program_of_this_machine_runs_in_the_guest(schedc: Schedc) -> None:
    policy = str(EXAMPLES / "fair.sched")
    said = schedc("run", policy, "--command", "seq 3", "--format", "json")
    assert said.status == Exit.FINE, said.out + said.err
    run = json.loads(said.out)["kernel"]["run"]
    assert run["all_ended"]
    assert (run["command"]["status"], run["command"]["said"]) == (0, "1\n2\n3\n")
