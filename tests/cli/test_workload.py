"""The tasks of a run: their notation, and the default ones that reach every queue."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedlang.cli.workload import (
    BadText,
    GuestTask,
    default_tasks,
    missed_queues,
    reaches,
    read_param,
    read_task,
    task_workload,
)
from schedlang.driver import Phase, Request, run
from schedlang.ir.nodes import Policy
from schedlang.workload.check import check
from schedlang.workload.model import Constant, Loop, Run, Sleep
from tests.support.command_line import FIFO

ROOT = Path(__file__).parents[2]


def compiled(text: str, folder: Path) -> Policy:
    path = folder / "p.sched"
    path.write_text(text)
    policy = run(Request(str(path), through=Phase.LOWER)).policy
    assert policy is not None
    return policy


@pytest.mark.parametrize(
    ("text", "task"),
    [
        ("make", GuestTask("make")),
        ("make:8", GuestTask("make", 8)),
        ("make:8:10", GuestTask("make", 8, 10)),
        ("make:8:-20:hog", GuestTask("make", 8, -20)),
        ("nginx:6:0:runs 300us every 5ms", GuestTask("nginx", 6, 0, (), 300, 4700)),
        ("a b:1:0:runs 1ms every 1s on 0,2-3", GuestTask("a b", 1, 0, (0, 2, 3), 1000, 999_000)),
        ("x:1:0:hog on 1", GuestTask("x", 1, 0, (1,))),
        ("x:1:0:on 1", GuestTask("x", 1, 0, (1,))),
    ],
)
def test_notation(text: str, task: GuestTask) -> None:
    assert read_task(text) == task


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "1 to 15"),
        ("sixteen_letters_", "1 to 15"),
        ("x:0", "a number of tasks is 1 to 1000"),
        ("x:many", "a number of tasks"),
        ("x:1:20", "a nice level is -20 to 19"),
        ("x:1:0:sleeps", "neither"),
        ("x:1:0:runs 5ms every 5ms", "is a `hog`"),
        ("x:1:0:runs 0us every 5ms", "is a `hog`"),
        ("x:1:0:runs 5 every 9", "neither"),
        ("x:1:0:hog on 3-1", "no CPU"),
        ("x:1:0:hog on ,", "CPUs are"),
        ("a\x1b", "printable"),
    ],
)
def test_what_is_no_task(text: str, words: str) -> None:
    with pytest.raises(BadText, match=words):
        read_task(text)


def test_tasks_as_groups() -> None:
    tasks = (GuestTask("make", 2), GuestTask("io", 1, 5, (1,), 300, 700), GuestTask("make", nice=9))
    workload = task_workload(tasks, 0.5)
    assert [group.name for group in workload.groups] == ["make", "io", "make#2"]
    assert check(workload) == ()
    io = workload.groups[1]
    assert (io.threads, io.comm, io.process, io.nice, io.cpus) == (1, "io", "io", 5, (1,))
    assert io.phases == (Loop(None, (Run(Constant(300_000)), Sleep(Constant(700_000)))),)
    assert workload.duration_ns == 500_000_000


@given(st.text(max_size=40))
def test_any_text_is_a_task_or_refused(text: str) -> None:
    try:
        task = read_task(text)
    except BadText:
        return
    assert task.count >= 1
    assert (task.run_us == 0) == (task.sleep_us == 0)


@pytest.mark.parametrize("name", ["fifo", "fair", "strict_priority", "web_server"])
def test_the_default_tasks_reach_what_can_be_reached(name: str, tmp_path: Path) -> None:
    policy = compiled((ROOT / f"examples/{name}.sched").read_text(), tmp_path)
    tasks = default_tasks(policy)
    assert missed_queues(policy, tasks) == ()
    assert {task.sleep_us > 0 for task in tasks} == {True, False}
    assert len(tasks) <= 2 + len(policy.queues)


def test_names_and_nice_levels_of_the_route_are_tried(tmp_path: Path) -> None:
    text = """policy p
queue named { global order fifo slice 1ms }
queue polite { global order fifo slice 1ms }
queue rest { global order fifo slice 1ms }
route { comm ~ "*cc1*" -> named  nice == 7 -> polite  else -> rest }
serve weighted { named: 1  polite: 1  rest: 1 }
"""
    policy = compiled(text, tmp_path)
    assert missed_queues(policy, default_tasks(policy)) == ()
    assert reaches(policy, GuestTask("cc1plus")) == {0}
    assert reaches(policy, GuestTask("x", nice=7)) == {1}


def test_a_queue_that_no_guest_task_can_reach_is_named(tmp_path: Path) -> None:
    text = FIFO.replace("route { else", "route { kthread -> kernel  else")
    text = text.replace("serve tasks", "serve weighted { tasks: 1  kernel: 1 }")
    policy = compiled(text + "queue kernel { global order fifo slice 1ms }\n", tmp_path)
    assert missed_queues(policy, default_tasks(policy)) == ("kernel",)


def test_params(tmp_path: Path) -> None:
    text = FIFO.replace(
        "queue tasks {",
        "param q : duration = 4ms in 1ms..20ms\nparam s : share = 5% in 5%..9%\nqueue tasks {",
    )
    policy = compiled(text, tmp_path)
    assert read_param("q=1500us", policy) == ("q", 1_500_000)
    assert read_param("s=7%", policy) == ("s", 7)
    for bad in ("q", "q=", "q=4", "q=30ms", "q=1e3ms", "s=7", "s=10%", "x=1", "q=4ms=5ms"):
        with pytest.raises(BadText):
            read_param(bad, policy)
