"""Generated C, run natively, against the reference interpreter: random policies, random traces."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from schedlang.conform.events import Act, Event
from schedlang.conform.pair import Setting, compare
from schedlang.conform.shorten import shorten
from schedlang.machine.scenario import TaskSpec
from schedlang_bpf.native import natives
from tests.bpf.native import needs_zig
from tests.support.conforming import (
    SHARDS,
    c_of,
    drawn_trace,
    failure,
    run_shard,
    smallest,
    turns_in,
)
from tests.support.policies import compiled
from tests.support.seed import shard_of_the_day
from tests.support.shards import drawn

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
    print(f"{sum(t.policies for t in tallies)} policies, {pairs} pairs, {turns} turns in some")
    assert pairs >= PAIRS_OF_THE_FULL_RUN


@needs_zig
def test_examples() -> None:
    policies = [compiled(path.read_text()) for path in EXAMPLES]
    twins = natives([(c_of(policy), policy) for policy in policies])
    for policy, twin in zip(policies, twins, strict=True):
        traces = [drawn_trace(policy, number) for number in range(60)]
        assert failure(policy, twin, traces) is None, policy.name
        assert max(turns_in(policy, twin, trace) for trace in traces) > 40


@needs_zig
def test_a_failure_is_made_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The policy by hypothesis, the trace by leaving events out."""
    defect = "set_slice(prev, t->turn.slice_ns);", "set_slice(prev, 1);"
    monkeypatch.setattr("tests.support.conforming.c_of", lambda p: c_of(p, defect))
    texts = drawn(0, FEW)
    told = smallest(0, FEW, [])
    assert "its slice is" in told
    assert len(told.split("Setting")[0]) < max(map(len, texts))
    assert told.count("Event(") <= 3


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
    setting = Setting(2, tuple(param.default for param in policy.params))
    for number in (1, 2, 1):
        assert compare(policy, twin, setting, drawn_trace(policy, number).events) is None
