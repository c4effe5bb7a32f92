"""Tests in a real kernel: what to ask of the backend, and what its answer says of a test. Pure.

A kernel's tick is its own: a test's `tick` counts on the reference machine only.
"""

from __future__ import annotations

from schedlang.backend import Ran, RunRequest
from schedlang.ir.nodes import Policy
from schedlang.ir.testing import Test
from schedlang.testing.judge import Seen, judge
from schedlang.testing.run import Trial
from schedlang.workload.latencies import latencies
from schedlang.workload.outcome import Latencies
from schedlang.workload.trace import Trace
from schedlang.workload.waited import waited


def request_of(policy: Policy, test: Test, seed: int, kernel: str) -> RunRequest:
    values = zip(policy.params, test.params, strict=True)
    return RunRequest(
        topology=test.topology,
        workload=test.workload,
        kernel=kernel,
        params=tuple((param.name, value) for param, value in values if param.tunable),
        seed=seed,
        deterministic=True,
        trace=True,
    )


def trial_of(test: Test, seed: int, ran: Ran) -> Trial:
    """Needs a run with a trace."""
    assert ran.trace is not None
    waits = waits_of(ran.trace, ran.outcome.makespan_ns)
    by_group = tuple(waits.get(group.comm, NO_WAITS) for group in test.workload.groups)
    return Trial(test, seed, judge(test, Seen(seed, ran.outcome, by_group)), ran.trace)


NO_WAITS = latencies(())


def waits_of(trace: Trace, end_ns: int) -> dict[str, Latencies]:
    """By the threads' name, the times in which they were runnable without a CPU: until they ran, or
    to the end of the run.
    """
    samples: dict[str, list[int]] = {}
    for wait in waited(trace, end_ns):
        samples.setdefault(wait.comm, []).append(wait.until_ns - wait.since_ns)
    return {comm: latencies(found) for comm, found in samples.items()}
