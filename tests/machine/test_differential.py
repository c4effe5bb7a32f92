"""The interpreter and an independent simulator make the same choices on random runs."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.pairs import compare


@settings(max_examples=150)
@given(st.data())
def test_the_interpreter_agrees_with_the_simulator(data: st.DataObject) -> None:
    compare(data)
