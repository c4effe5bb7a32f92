"""Workloads as the guest's player reads them, and the player itself, run on this machine.

Nothing here depends on how fast the machine is: sleeps and CPU time are only bounded from below.
"""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedlang.workload.draws import Stream, stream_start
from schedlang.workload.model import (
    Barrier,
    Begin,
    Cgroup,
    Constant,
    End,
    Exponential,
    Fork,
    Group,
    Join,
    Length,
    Lock,
    Loop,
    Phase,
    Receive,
    Run,
    Send,
    Sleep,
    Tick,
    Uniform,
    Unlock,
    Workload,
)
from schedlang_vm.freestanding import player_program
from schedlang_vm.program import Played, cgroup_lines, compiled, played
from schedlang_vm.toolbox import Toolbox

MS = 1_000_000
SECOND = 1000 * MS
Play = Callable[[Workload, int], Played]


def group(name: str, threads: int, *phases: Phase) -> Group:
    return Group(name, threads, name, name, phases)


def workload(*groups: Group, duration_ns: int | None = None) -> Workload:
    return Workload("w", "", groups, duration_ns=duration_ns)


@pytest.fixture(scope="session")
def play(toolbox: Toolbox, tmp_path_factory: pytest.TempPathFactory) -> Play:
    folder = tmp_path_factory.mktemp("player")
    player = folder / "player"
    player.write_bytes(player_program(toolbox.tool("clang")))
    player.chmod(0o755)

    def run(load: Workload, seed: int = 0) -> Played:
        words = compiled(load, seed, 64, load.duration_ns or 60 * SECOND)
        (folder / "program").write_bytes(words)
        command = [str(player), "p", str(folder / "program"), str(folder / "outcome")]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stdout.readline() == b"1\n"
            process.stdin.write(b"go\n")
            process.stdin.flush()
            assert process.stdout.readline() == b"2\n"
        return played((folder / "outcome").read_bytes(), load)

    return run


# --- the player


def test_threads_draw_what_the_simulator_draws(play: Play) -> None:
    lengths: tuple[Length, ...] = (
        Uniform(MS, 20 * MS),
        Exponential(5 * MS),
        Constant(2 * MS),
        Uniform(5, 5),
    )
    phases = tuple(Sleep(length) for length in lengths)
    groups = tuple(replace(group(f"g{n}", 1, *phases), start=lengths[n % 4]) for n in range(12))
    ran = play(workload(*groups), 77)
    for number, found in enumerate(ran.groups):
        stream = Stream(stream_start(77, number, 0))
        expected_ns = sum(map(stream.draw, (lengths[number % 4], *lengths)))
        assert found.ended_ns is not None
        assert found.ended_ns >= expected_ns, number


def test_a_run_is_cpu_time(play: Play) -> None:
    ran = play(workload(group("a", 3, Run(Uniform(MS, 9 * MS)))), 3)
    expected_ns = sum(Stream(stream_start(3, 0, n)).draw(Uniform(MS, 9 * MS)) for n in range(3))
    assert ran.groups[0].run_ns >= expected_ns
    assert ran.all_ended
    assert ran.makespan_ns == ran.groups[0].ended_ns


def test_messages_locks_and_requests(play: Play) -> None:
    ask = Loop(20, (Begin("ask"), Send("work", 2), Receive("answer", 2), End("ask")))
    serve = Loop(20, (Receive("work"), Lock("m"), Run(Constant(1000)), Unlock("m"), Send("answer")))
    ran = play(workload(group("client", 2, ask), group("server", 4, serve)), 0)
    client, server = ran.groups
    assert (client.ended, server.ended) == (2, 4)
    assert (client.passes, server.passes) == (40, 80)
    ((name, asked),) = client.requests
    assert (name, asked.count) == ("ask", 40)
    assert 0 < asked.p50_ns <= asked.p99_ns <= asked.max_ns <= asked.total_ns
    assert 0 < client.wakeups.count <= 80


def test_barriers_let_nobody_ahead(play: Play) -> None:
    round_ = (Run(Uniform(1000, MS)), Barrier("b", 5))
    ran = play(workload(group("a", 5, Loop(30, round_))), 0)
    assert ran.groups[0].passes == 150
    assert ran.groups[0].wakeups.count <= 30 * 4


def test_children_are_counted_and_waited_for(play: Play) -> None:
    groups = (
        group("top", 1, Loop(3, (Fork("mid", 2), Join()))),
        Group("mid", 0, "mid", "top", (Fork("leaf", 3), Fork("other"), Join())),
        Group("leaf", 0, "leaf", "leaves", (Sleep(Constant(MS)),)),
        group("other", 0, Run(Constant(1000))),
    )
    ran = play(workload(*groups), 0)
    assert [g.threads for g in ran.groups] == [1, 6, 18, 6]
    assert ran.all_ended
    ends = [g.ended_ns or 0 for g in ran.groups]
    assert ends[0] >= ends[1] >= max(ends[2:])
    assert ends[0] >= 3 * MS


def test_a_late_tick_is_missed_and_an_early_one_slept_for(play: Play) -> None:
    late = group("late", 1, Run(Constant(4 * MS)), Tick(MS), Tick(MS), Tick(1000 * MS))
    ran = play(workload(late), 0)
    assert ran.groups[0].missed == 2
    assert ran.groups[0].wakeups.count == 1
    assert (ran.groups[0].ended_ns or 0) >= 1002 * MS


def test_a_run_is_cut_off(play: Play) -> None:
    never = group("never", 1, Receive("nothing"))
    busy = group("busy", 2, Loop(None, (Loop(3, (Run(Constant(10_000)),)),)))
    ran = play(workload(never, busy, duration_ns=200 * MS), 0)
    assert not ran.all_ended
    assert ran.elapsed_ns >= 200 * MS
    assert ran.makespan_ns == ran.elapsed_ns
    assert ran.groups[0].run_ns < ran.groups[1].run_ns
    assert [g.ended_ns for g in ran.groups] == [None, None]


def test_too_many_threads_are_told_of(play: Play) -> None:
    groups = (group("top", 1, Fork("leaf", 3000)), group("leaf", 0, Sleep(Constant(SECOND))))
    assert "forked threads" in play(workload(*groups, duration_ns=100 * MS), 0).problem


# --- the format


def test_cgroups_are_made_parents_first() -> None:
    a = replace(group("a", 1, Run(Constant(1))), cgroup="/x/y")
    load = replace(workload(a), cgroups=(Cgroup("/x", 200), Cgroup("/z", 7)))
    assert cgroup_lines(load) == "x|200\nx/y|100\nz|7\n"


@pytest.mark.parametrize("name", ["", "a" * 16, "é" * 8, "a\nb", "a\0b", "\x1b[2J"])
def test_names_that_no_thread_can_have_are_refused(name: str) -> None:
    for bad in (Group("g", 1, name, "ok", ()), Group("g", 1, "ok", name, ())):
        with pytest.raises(ValueError, match="a thread's name"):
            compiled(workload(bad), 0, 2, SECOND)


@pytest.mark.parametrize(
    "path", ["a", "/../a", "/a/../b", "/a//b", "/a b", "/$(x)", "/a/", "/.", ""]
)
def test_unfit_cgroup_paths_are_refused(path: str) -> None:
    with pytest.raises(ValueError, match="cgroup"):
        compiled(workload(replace(group("a", 1), cgroup=path)), 0, 2, SECOND)


def test_what_the_guest_cannot_do_is_refused() -> None:
    inner = replace(group("a", 1), cgroup="/a")
    outer = replace(group("b", 1), cgroup="/a/b")
    deep: Phase = Run(Constant(1))
    for _ in range(9):
        deep = Loop(2, (deep,))
    requests = tuple(phase for n in range(9) for phase in (Begin(f"r{n}"), End(f"r{n}")))
    for bad, words in (
        (workload(inner, outer), "cgroups below"),
        (workload(replace(group("a", 1), cpus=(7,))), "none of the CPUs"),
        (workload(group("a", 2049)), "at most 2048 threads"),
        (workload(group("a", 1, deep)), "more than 8 loops"),
        (workload(group("a", 1, *requests)), "more than 8 kinds of requests"),
        (workload(group("a", 1, Fork("nobody"))), "no group `nobody`"),
    ):
        with pytest.raises(ValueError, match=words):
            compiled(bad, 0, 2, SECOND)
    with pytest.raises(ValueError, match="zero bytes"):
        compiled(workload(), 0, 2, SECOND, ("/out", "a\0b"))


def test_a_program_is_the_same_for_the_same_workload() -> None:
    load = workload(group("a", 1, Loop(3, (Send("c"), Lock("m"), Unlock("m"), Receive("c")))))
    assert compiled(load, 1, 2, SECOND) == compiled(load, 1, 2, SECOND)
    assert compiled(load, 1, 2, SECOND) != compiled(load, 2, 2, SECOND)


@given(st.binary(max_size=2000))
def test_a_damaged_answer_is_refused(words: bytes) -> None:
    with pytest.raises(ValueError, match="answer"):
        played(words, workload(group("a", 1), group("b", 1), *(group(f"{n}", 1) for n in range(9))))


def test_an_answer_with_an_unknown_problem_is_refused() -> None:
    with pytest.raises(ValueError, match="answer"):
        played(struct.pack("<4Q", 99, 0, 0, 0), workload())
