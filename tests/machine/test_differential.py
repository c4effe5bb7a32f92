"""The interpreter and an independent simulator make the same choices on random runs."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from schedlang.machine.topology import Topology
from tests.support.pairs import Pair
from tests.support.policies import compiled, policies
from tests.support.traces import param_values, traces

SHAPES = [Topology(1), Topology(2), Topology(3), Topology(4, smt=2), Topology(6, smt=2)]


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_the_interpreter_agrees_with_the_simulator(data: st.DataObject) -> None:
    text = data.draw(policies(), label="policy")
    params = data.draw(param_values(compiled(text)), label="params")
    pair = Pair(text, params, data.draw(st.sampled_from(SHAPES), label="topology"))
    for action in data.draw(traces(), label="trace"):
        pair.take(action)
        pair.compare()
