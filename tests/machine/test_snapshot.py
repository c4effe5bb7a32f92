"""Snapshots are the same for runs that differ by a shift in time, and only for those."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from schedlang.machine.snapshot import relative_state
from tests.support.pairs import Pair
from tests.support.policies import compiled, policies
from tests.support.traces import param_values, traces


@settings(deadline=None, max_examples=60)
@given(st.data(), st.integers(1, 10**12))
def test_a_run_shifted_in_time_has_the_same_snapshots(data: st.DataObject, shift_ns: int) -> None:
    text = data.draw(policies(), label="policy")
    params = data.draw(param_values(compiled(text)), label="params")
    pairs = [Pair(text, params) for _ in range(2)]
    pairs[1].now = shift_ns
    for action in data.draw(traces(), label="trace"):
        snapshots = []
        for pair in pairs:
            pair.take(action)
            snapshots.append(relative_state(pair.machine, pair.now))
        assert snapshots[0] == snapshots[1]
        assert hash(snapshots[0]) == hash(snapshots[1])
