"""`schedc sim`: what it says, what it writes, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command_line import FIFO, STARVING, WRONG, Schedc

LOAD = """\
[[group]]
name = "job"
threads = 3
phases = [["loop 4", "run 2ms..4ms", "sleep ~1ms"], "begin tail", "run 1ms", "end tail"]

[[group]]
name = "tick"
phases = [["loop 3", "run 1ms", "every 3ms"]]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "p.sched").write_text(FIFO)
    (tmp_path / "w.toml").write_text(LOAD)
    return tmp_path


def test_it_tells_who_got_what_and_draws_it(schedc: Schedc, folder: Path) -> None:
    said = schedc("sim", "p.sched", "-w", "./w.toml", "--cpus", "2", "--seed", "3")
    assert said.status == 0
    assert said.err == ""
    head = said.out.splitlines()[0]
    assert head.startswith("w under fifo, simulated: 2 CPUs, seed 3, ")
    for word in ("job", "tick", "share", "migrations", "wake-up", "request tail", "CPU 1", "job#2"):
        assert word in said.out


def test_json_holds_all_of_it(schedc: Schedc, folder: Path) -> None:
    said = schedc("sim", "p.sched", "-w", "w.toml", "--format", "json", "--tick", "1ms")
    assert said.status == 0
    document = json.loads(said.out)
    assert document["diagnostics"] == []
    simulation = document["simulation"]
    assert simulation["machine"] == {"cpus": 2, "llcs": 1, "nodes": 1, "smt": 1}
    assert (simulation["seed"], simulation["tick_ns"], simulation["stuck"]) == (0, 10**6, False)
    groups = simulation["outcome"]["groups"]
    assert [group["group"] for group in groups] == ["job", "tick"]
    assert [group["ended"] for group in groups] == [3, 1]
    assert groups[0]["requests"]["tail"]["count"] == 3
    assert groups[0]["passes"] == 12
    assert len(simulation["waits"]) == 2
    assert simulation["events"]["dispatches"] == sum(wait["count"] for wait in simulation["waits"])


def test_files_are_written_beside_what_is_said(schedc: Schedc, folder: Path) -> None:
    said = schedc("sim", "p.sched", "-w", "w.toml", "--trace", "t.json", "--html", "t.html")
    assert said.status == 0
    trace = json.loads((folder / "t.json").read_text())
    events = trace["traceEvents"]
    turns = [event for event in events if event["ph"] == "X" and event["pid"] == 1]
    assert {event["tid"] for event in turns} == {0, 1}
    assert {event["name"] for event in turns} == {"job#0", "job#1", "job#2", "tick"}
    assert all(event["dur"] > 0 for event in events if event["ph"] == "X")
    assert {event["args"]["queue"] for event in turns} == {"tasks"}
    page = (folder / "t.html").read_text()
    for word in ("queue tasks", "run 2ms..4ms", "tick", "<svg"):
        assert word in page


def test_a_shape_is_named_without_a_path(schedc: Schedc, folder: Path) -> None:
    said = schedc("sim", "p.sched", "-w", "ping-pong", "--format", "json")
    assert json.loads(said.out)["simulation"]["outcome"]["workload"] == "ping-pong"


def test_params_are_set(schedc: Schedc, folder: Path) -> None:
    text = FIFO.replace("\nqueue", "\nparam q : duration = 4ms in 1ms..50ms\nqueue").replace(
        "slice 4ms", "slice q"
    )
    (folder / "q.sched").write_text(text)
    arguments = ("sim", "q.sched", "-w", "batch-blind", "--format", "json")
    short = json.loads(schedc(*arguments, "--param", "q=1ms").out)["simulation"]
    long = json.loads(schedc(*arguments, "--param", "q=50ms").out)["simulation"]
    assert (short["params"], long["params"]) == ({"q": 10**6}, {"q": 50 * 10**6})
    assert short["events"]["preemptions"] > 5 * long["events"]["preemptions"]


def test_a_policy_that_starves_may_be_watched(schedc: Schedc, folder: Path) -> None:
    (folder / "s.sched").write_text(STARVING)
    load = 'duration = "1s"\n'
    for name, nice in (("rich", -5), ("poor", 0)):
        phases = 'phases = [["loop", "run 5ms"]]'
        load += f'[[group]]\nname = "{name}"\nthreads = 2\nnice = {nice}\n{phases}\n'
    (folder / "s.toml").write_text(load)
    said = schedc("sim", "s.sched", "-w", "s.toml", "--format", "json")
    assert said.status == 0
    rich, poor = json.loads(said.out)["simulation"]["outcome"]["groups"]
    assert (rich["wait_ns"], poor["run_ns"]) == (0, 0)


@pytest.mark.parametrize("form", ["human", "concise", "json"])
def test_wrong_policy_and_wrong_workload_are_told_together(
    schedc: Schedc, folder: Path, form: str
) -> None:
    (folder / "x.sched").write_text(WRONG)
    (folder / "x.toml").write_text(LOAD.replace("run 2ms", "ran 2ms").replace("threads", "thread"))
    said = schedc("sim", "x.sched", "-w", "x.toml", "--format", form)
    assert said.status == 1
    text = said.out + said.err
    for part in ("E0201", "E0702", "E0703", "x.sched", "x.toml"):
        assert part in text
    if form != "json":
        assert said.out == ""
        assert ":4:" in text


@pytest.mark.parametrize("form", ["human", "concise", "json"])
@pytest.mark.parametrize(
    ("workload", "code"),
    [("nothing", "E0705"), ("./nothing", "E0001"), (".", "E0705"), ("./", "E0001")],
)
def test_a_workload_that_is_not_there(
    schedc: Schedc, folder: Path, form: str, workload: str, code: str
) -> None:
    said = schedc("sim", "p.sched", "-w", workload, "--format", form)
    assert said.status == 1
    assert code in said.out + said.err


def test_a_group_without_a_cpu_is_refused(schedc: Schedc, folder: Path) -> None:
    (folder / "c.toml").write_text(LOAD.replace("threads = 3", 'cpus = "2-5"'))
    refused = schedc("sim", "p.sched", "-w", "c.toml", "--cpus", "2")
    assert refused.status == 1
    assert "E0704" in refused.err
    assert schedc("sim", "p.sched", "-w", "c.toml", "--cpus", "3").status == 0


def test_a_run_that_stands_still_is_an_error(schedc: Schedc, folder: Path) -> None:
    text = '[[group]]\nname = "NAME"\nphases = ["run 1ms", "receive IN", "send OUT"]\n'
    crossed = [text.replace("NAME", "a").replace("IN", "x").replace("OUT", "y")]
    crossed += [text.replace("NAME", "b").replace("IN", "y").replace("OUT", "x")]
    (folder / "d.toml").write_text("".join(crossed))
    said = schedc("sim", "p.sched", "-w", "d.toml")
    assert said.status == 1
    assert "E0707" in said.err
    assert "stands still" in said.err


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("-w", "tenants", "--tick", "1ns"),
        ("-w", "tenants", "--tick", "soon"),
        ("-w", "tenants", "--seed", "-1"),
        ("-w", "tenants", "--cpus", "3", "--smt", "2"),
        ("-w", "tenants", "--param", "q=1"),
    ],
)
def test_a_wrong_command_line(schedc: Schedc, folder: Path, arguments: tuple[str, ...]) -> None:
    assert schedc("sim", "p.sched", *arguments).status == 2


@pytest.mark.parametrize("option", ["--trace", "--html"])
def test_a_file_that_cannot_be_written(schedc: Schedc, folder: Path, option: str) -> None:
    said = schedc("sim", "p.sched", "-w", "w.toml", option, "no/such/folder/file")
    assert said.status == 7
    assert "E0602" in said.err


def test_hostile_names_break_out_of_nothing(schedc: Schedc, folder: Path) -> None:
    hostile = LOAD.replace('name = "job"', 'name = "job"\ncomm = "</script><b>"')
    documentation = 'documentation = "</script><script>alert(1)</script>\\u001b[31m"\n'
    (folder / "h.toml").write_text(documentation + hostile)
    said = schedc("sim", "p.sched", "-w", "h.toml", "--html", "h.html", "--trace", "h.json")
    assert said.status == 0
    page = (folder / "h.html").read_text()
    assert "<script>alert" not in page
    assert "<b>" not in page
    assert "\x1b" not in said.out + page
    json.loads((folder / "h.json").read_text())
