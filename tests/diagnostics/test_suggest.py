"""Did you mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedlang.diagnostics.suggest import did_you_mean

NAMES = ("vruntime", "deadline", "interactive", "normal", "batch", "rt")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("vruntme", "vruntime"),
        ("Batch", "batch"),
        ("interctive", "interactive"),
        ("tr", "rt"),
        ("nromal", "normal"),
        ("xyz", None),
        ("", None),
    ],
)
def test_the_nearest_name(typed: str, meant: str | None) -> None:
    assert did_you_mean(typed, NAMES) == meant


def test_no_candidates() -> None:
    assert did_you_mean("x", ()) is None


@given(st.text(), st.lists(st.text()))
def test_what_is_suggested_is_a_candidate_whatever_their_order(name: str, names: list[str]) -> None:
    found = did_you_mean(name, names)
    assert found is None or found in names
    assert found == did_you_mean(name, reversed(names))
