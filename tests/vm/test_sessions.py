"""Loads hand-written schedulers into real kernels; every outcome comes from the kernel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from schedlang.workload.draws import Stream, stream_start
from schedlang.workload.model import (
    Constant,
    Exponential,
    Fork,
    Group,
    Join,
    Length,
    Loop,
    Phase,
    Run,
    Sleep,
    Uniform,
    Workload,
)
from schedlang.workload.trace import Switch, Wakeup
from schedlang_vm.api import (
    Accepted,
    Ejected,
    GuestFailed,
    InitFailed,
    Kernel,
    LoadFailed,
    Plan,
    RunReport,
    Toolbox,
    Topology,
    VerifierRejected,
    run,
    run_many,
    verify,
    verify_many,
)

pytestmark = pytest.mark.vm

Scheduler = Callable[[str], bytes]
TIMEOUT_S = 300.0
ONE, TWO = Topology(1), Topology(2)
MS = 1_000_000
HOG = Loop(None, (Run(Constant(1000 * MS)),))


def group(name: str, comm: str, *phases: Phase) -> Group:
    return Group(name, 1, comm, comm, phases)


def hogs(threads: int) -> Group:
    return Group("hog", threads, "hog", "hog", (HOG,))


def naps(name: str, run_us: int, sleep_us: int) -> Group:
    run, sleep = Run(Constant(run_us * 1000)), Sleep(Constant(sleep_us * 1000))
    return group(name, name, Loop(None, (run, sleep)))


def workload(*groups: Group, seconds: float) -> Workload:
    return Workload("w", "", groups, duration_ns=round(seconds * 1e9))


def test_each_outcome_is_told_apart(scheduler: Scheduler, kernel: Kernel) -> None:
    names = ("fifo", "null_prev", "init_fails", "bad_queue", "unknown_kfunc", "fifo")
    objects = {f"{i}-{name}": scheduler(name) for i, name in enumerate(names)}
    fifo, null_prev, init_fails, bad_queue, unknown, again = verify_many(
        objects, kernel=kernel, topology=TWO, timeout_s=TIMEOUT_S
    )
    for report in (fifo, again):
        assert report.outcome == Accepted("fifo"), report
        assert [program.name for program in report.programs] == ["fifo_enqueue"]
        assert report.programs[0].verified_insns > 10
        assert isinstance(report.stats, list)
    assert isinstance(null_prev.outcome, VerifierRejected)
    assert null_prev.outcome.location is not None
    assert (null_prev.outcome.location.file, null_prev.outcome.location.line) == (
        *("policy.sched", 12),
    )
    assert isinstance(init_fails.outcome, InitFailed)
    assert init_fails.outcome.code == -22
    assert isinstance(bad_queue.outcome, Ejected)
    assert bad_queue.outcome.kind == "runtime error"
    assert isinstance(unknown.outcome, LoadFailed)
    assert "scx_bpf_no_such_thing" in unknown.outcome.message


def test_a_stall_is_watched_coming_true(scheduler: Scheduler, kernel: Kernel) -> None:
    load = workload(hogs(3), naps("io", 500, 2000), seconds=6)
    report = run(Plan("stall", scheduler("stall"), load, kernel, TWO, boot_seed=1), TIMEOUT_S)
    assert isinstance(report.outcome, Ejected)
    assert report.outcome.kind == "runnable task stall"
    assert not report.attached_throughout
    assert report.played is not None
    assert max(report.played.longest_wait_ns) > 1.5e9
    assert all(group.run_ns > 0 for group in report.played.groups)


def test_a_waiting_thread_is_seen_before_the_watchdog_sees_it(
    scheduler: Scheduler, toolbox: Toolbox
) -> None:
    load = workload(hogs(4), seconds=1)
    plan = Plan("stall", scheduler("stall"), load, toolbox.newest(), TWO, boot_seed=1)
    report = run(plan, TIMEOUT_S)
    assert isinstance(report.outcome, Accepted)
    assert report.played is not None
    assert report.played.longest_wait_ns[0] > 0.95 * report.played.elapsed_ns
    # Four threads, of which those that never ran waited all the time.
    assert report.played.groups[0].wait_ns > 1.9 * report.played.elapsed_ns


MIXED = workload(
    group("plain", "hog $(x)", HOG),
    replace(group("nice", "nice", HOG), nice=10),
    replace(group("batch", "batch", Run(Constant(100 * MS))), cgroup="/a/b"),
    replace(naps("io", 500, 4000), process="pool", threads=2, cpus=(0,)),
    seconds=1,
)


def mixed(scheduler: Scheduler, kernel: Kernel) -> list[Plan]:
    """Under a fifo, under the kernel's own scheduler, and under the fifo again."""
    named = {"fifo": scheduler("fifo"), "EEVDF": None, "again": scheduler("fifo")}
    return [Plan(n, obj, MIXED, kernel, ONE, 3, 3, trace=n == "fifo") for n, obj in named.items()]


def test_a_fifo_ignores_nice_and_eevdf_does_not(scheduler: Scheduler, kernel: Kernel) -> None:
    """In one boot, and with a trace of the first run."""
    fifo, eevdf, again = run_many(mixed(scheduler, kernel), TIMEOUT_S)
    assert fifo.attached_throughout
    assert again.attached_throughout
    assert not eevdf.attached_throughout
    assert [p.name for p in again.load.programs] == [p.name for p in fifo.load.programs]
    assert fifo.played is not None
    assert eevdf.played is not None
    plain, nice, batch, io = fifo.played.groups
    assert 0.7 < plain.run_ns / nice.run_ns < 1.4
    assert batch.ended_ns is not None
    assert 100e6 <= batch.run_ns < 103e6
    assert io.passes > 5
    assert io.wakeups.count >= io.passes - 2
    assert sum(group.run_ns for group in fifo.played.groups) > 0.95 * fifo.played.elapsed_ns
    assert eevdf.played.groups[0].run_ns > 4 * eevdf.played.groups[1].run_ns
    see_the_same_in_the_trace(fifo)


def see_the_same_in_the_trace(report: RunReport) -> None:
    assert report.trace is not None
    assert report.played is not None
    assert report.trace.dropped == 0
    switches = [event for event in report.trace.events if isinstance(event, Switch)]
    for before, after in pairwise(switches):
        assert (before.after, before.cpu) == (after.before, after.cpu)
        assert before.at_ns <= after.at_ns
    comms = ("hog $(x)", "nice", "batch", "io")
    for comm, told in zip(comms, report.played.groups, strict=True):
        starts = [event for event in switches if event.after_comm == comm]
        assert abs(len(starts) - told.switches) <= 2 * told.threads
        woken = {event.tid for event in report.trace.events if isinstance(event, Wakeup)}
        assert {event.after for event in starts} <= woken
    traced_ns = sum(b.at_ns - a.at_ns for a, b in pairwise(switches) if a.after_comm == "nice")
    assert traced_ns == pytest.approx(report.played.groups[1].run_ns, rel=0.05)


def test_a_seed_makes_runs_repeat_to_the_bit(scheduler: Scheduler, toolbox: Toolbox) -> None:
    plans = mixed(scheduler, toolbox.newest())[:2]
    first, second = (run_many(plans, TIMEOUT_S) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert replace(one.load, wall_s=0) == replace(other.load, wall_s=0)
        assert one.played == other.played
        assert (one.begin, one.end, one.trace) == (other.begin, other.end, other.trace)


def test_lengths_are_those_of_the_seed_and_forks_are_told_apart(toolbox: Toolbox) -> None:
    """What a thread sleeps and runs, against the simulator's own draws, almost to the bit."""
    lengths: tuple[Length, ...] = (Uniform(MS, 20 * MS), Exponential(5 * MS), Constant(2 * MS))
    sleepers = tuple(
        replace(group(f"g{n}", f"g{n}", *map(Sleep, lengths)), start=lengths[n]) for n in range(3)
    )
    parent = group("parent", "parent", Fork("child", 3), Join())
    child = Group("child", 0, "child", "kids", (Run(Uniform(MS, 9 * MS)),), nice=5, cpus=(1,))
    load = Workload("w", "", (*sleepers, parent, child))
    report = run(Plan("EEVDF", None, load, toolbox.newest(), TWO, 9, 9, trace=True), TIMEOUT_S)
    assert report.played is not None
    for number, found in enumerate(report.played.groups[:3]):
        stream = Stream(stream_start(9, number, 0))
        expected_ns = sum(map(stream.draw, (lengths[number], *lengths)))
        assert 0 <= (found.ended_ns or 0) - expected_ns < MS
    children = report.played.groups[4]
    streams = [Stream(stream_start(9, 4, n)) for n in range(3)]
    expected_ns = sum(stream.draw(Uniform(MS, 9 * MS)) for stream in streams)
    assert 0 < children.run_ns - expected_ns < 2 * MS
    assert report.trace is not None
    turns = [e for e in report.trace.events if isinstance(e, Switch) and e.after_comm == "child"]
    assert {event.cpu for event in turns if event.at_ns > turns[0].at_ns + MS} <= {1}
    new = [e.comm for e in report.trace.events if isinstance(e, Wakeup) and e.is_new]
    assert [comm for comm in new if "kworker" not in comm] == ["kids", *["child"] * 3]


def test_params_reach_the_scheduler(scheduler: Scheduler, toolbox: Toolbox) -> None:
    plan = Plan(
        *("fifo", scheduler("fifo"), workload(hogs(2), seconds=1), toolbox.newest(), ONE),
        boot_seed=1,
    )
    plans = [replace(plan, params={"slice_ns": ns}) for ns in (1_000_000, 50_000_000)]
    short, long = (report.played for report in run_many(plans, TIMEOUT_S))
    assert short is not None
    assert long is not None
    assert short.groups[0].switches > 3 * long.groups[0].switches


def test_a_guest_that_has_no_time_is_no_verdict(scheduler: Scheduler, toolbox: Toolbox) -> None:
    report = verify(scheduler("fifo"), "fifo", kernel=toolbox.newest(), topology=TWO, timeout_s=0.5)
    assert isinstance(report.outcome, GuestFailed)
    assert not report.accepted


@pytest.mark.slow
def test_a_program_that_the_verifier_cannot_finish_is_refused(
    scheduler: Scheduler, toolbox: Toolbox
) -> None:
    report = verify(
        scheduler("endless"), "endless", kernel=toolbox.newest(), topology=TWO, timeout_s=90
    )
    assert isinstance(report.outcome, VerifierRejected)
    assert report.outcome.kind == "complexity"
