"""Tests of policies in a real kernel, and what a kernel's trace says of waiting."""

from __future__ import annotations

from pathlib import Path

import pytest

from schedlang.backend import KernelRun
from schedlang.driver import Phase, Request, load_backend, run
from schedlang.testing.kernel import request_of, trial_of, waits_of
from schedlang.workload.latencies import latencies
from schedlang.workload.trace import Left, Switch, Trace, Wakeup

EXAMPLES = Path(__file__).parents[2] / "examples"


def switch(at_ns: int, before: int, left: Left, after: int) -> Switch:
    return Switch(at_ns, 0, before, f"t{before}", left, after, f"t{after}")


def test_a_wait_is_from_being_runnable_to_running() -> None:
    events = (
        switch(0, 0, Left.BLOCKED, 1),
        Wakeup(10, 1, 2, "t2", 0, is_new=False),
        switch(30, 1, Left.RUNNABLE, 2),
        switch(35, 2, Left.BLOCKED, 1),
        Wakeup(50, 1, 2, "t2", 0, is_new=False),
    )
    waits = waits_of(Trace(events, 0), 70)
    assert waits == {"t1": latencies((5,)), "t2": latencies((20, 20))}


def test_who_is_woken_while_it_runs_does_not_wait() -> None:
    events = (switch(0, 0, Left.BLOCKED, 1), Wakeup(10, 1, 1, "t1", 0, is_new=False))
    assert waits_of(Trace(events, 0), 70) == {}


@pytest.mark.vm
@pytest.mark.usefixtures("toolbox")
@pytest.mark.parametrize("name", ["fair", "fifo", "web_server"])
def test_the_examples_keep_their_word_in_a_kernel(name: str) -> None:
    done = run(Request(str(EXAMPLES / f"{name}.sched"), through=Phase.BUILD))
    policy, built = done.policy, done.built
    assert policy is not None
    assert built is not None
    assert policy.tests
    requests = [request_of(policy, test, 1, "newest") for test in policy.tests]
    runs = [KernelRun(request, policy, built.object) for request in requests]
    for test, report in zip(policy.tests, load_backend().run_many(runs), strict=True):
        assert report.diagnostics == ()
        assert report.ran is not None
        trial = trial_of(test, 1, report.ran)
        assert trial.holds, trial.judged
