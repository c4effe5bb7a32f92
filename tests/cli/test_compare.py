"""`schedc compare`: what it runs, what it says, and when it refuses to say anything."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from schedlang import driver
from schedlang.backend import KernelReport, KernelRun
from tests.support.command_line import (
    FIFO,
    STARVING,
    WRONG,
    FakeBackend,
    Schedc,
    fails_with,
    ran_as_asked,
)

SHORT_TURNS = FIFO.replace("policy fifo", "policy turns").replace("4ms", "1ms")
LOAD = """\
duration = "200ms"

[[group]]
name = "hog"
threads = 3
phases = [["loop", "run 2ms"]]

[[group]]
name = "sleeper"
phases = [["loop", "run 300us", "sleep ~2ms"]]
"""
JOBS = """\
[[group]]
name = "job"
threads = 4
phases = ["run 1ms..9ms"]
"""
SIM = ("compare", "a.sched", "b.sched", "-w", "w.toml", "--sim")
VM = ("compare", "a.sched", "b.sched", "-w", "j.toml", "--seeds", "2")


@dataclass
class Kernels(FakeBackend):
    """Every policy is as good as every other, and does what the fake does."""

    runs: list[KernelRun] = field(default_factory=list)

    def run_many(self, runs: Sequence[KernelRun]) -> tuple[KernelReport, ...]:
        self.runs += runs
        return tuple(map(self._run, runs))

    def _run(self, run: KernelRun) -> KernelReport:
        name = "EEVDF" if run.policy is None else run.policy.name
        ran = None
        if not self.run_findings:
            ran = ran_as_asked(name, run.request, self.ended, ())
        return KernelReport("7.3.4", self.attached, (), ran, 1, self.run_findings, "")


@pytest.fixture
def kernels(monkeypatch: pytest.MonkeyPatch) -> Kernels:
    fake = Kernels()
    monkeypatch.setattr(driver, "load_backend", lambda: fake)
    return fake


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in {
        "a.sched": FIFO,
        "b.sched": SHORT_TURNS,
        "w.toml": LOAD,
        "j.toml": JOBS,
        "starving.sched": STARVING,
        "wrong.sched": WRONG,
    }.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_figures_are_replayed_to_the_byte(schedc: Schedc, folder: Path) -> None:
    first = schedc(*SIM, "--out", "s.jsonl", "--html", "1.html")
    again = schedc("compare", "--replay", "s.jsonl", "--html", "2.html")
    assert first.status == again.status == 0
    assert first.out == again.out != ""
    assert (folder / "1.html").read_bytes() == (folder / "2.html").read_bytes()
    documents = [
        schedc(*SIM, "--format", "json").out,
        schedc("compare", "--replay", "s.jsonl", "--format", "json").out,
    ]
    assert documents[0] == documents[1]


def test_the_reference_machine_has_no_eevdf_and_says_so(schedc: Schedc, folder: Path) -> None:
    said = schedc(*SIM)
    assert "EEVDF is not among them, fifo stands in its place" in said.out
    assert "p99 wakeup sleeper" in said.out
    assert "better" in said.out
    assert said.err == ""


def test_the_same_samples_come_out_each_time(schedc: Schedc, folder: Path) -> None:
    for name in ("1", "2"):
        assert schedc(*SIM, "--seeds", "3", "--out", name).status == 0
    assert (folder / "1").read_bytes() == (folder / "2").read_bytes()
    assert schedc(*SIM, "--seeds", "3", "--seed", "1", "--out", "3").status == 0
    assert (folder / "1").read_bytes() != (folder / "3").read_bytes()


def test_a_changed_file_is_refused(schedc: Schedc, folder: Path) -> None:
    schedc(*SIM, "--seeds", "2", "--out", "s.jsonl")
    data = (folder / "s.jsonl").read_text()
    (folder / "s.jsonl").write_text(data.replace('"makespan_ns":2', '"makespan_ns":1', 1))
    said = schedc("compare", "--replay", "s.jsonl")
    assert (said.status, said.out) == (11, "")
    assert "error[E1003]" in said.err
    assert "it was changed" in said.err
    assert schedc("compare", "--replay", "missing").status == 11
    assert schedc("compare", "--replay", ".").status == 11


def test_in_the_kernel_eevdf_is_always_there(
    schedc: Schedc, folder: Path, kernels: Kernels
) -> None:
    said = schedc(*VM, "--out", "s.jsonl")
    assert said.status == 0
    assert "fifo, turns against EEVDF: micro-VM (kernel 7.3.4), 2 CPUs, 2 seeds" in said.out
    names = [None if run.policy is None else run.policy.name for run in kernels.runs]
    assert names == [None, "fifo", "turns", None, "fifo", "turns", None, None]
    assert all(run.request.deterministic for run in kernels.runs)
    assert [run.request.machine_seed for run in kernels.runs] == [0] * 4 + [1] * 4
    lines = [json.loads(line) for line in (folder / "s.jsonl").read_text().splitlines()]
    assert [line["entry"]["seed"] for line in lines[1:-1]] == [0] * 4 + [1] * 4
    assert lines[1]["provenance"]["command"] == ["qemu"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"attached": False}, "the scheduler did not stay attached"),
        ({"ended": False}, "not all work was done; threads that had not ended: 4 of job"),
        ({"run_findings": fails_with("E0503")}, "the run left no figures"),
    ],
)
def test_it_refuses_to_tell_what_does_not_count(
    schedc: Schedc, folder: Path, kernels: Kernels, changes: dict[str, object], why: str
) -> None:
    for name, value in changes.items():
        setattr(kernels, name, value)
    said = schedc(*VM)
    assert said.out == ""
    assert why in said.err
    assert said.status == (6 if "run_findings" in changes else 11)


def test_refuted_and_wrong_policies_are_not_run(
    schedc: Schedc, folder: Path, kernels: Kernels
) -> None:
    assert schedc("compare", "starving.sched", "-w", "j.toml").status == 3
    assert schedc("compare", "wrong.sched", "-w", "j.toml").status == 1
    assert schedc("compare", "a.sched", "-w", "no-such-shape").status == 1
    assert kernels.runs == []


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("compare",), "name a policy"),
        (("compare", "a.sched"), "say on what"),
        (("compare", "a.sched", "-w", "j.toml", "--sim"), "has no EEVDF"),
        (("compare", "a.sched", "a.sched", "-w", "j.toml", "--sim"), "the same name"),
        ((*SIM, "-w", "w.toml"), "the same name"),
        ((*SIM, "--replay", "s"), "takes no policies"),
        ((*SIM, "--metric", "beauty"), "no run measured"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(
    schedc: Schedc, folder: Path, arguments: tuple[str, ...], why: str
) -> None:
    said = schedc(*arguments)
    assert said.status == 2
    assert why in " ".join(said.err.split())


def test_json_is_whole(schedc: Schedc, folder: Path) -> None:
    said = schedc(*SIM, "--format", "json", "--metric", "share")
    comparison = json.loads(said.out)["comparison"]
    assert comparison["baseline"] == "fifo"
    assert comparison["kernel"] is None
    assert comparison["enough_seeds"] is True
    assert {figure["metric"] for figure in comparison["figures"]} == {"share hog", "share sleeper"}
    assert all(len(figure["ratios"]) == 12 for figure in comparison["figures"])
