"""Loads hand-written schedulers into real kernels; every outcome comes from the kernel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from schedlang_vm.api import (
    Accepted,
    Ejected,
    GuestFailed,
    GuestTask,
    InitFailed,
    Job,
    Kernel,
    LoadFailed,
    RunReport,
    Sleeper,
    Toolbox,
    Topology,
    VerifierRejected,
    run,
    verify,
    verify_many,
)

pytestmark = pytest.mark.vm

Scheduler = Callable[[str], bytes]
TIMEOUT_S = 150.0
TWO = Topology(2)


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
    workload = (GuestTask("hog", count=3), GuestTask("io", Sleeper(500, 2000)))
    report = run(
        scheduler("stall"),
        "stall",
        workload=workload,
        duration_s=6,
        kernel=kernel,
        topology=TWO,
        timeout_s=TIMEOUT_S,
        deterministic_seed=1,
    )
    assert isinstance(report.outcome, Ejected)
    assert report.outcome.kind == "runnable task stall"
    assert not report.attached_throughout
    assert 1e9 < report.attached_ns < report.elapsed_ns
    assert max(task.delay_max_ns for task in report.tasks) > 1.5e9
    assert all(task.run_ns > task.attached_run_ns for task in report.tasks)


def test_a_waiting_task_is_seen_before_the_watchdog_sees_it(
    scheduler: Scheduler, toolbox: Toolbox
) -> None:
    report = run(
        scheduler("stall"),
        "stall",
        workload=(GuestTask("hog", count=4),),
        duration_s=1,
        kernel=toolbox.newest(),
        topology=TWO,
        timeout_s=TIMEOUT_S,
        deterministic_seed=1,
    )
    assert isinstance(report.outcome, Accepted)
    starved = [task for task in report.tasks if task.run_ns == 0]
    assert starved
    assert all(task.wait_ns > 0.8 * report.elapsed_ns for task in starved)
    assert all(task.delay_max_ns > 0.8 * report.elapsed_ns for task in starved)


MIXED = (
    GuestTask("hog $(x)"),
    GuestTask("nice", nice=10),
    GuestTask("batch", Job(100_000), cgroup="a/b"),
    GuestTask("io", Sleeper(500, 4000), cpus=(0,)),
)


def mixed(scheduler: Scheduler, kernel: Kernel, name: str | None, seed: int) -> RunReport:
    return run(
        scheduler(name) if name is not None else None,
        name or "eevdf",
        workload=MIXED,
        duration_s=2,
        kernel=kernel,
        topology=Topology(1),
        timeout_s=TIMEOUT_S,
        deterministic_seed=seed,
    )


def test_a_fifo_ignores_nice_and_eevdf_does_not(scheduler: Scheduler, kernel: Kernel) -> None:
    fifo = mixed(scheduler, kernel, "fifo", 1)
    assert fifo.attached_throughout
    hog, nice, batch, io = fifo.tasks
    assert 0.7 < hog.run_ns / nice.run_ns < 1.4
    assert hog.name == "hog $(x)"
    assert batch.finished_ns is not None
    assert 90e6 < batch.run_ns < 130e6
    assert io.rounds > 5
    assert sum(task.run_ns for task in fifo.tasks) > 0.8 * fifo.elapsed_ns
    eevdf = mixed(scheduler, kernel, None, 1)
    assert not any(sample.enabled for sample in eevdf.samples)
    assert eevdf.tasks[0].run_ns > 4 * eevdf.tasks[1].run_ns


def test_a_seed_makes_a_run_repeat_to_the_bit(scheduler: Scheduler, toolbox: Toolbox) -> None:
    first, second = (mixed(scheduler, toolbox.newest(), "fifo", 3) for _ in range(2))
    assert first.attached_throughout
    assert first.tasks == second.tasks
    assert first.samples == second.samples
    assert replace(first.load, wall_s=0) == replace(second.load, wall_s=0)


def test_params_reach_the_scheduler(scheduler: Scheduler, toolbox: Toolbox) -> None:
    slices = [
        run(
            scheduler("fifo"),
            "fifo",
            workload=(GuestTask("hog", count=2),),
            duration_s=2,
            kernel=toolbox.newest(),
            topology=Topology(1),
            timeout_s=TIMEOUT_S,
            deterministic_seed=1,
            params={"slice_ns": slice_ns},
        )
        .tasks[0]
        .timeslices
        for slice_ns in (1_000_000, 50_000_000)
    ]
    assert slices[0] > 3 * slices[1]


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
