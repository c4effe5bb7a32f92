"""What counts as a met expectation, one measure after the other."""

from __future__ import annotations

import pytest

from schedlang.ir import testing
from schedlang.testing.judge import Judged, Seen, judge
from schedlang.workload.outcome import GroupOutcome, Latencies, Outcome
from tests.support.policies import compiled

MS = 1_000_000
NONE = Latencies(0, 0, 0, 0, 0)
POLICY = """policy p
queue q {{ global  order fifo  slice 4ms }}
route {{ else -> q }}
serve q
test "t" {{
  machine 2 cpus
  spawn 2 hog     as "hog"
  spawn 3 sleeper as "nap" runs 1ms every 10ms
  spawn 1 job     as "one" runs 20ms
  spawn 1 job     as "two" runs 20ms
  run 100ms
  expect {}
}}
"""


def the_test(expectation: str) -> testing.Test:
    (test,) = compiled(POLICY.format(expectation)).tests
    return test


def group(
    name: str,
    *,
    run_ns: int = 0,
    ended_ns: int | None = None,
    passes: int = 0,
    wakeups: Latencies = NONE,
) -> GroupOutcome:
    return GroupOutcome(name, 1, 0, ended_ns, run_ns, 0, 0, 0, passes, wakeups, (), 0)


def judged(expectation: str, ends: tuple[int | None, int | None] = (30 * MS, 40 * MS)) -> Judged:
    groups = (
        group("hog", run_ns=120 * MS),
        group("nap", passes=27, wakeups=Latencies(27, MS, 3 * MS, 4 * MS, 40 * MS)),
        group("one", ended_ns=ends[0]),
        group("two", ended_ns=ends[1]),
    )
    waits = (Latencies(9, 2 * MS, 5 * MS, 6 * MS, 20 * MS), NONE, NONE, NONE)
    seen = Seen(0, Outcome("t", "p", 100 * MS, groups), waits)
    (found,) = judge(the_test(expectation), seen)
    return found


@pytest.mark.parametrize(
    ("expectation", "measured"),
    [
        ('p50 wakeup "nap" <= 1ms', MS),
        ('p99 wakeup "nap" < 4ms', 3 * MS),
        ('max wakeup "nap" >= 4ms', 4 * MS),
        ('p99 wait "hog" > 4ms', 5 * MS),
        ('share "hog" >= 60%', 60),
        ('share "hog" <= 60%', 60),
        ('passes "nap" > 26', 27),
        ("makespan <= 40ms", 40 * MS),
        ('"one" before "two"', 30 * MS),
    ],
)
def test_what_is_met(expectation: str, measured: int) -> None:
    found = judged(expectation)
    assert found.holds
    assert found.measured == measured


@pytest.mark.parametrize(
    "expectation",
    [
        'p50 wakeup "nap" < 1ms',
        'p99 wait "hog" < 5ms',
        'share "hog" > 60%',
        'share "hog" < 60%',
        'passes "nap" > 27',
        "makespan < 40ms",
        '"two" before "one"',
    ],
)
def test_what_is_not_met(expectation: str) -> None:
    assert not judged(expectation).holds


@pytest.mark.parametrize("relation", ["<", ">"])
def test_what_never_happened_is_not_met_either_way(relation: str) -> None:
    assert not judged(f'max wait "nap" {relation} 1s').holds
    assert not judged(f"makespan {relation} 1s", ends=(30 * MS, None)).holds


def test_a_job_that_goes_on_ends_after_one_that_ended() -> None:
    assert judged('"one" before "two"', ends=(30 * MS, None)).holds
    assert not judged('"one" before "two"', ends=(None, 40 * MS)).holds
    assert not judged('"one" before "two"', ends=(None, None)).holds
    assert not judged('"one" before "two"', ends=(30 * MS, 30 * MS)).holds
