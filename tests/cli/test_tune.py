"""`schedc tune`: what it refuses, what it writes, and that a kernel's bpftool takes it."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from pathlib import Path

import pytest

from schedlang.backend import Built, EnvironmentProblem, KernelReport, RunRequest
from schedlang.cli import host as hosts
from schedlang.cli.host import Host
from schedlang.cli.tuner import MAP, read_params, tune_host, update_command
from schedlang.cli.workload import GuestTask, task_workload
from schedlang.ir.nodes import Policy
from schedlang.prover.verdict import ProofReport
from schedlang.topology import Topology
from schedlang_bpf.backend import BpfBackend
from schedlang_vm.toolbox import Toolbox
from tests.support.command_line import Schedc
from tests.support.policies import compiled

TEXT = """policy tuned
param least   : count    = 2
param quantum : duration = 4ms in 1ms..100ms
param floor   : share    = 10% in 5%..20%
queue a { global  order fifo  slice quantum }
queue b { global  order fifo  slice quantum }
route { nice < least -> a  else -> b }
serve strict { a  b }
guard b at least floor
"""


def dumped(**params: int) -> str:
    value = {".data": [{"params": params}]}
    return json.dumps([{"key": ["0x00"], "value": [], "formatted": {"key": 0, "value": value}}])


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """On which `tuned` is loaded. A script stands for bpftool and notes what it is called with."""
    sched_ext = tmp_path / "sched_ext"
    (sched_ext / "root").mkdir(parents=True)
    (sched_ext / "state").write_text("enabled\n")
    (sched_ext / "root/ops").write_text("tuned\n")
    (tmp_path / "dump").write_text(dumped(quantum=4_000_000, floor=10))
    bpftool = tmp_path / "bpftool"
    bpftool.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/calls\ncat {tmp_path}/dump\n')
    bpftool.chmod(0o755)
    return Host(sched_ext, tmp_path, True, str(bpftool), True)


def calls(host: Host) -> list[str]:
    return (host.bpf / "calls").read_text().splitlines()


def test_one_value_is_changed_and_the_others_stay(host: Host) -> None:
    before = tune_host(host, compiled(TEXT), {"floor": 15})
    assert before == {"quantum": 4_000_000, "floor": 10}
    written = bytes(map(int, calls(host)[-1].split(" value ")[1].split()))
    assert struct.unpack("<2q", written) == (4_000_000, 15)


def test_what_is_refused(host: Host) -> None:
    policy = compiled(TEXT)
    unfit = {
        "needs root": replace(host, is_root=False),
        "bpftool is not installed": replace(host, bpftool=None),
        "cannot be reached": replace(host, bpftool="/bin/false"),
    }
    for words, machine in unfit.items():
        with pytest.raises(EnvironmentProblem, match=words):
            tune_host(machine, policy, {"floor": 15})
    with pytest.raises(EnvironmentProblem, match="not the params of policy"):
        tune_host(host, compiled(TEXT.replace("quantum", "turn")), {"floor": 15})
    (host.sched_ext / "root/ops").write_text("another\n")
    with pytest.raises(EnvironmentProblem, match="runs the scheduler `another`"):
        tune_host(host, policy, {"floor": 15})
    (host.sched_ext / "state").write_text("disabled\n")
    with pytest.raises(EnvironmentProblem, match="no sched_ext scheduler"):
        tune_host(host, policy, {"floor": 15})
    assert not [call for call in calls(host) if "update" in call]


def test_the_command(schedc: Schedc, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("p.sched").write_text(TEXT)
    monkeypatch.setattr(hosts, "this_host", lambda: host)
    said = schedc("tune", "p.sched", "quantum=8ms", "floor=5%")
    assert (said.status, said.out) == (0, "quantum: 4ms -> 8ms\nfloor: 10% -> 5%\n")
    told = json.loads(schedc("tune", "p.sched", "quantum=8ms", "--format", "json").out)
    assert told["tuned"] == [{"param": "quantum", "old": 4_000_000, "new": 8_000_000}]


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("quantum=200ms", "outside the range"),
        ("quantum=8", "no duration"),
        ("quantm=8ms", "no param"),
        ("least=3", "outside the range"),
        ("least=2", "is a constant"),
    ],
)
def test_a_value_has_to_lie_in_its_range(schedc: Schedc, setting: str, words: str) -> None:
    Path("p.sched").write_text(TEXT)
    for command in (
        ("tune", "p.sched", setting),
        ("sim", "p.sched", "-w", "tickers", "--tune", f"1s:{setting}"),
    ):
        said = schedc(*command)
        assert said.status == 2
        assert words in said.err


def test_a_tune_says_when(schedc: Schedc) -> None:
    Path("p.sched").write_text(TEXT)
    said = schedc("sim", "p.sched", "-w", "tickers", "--tune", "quantum=8ms")
    assert said.status == 2
    assert "does not say when" in said.err
    assert schedc("sim", "p.sched", "-w", "tickers", "--tune", "1s:quantum=8ms").status == 0


# --- in a kernel


def in_vm(policy: Policy, toolbox: Toolbox, *arguments: str) -> KernelReport:
    """`arguments` are given to bpftool, the map's name as it is there, while hogs run."""
    backend = BpfBackend()
    built = backend.build(backend.emit(policy, ProofReport(())), policy)
    assert isinstance(built, Built)
    words = [word.replace(MAP, "object.data") for word in arguments]
    command = (str(toolbox.tool("bpftool").elf), *words)
    workload = task_workload((GuestTask("hog", count=2),), 1)
    request = RunRequest(Topology(1), workload, command=command, deterministic=True, trace=True)
    report = backend.run(built.object, policy, request)
    assert report.diagnostics == ()
    assert report.ran is not None
    assert report.ran.command_status == 0, report.ran.said
    return report


@pytest.mark.vm
def test_bpftool_tells_the_params_by_name_and_writes_them(toolbox: Toolbox) -> None:
    policy = compiled(TEXT)
    dump = in_vm(policy, toolbox, "-j", "map", "dump", "name", MAP)
    assert dump.ran is not None
    assert read_params(dump.ran.said, policy) == {"quantum": 4_000_000, "floor": 10}
    words = update_command(struct.pack("<2q", 100_000_000, 10))
    written = in_vm(policy, toolbox, *words)
    assert written.ran is not None
    # Turns are 25 times as long as before.
    assert dump.ran.outcome.groups[0].switches > 3 * written.ran.outcome.groups[0].switches
