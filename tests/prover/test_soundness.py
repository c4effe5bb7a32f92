"""No run contradicts a verdict: random policies, a directed adversary, the independent simulator.

A fixed few policies here, with hypothesis to make a failure small; a shard that changes with each
commit; and the full run, whose table `make fuzz` prints.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedlang.machine.scenario import TaskSpec
from schedlang.prover.prove import prove
from schedlang.prover.verdict import Proved
from tests.support.adversary import MS
from tests.support.attack import Budget
from tests.support.fuzz import examine
from tests.support.pairs import simulated
from tests.support.policies import RULED, compiled, policies, steered_policies
from tests.support.seed import shard_of_the_day
from tests.support.shards import SHARDS, merged, run_shard

FEW = Budget(targets=1, climbs=2, randoms=2, steps=80)
MOST_UNKNOWN = 0.10


@settings(derandomize=True, max_examples=12)
@given(st.one_of(policies(using=RULED), steered_policies(using=RULED)), st.integers(0, 100))
def test_no_run_contradicts_a_verdict(text: str, seed: int) -> None:
    examine(text, seed, FEW)


@pytest.mark.shard
def test_no_run_contradicts_a_verdict_in_the_shard_of_the_day() -> None:
    table = run_shard(shard_of_the_day())
    print(table.text())
    assert table.ratios


@pytest.mark.slow
def test_no_run_contradicts_a_verdict_in_any_shard() -> None:
    workers = os.cpu_count() or 1
    first = shard_of_the_day()
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        table = merged(pool.map(run_shard, range(first, first + SHARDS)))
    print(table.text())
    assert table.policies >= 2_000
    assert table.unknown_share() <= MOST_UNKNOWN


def reference_bound_ns(text: str) -> int:
    """Of the first queue."""
    verdict = prove(compiled(text)).findings[0].verdict
    assert isinstance(verdict, Proved)
    assert verdict.bound is not None
    return verdict.bound.value_ns


TWO_QUEUES = """policy two
queue a {{ global  order fifo  slice 4ms }}
queue b {{ global  order fifo  slice 4ms }}
route {{ comm ~ "a" -> a  else -> b }}
{}
"""


def wait_beside_a_sleeper(text: str, naps: int, nap_ns: int) -> int:
    """Task `a` runs alone a few times with naps between; then `b` comes to stay, and `a` waits."""
    machine = simulated(text, ())
    a, now = machine.fork(TaskSpec("a"), 0), 0
    for _ in range(naps):
        machine.choose(0, now)
        now += 4 * MS
        machine.stop(0, now, blocked=True)
        machine.choose(0, now)
        now += nap_ns
        machine.wake(a, now)
    machine.choose(0, now)
    b = machine.fork(TaskSpec("b"), now)
    now += 4 * MS
    machine.stop(0, now, blocked=False)
    since = now
    while (chosen := machine.choose(0, now)) is not None and chosen[0] == b:
        now += 4 * MS
        machine.stop(0, now, blocked=False)
    return now - since


def test_turns_on_an_idle_cpu_run_up_no_debt() -> None:
    text = TWO_QUEUES.format("serve weighted { a: 1  b: 1 }  place { cpu in any }")
    assert wait_beside_a_sleeper(text, 200, MS) <= reference_bound_ns(text)


def test_time_spent_idle_is_owed_to_nobody() -> None:
    text = TWO_QUEUES.format("serve strict { a  b }  guard b at least 10%  place { cpu in any }")
    assert wait_beside_a_sleeper(text, 2, 10_000 * MS) <= reference_bound_ns(text)
