"""Generated C, run natively, against the reference interpreter: random policies, random traces."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from schedlang.conform.check import Plan, check
from schedlang.conform.events import Act, Event
from schedlang.conform.shorten import shorten
from schedlang.machine.scenario import TaskSpec
from schedlang_bpf.native import natives
from tests.bpf.native import needs_zig
from tests.support.conforming import EVENTS, SHARDS, c_of, run_shard, smallest
from tests.support.policies import compiled
from tests.support.seed import shard_of_the_day

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.sched"))
FEW = 8
PAIRS_OF_THE_FULL_RUN = 10_000


@needs_zig
def test_random_policies() -> None:
    assert run_shard(0, FEW).pairs > FEW


@needs_zig
@pytest.mark.shard
def test_the_shard_of_the_day() -> None:
    assert run_shard(shard_of_the_day()).pairs > FEW


@needs_zig
@pytest.mark.slow
def test_all_shards() -> None:
    first = shard_of_the_day()
    with ProcessPoolExecutor(os.cpu_count() or 1, mp_context=get_context("spawn")) as pool:
        tallies = list(pool.map(run_shard, range(first, first + SHARDS)))
    pairs, turns = sum(t.pairs for t in tallies), sum(t.turns for t in tallies)
    print(f"{sum(t.policies for t in tallies)} policies, {pairs} pairs, {turns} turns")
    assert pairs >= PAIRS_OF_THE_FULL_RUN


@needs_zig
def test_examples() -> None:
    policies = [compiled(path.read_text()) for path in EXAMPLES]
    twins = natives([(c_of(policy), policy) for policy in policies])
    for policy, twin in zip(policies, twins, strict=True):
        checked = check(policy, twin, Plan(60, EVENTS, 0))
        assert checked.failure is None, policy.name
        assert checked.turns > 60 * EVENTS // 5


@needs_zig
def test_a_failure_is_made_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The policy by hypothesis, the trace by leaving events out."""
    defect = "set_slice(prev, t->turn.slice_ns);", "set_slice(prev, 1);"
    monkeypatch.setattr("tests.support.conforming.c_of", lambda p: c_of(p, defect))
    told = smallest(Plan(4, EVENTS, 0), FEW, [])
    policy, _, story = told.partition("trace ")
    assert "its slice is" in story
    assert policy.count("queue ") == 1
    assert story.count("\n") <= 6


def test_a_trace_is_made_short() -> None:
    spec = TaskSpec("w", nice=5)
    events = [Event(n, Act.FORK if n % 7 else Act.WAKE, n, spec) for n in range(1, 100)]
    short = shorten(events, lambda left: sum(e.act is Act.WAKE for e in left) >= 2)
    assert [event.act for event in short] == [Act.WAKE] * 2
    assert {event.spec for event in short} == {TaskSpec("t")}


@needs_zig
def test_a_machine_made_new_behaves_like_the_first_time() -> None:
    policy = compiled(EXAMPLES[0].read_text())
    (twin,) = natives([(c_of(policy), policy)])
    assert len({check(policy, twin, Plan(3, EVENTS, seed)) for seed in (1, 1)}) == 1
