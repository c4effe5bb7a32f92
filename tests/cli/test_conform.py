"""`schedc conform`: what it says if the C does what the policy means, and if it does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from schedlang.backend import EnvironmentProblem
from schedlang.cli.exits import Exit
from schedlang.ir.nodes import Policy
from schedlang.prover.verdict import ProofReport
from schedlang.workload.trace import Asked, Left, Step, Switch, Wakeup
from schedlang_bpf.backend import BpfBackend
from schedlang_bpf.emit import emit
from tests.bpf.native import needs_zig
from tests.support.command_line import STARVING, WRONG, FakeBackend, Schedc


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "p.sched").write_text(STARVING)
    (tmp_path / "wrong.sched").write_text(WRONG)
    return tmp_path


@pytest.fixture
def defective(monkeypatch: pytest.MonkeyPatch) -> None:
    """The emitter forgets what is urgent."""

    def emit_wrong(_backend: BpfBackend, policy: Policy, proof: ProofReport) -> str:
        return emit(policy, proof).replace("nice_of(p) < 0", "false")

    monkeypatch.setattr(BpfBackend, "emit", emit_wrong)


@needs_zig
def test_no_divergence(schedc: Schedc, folder: Path) -> None:
    said = schedc("conform", "p.sched", "--traces", "20", "--seed", "7")
    assert said.status == Exit.FINE
    assert said.err == ""
    assert said.out.startswith("starving: emitted C against the reference machine, seed 7\n")
    assert said.out.endswith(": no divergence\n")


@needs_zig
@pytest.mark.usefixtures("defective")
def test_a_divergence_is_told_with_a_short_trace(schedc: Schedc, folder: Path) -> None:
    said = schedc("conform", "p.sched")
    assert said.status == Exit.CONFORMANCE
    assert "error[E1101]: the emitted C parts from the policy: " in said.err
    assert "p.sched:2:1" in said.err
    assert "the reference machine chooses from `urgent`" in said.err
    assert said.err.count(" is forked on CPU ") == 2
    assert "  waiting in `urgent`: task " in said.err


@needs_zig
@pytest.mark.usefixtures("defective")
def test_a_divergence_as_json(schedc: Schedc, folder: Path) -> None:
    said = schedc("conform", "p.sched", "--format", "json")
    told = json.loads(said.out)
    assert [d["code"] for d in told["diagnostics"]] == ["E1101"]
    divergence = told["conformance"]["divergence"]
    assert divergence["story"][0]["what"].startswith("task 0 is forked on CPU ")
    machine = {"cpus", "llcs", "nodes", "smt"}
    assert machine | {"trace", "params", "at_ns", "what", "story", "waiting"} == set(divergence)


def test_a_policy_with_errors(schedc: Schedc, folder: Path) -> None:
    assert schedc("conform", "wrong.sched").status == Exit.POLICY


def test_without_a_compiler(schedc: Schedc, folder: Path, backend: FakeBackend) -> None:
    backend.problem = EnvironmentProblem("there is no C compiler", "install one")
    said = schedc("conform", "p.sched")
    assert said.status == Exit.ENVIRONMENT
    assert "install one" in said.err


def test_in_a_kernel_the_policy_has_a_queue_more(
    schedc: Schedc, folder: Path, backend: FakeBackend
) -> None:
    said = schedc("conform", "p.sched", "--vm", "--format", "json")
    assert said.status == Exit.FINE
    assert json.loads(said.out)["observed"] == {
        "kernel": "7.3.4",
        "choices": 0,
        "divergence": None,
    }
    request = backend.request
    assert request is not None
    assert (request.topology.cpus, request.trace, request.deterministic) == (1, True, True)


def test_a_kernel_idles_beside_a_task(schedc: Schedc, folder: Path, backend: FakeBackend) -> None:
    backend.events = (
        Asked(0, 0, 7, Step.ARRIVES, 5_000),
        Wakeup(0, 0, 7, "hog", 0, False),
        Switch(9_000, 0, 8, "sh", Left.BLOCKED, 0, "swapper/0"),
    )
    said = schedc("conform", "p.sched", "--vm")
    assert said.status == Exit.CONFORMANCE
    assert "error[E1102]: the kernel idles where the reference machine runs `hog`[7]" in said.err
    assert "thread 7 arrives, at 5000 ns of the policy's clock" in said.err


def test_what_cannot_be_followed(schedc: Schedc, folder: Path, backend: FakeBackend) -> None:
    said = schedc("conform", "p.sched", "--vm", "-w", "build")
    assert said.status == Exit.USAGE
    assert "threads of the workload are forked" in said.err
    assert schedc("conform", "p.sched", "-w", "build").status == Exit.USAGE
