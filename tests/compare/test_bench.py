"""The measurements of bench/ that judge samples: ranks, and what is ideal."""

from __future__ import annotations

import pytest

from bench.sim_against_kernel import agreements, mean_ranks, spearman


def test_equal_values_share_their_rank() -> None:
    assert mean_ranks([5, 1, 5, 9]) == [2.5, 1, 2.5, 4]


def test_rank_correlation() -> None:
    assert spearman([1, 2, 3, 4], [10, 20, 30, 99]) == pytest.approx(1)
    assert spearman([1, 2, 3, 4], [4, 3, 2, 1]) == pytest.approx(-1)
    assert spearman([1, 2, 3], [2, 1, 3]) == pytest.approx(0.5)
    assert spearman([1, 1, 1], [1, 2, 3]) is None


def test_only_what_all_have_measured_is_ranked() -> None:
    ours = {"a": {("s", "m"): 1.0, ("s", "n"): 2.0}, "b": {("s", "m"): 2.0}}
    theirs = {"a": {("s", "m"): 3.0}, "b": {("s", "m"): 3.06}}
    (found,) = agreements(ours, theirs)
    assert (found.shape, found.metric) == ("s", "m")
    assert found.rho == pytest.approx(1)
    assert found.is_flat
