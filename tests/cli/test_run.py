"""`verify` and `run`: what they ask of the micro-VM, and what they say of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from schedlang.cli.exits import Exit
from schedlang.cli.passes import has_passed
from schedlang.cli.workload import GuestTask, task_workload
from schedlang.shapes import load_workload
from schedlang.topology import Topology
from tests.support.command_line import FIFO, STARVING, FakeBackend, Schedc, fails_with

IN_WORDS = "--i-know-this-replaces-the-running-scheduler"


@pytest.fixture(autouse=True)
def policies(schedc: Schedc) -> None:
    Path("a.sched").write_text(FIFO)
    Path("starving.sched").write_text(STARVING)


def test_what_is_asked_for_is_what_runs(schedc: Schedc, backend: FakeBackend) -> None:
    options = "--cpus 8 --llcs 2 --nodes 2 --smt 2 --kernel 6.12 --seconds 3".split()
    tasks = ("--task", "make:8:10", "--task", "nginx:6:0:runs 300us every 5ms")
    assert schedc("run", "a.sched", *options, *tasks).status == 0
    request = backend.request
    assert request is not None
    assert request.topology == Topology(8, 2, 2, 2)
    assert (request.kernel, request.boot_seed, request.trace) == ("6.12", None, False)
    tasks_asked = (GuestTask("make", 8, 10), GuestTask("nginx", 6, 0, (), 300, 4700))
    assert request.workload == task_workload(tasks_asked, 3)


def test_run_tells_of_queues_and_groups(schedc: Schedc, backend: FakeBackend) -> None:
    backend.ended = False
    said = schedc("run", "a.sched")
    assert said.status == 0
    assert said.out.splitlines() == [
        "kernel 7.3.4: loaded, attached to the end",
        "verified: 1234 instructions",
        "  queue  turns  mean wait  longest wait",
        "  tasks      3        3ms           4ms",
        "tasks: cut off after 5ms",
        "  group    threads  ended  ran  share  switches  migrations",
        "  hog            2      0  1us   0.0%         3           1",
        "  sleeper        2      0  1us   0.0%         3           1",
        "longest time without a CPU: 2us, in hog",
    ]
    assert backend.request is not None


def test_run_as_json(schedc: Schedc, backend: FakeBackend) -> None:
    document = json.loads(schedc("run", "--format", "json", "a.sched").out)
    assert document["kernel"]["queues"][0]["wait_max_ns"] == 4_000_000
    assert document["kernel"]["log"] == "the log"
    assert document["kernel"]["run"]["outcome"]["groups"][0]["wait_ns"] == 2_000
    assert document["kernel"]["run"]["longest_waits_ns"] == {"hog": 2_000, "sleeper": 2_000}
    assert document["kernel"]["run"]["provenance"]["object_sha256"] == "o"
    assert document["diagnostics"] == []
    assert backend.builds == 1


# --- workloads, commands, chance

ENDING = """\
[[group]]
name = "job"
phases = ["run 1ms"]
"""


def test_a_workload_runs_as_it_is_described(schedc: Schedc, backend: FakeBackend) -> None:
    Path("w.toml").write_text(ENDING)
    said = schedc("run", "a.sched", "-w", "w.toml", "--deterministic", "--seed", "7")
    assert said.status == 0, said.err
    assert "w: all threads ended after 5ms" in said.out
    request = backend.request
    assert request is not None
    assert request.workload == load_workload("./w.toml").workload
    assert (request.seed, request.boot_seed) == (7, 7)
    assert schedc("run", "a.sched", "-w", "messages", "--seconds", "0.5").status == 0
    assert backend.request is not None
    assert backend.request.workload.duration_ns == 500_000_000


def test_a_workload_that_does_not_end_is_an_error(schedc: Schedc, backend: FakeBackend) -> None:
    Path("w.toml").write_text(ENDING)
    backend.ended = False
    said = schedc("run", "a.sched", "-w", "w.toml")
    assert said.status == Exit.KERNEL
    assert "error[E0506]" in said.err
    assert "1 of job" in said.err
    assert schedc("run", "a.sched", "-w", "w.toml", "--seconds", "1").status == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("-w", "no-such-shape"), "E0705"),
        (("-w", "absent.toml"), "E0001"),
        (("-w", "messages", "--task", "x"), "exclude each other"),
        (("--command", "'"), "No closing quotation"),
        (("--command", " "), "no command"),
    ],
)
def test_what_is_no_workload(
    schedc: Schedc, backend: FakeBackend, options: tuple[str, ...], words: str
) -> None:
    said = schedc("run", "a.sched", *options)
    assert said.status != 0
    assert words in said.err
    assert backend.request is None


def test_a_command_runs_beside_tasks_or_alone(schedc: Schedc, backend: FakeBackend) -> None:
    assert schedc("run", "a.sched", "--command", "prog 'a b'", "--task", "x").status == 0
    request = backend.request
    assert request is not None
    assert request.command == ("prog", "a b")
    assert [group.name for group in request.workload.groups] == ["x"]
    schedc("run", "a.sched", "--command", "prog")
    assert backend.request is not None
    assert backend.request.workload.groups == ()
    assert backend.request.workload.duration_ns is None


def test_a_trace_is_drawn(schedc: Schedc, backend: FakeBackend) -> None:
    assert schedc("run", "a.sched", "--trace", "t.json", "--html", "t.html").status == 0
    assert backend.request is not None
    assert backend.request.trace
    events = json.loads(Path("t.json").read_text())["traceEvents"]
    assert any(event["name"] == "hog[7]" for event in events)
    assert "hog[7]" in Path("t.html").read_text()
    failed = schedc("run", "a.sched", "--trace", "absent/t.json")
    assert failed.status == Exit.ENVIRONMENT


def test_params_reach_the_kernel(schedc: Schedc, backend: FakeBackend) -> None:
    text = FIFO.replace("queue", "param q : duration = 4ms in 1ms..20ms\nqueue", 1)
    Path("a.sched").write_text(text)
    assert schedc("run", "a.sched", "--param", "q=2ms").status == 0
    assert backend.request is not None
    assert backend.request.params == (("q", 2_000_000),)
    assert schedc("run", "a.sched", "--param", "q=30ms").status == Exit.USAGE


def test_an_unproved_policy_runs_in_the_vm_and_says_so(
    schedc: Schedc, backend: FakeBackend
) -> None:
    said = schedc("run", "--unproved", "starving.sched")
    assert said.status == 0
    assert said.out.startswith("UNPROVED")
    assert "warning[E0301]" in said.err
    assert backend.builds == 1
    assert not Path("build").exists()


def test_only_what_went_well_is_a_pass(schedc: Schedc, backend: FakeBackend) -> None:
    fifo = b"ELF /* fifo, 3 findings */\n"
    assert not has_passed(fifo)
    backend.run_findings = fails_with("E0501")
    schedc("verify", "a.sched")
    assert not has_passed(fifo)
    backend.run_findings = ()
    assert schedc("verify", "a.sched").status == 0
    assert has_passed(fifo)
    schedc("run", "--unproved", "starving.sched")
    assert len(list(Path("state/schedc/passes").iterdir())) == 1


# --- the host


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--host",), "say so with"),
        (("--host", "--seconds", "5"), "say so with"),
        (("--host", IN_WORDS), "needs --seconds"),
        (("--host", IN_WORDS, "--seconds", "5", "--unproved"), "micro-VM only"),
        (("--host", IN_WORDS, "--seconds", "5", "--task", "x"), "its own tasks"),
    ],
)
def test_the_host_needs_all_the_words(
    schedc: Schedc, backend: FakeBackend, options: tuple[str, ...], words: str
) -> None:
    said = schedc("run", "a.sched", *options)
    assert said.status == Exit.USAGE
    assert words in said.err
    assert backend.builds == 0


def test_the_host_is_refused_an_object_that_has_not_passed(
    schedc: Schedc, backend: FakeBackend
) -> None:
    said = schedc("run", "a.sched", "--host", IN_WORDS, "--seconds", "1")
    assert said.status == Exit.ENVIRONMENT
    assert "error[E0603]" in said.err
    assert "has not passed in the micro-VM" in said.err
    assert backend.request is None


def test_no_variable_selects_the_host(
    schedc: Schedc, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOST", "IS_KNOWN", "UNPROVED", "I_KNOW_THIS_REPLACES_THE_RUNNING_SCHEDULER"):
        monkeypatch.setenv(f"SCHEDC_RUN_{name}", "1")
    assert schedc("run", "a.sched").status == 0
    assert backend.request is not None
    assert schedc("run", "starving.sched").status == Exit.REFUTED
