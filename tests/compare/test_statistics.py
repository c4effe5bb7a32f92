"""Medians, intervals and tests: known values, and how often they are right on made-up data."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedlang.compare.statistics import holm, interval, least_p, median, signed_rank

RATIOS = st.lists(st.fractions(Fraction(1, 9), 9).filter(lambda r: r > 0), min_size=1, max_size=9)


def ratios(*values: str) -> list[Fraction]:
    return [Fraction(value) for value in values]


def brute_force(values: list[Fraction]) -> Fraction:
    """Wilcoxon's test by its definition: every choice of signs, mean ranks by counting."""
    sizes = [max(value, 1 / value) for value in values if value != 1]
    ranks = [
        Fraction(2 * sum(a < b for a in sizes) + sum(a == b for a in sizes) + 1, 2) for b in sizes
    ]
    signs = [value > 1 for value in values if value != 1]
    seen = sum((rank for rank, sign in zip(ranks, signs, strict=True) if sign), Fraction(0))
    sums = [
        sum((rank for rank, sign in zip(ranks, choice, strict=True) if sign), Fraction(0))
        for choice in product((False, True), repeat=len(ranks))
    ]
    low = Fraction(sum(total <= seen for total in sums), len(sums))
    high = Fraction(sum(total >= seen for total in sums), len(sums))
    return min(Fraction(1), 2 * min(low, high))


def test_the_median_of_an_even_number_is_the_mean_of_two() -> None:
    assert median(ratios("4", "1", "3", "2")) == Fraction(5, 2)
    assert median(ratios("9", "1", "2")) == 2


def test_pairs_that_all_agree_have_the_least_p() -> None:
    same = ratios(*(f"{n}/10" for n in range(11, 23)))
    assert len(same) == 12
    assert signed_rank(same) == Fraction(2, 4096) == least_p(12)
    assert signed_rank([1 / ratio for ratio in same]) == Fraction(2, 4096)


def test_no_difference_has_p_1() -> None:
    assert signed_rank(ratios("1", "1", "1")) == 1
    assert signed_rank(ratios("2", "1/2")) == 1
    assert signed_rank([]) == 1


def test_a_textbook_case() -> None:
    """Eight pairs whose negative ranks are 1 and 3: P(W <= 4) = 7 of 256, two-sided 14 of 256."""
    values = ["11/10", "12/10", "13/10", "14/10", "15/10", "16/10", "17/10", "18/10"]
    numbers = [1 / Fraction(v) if n in (0, 2) else Fraction(v) for n, v in enumerate(values)]
    assert signed_rank(numbers) == Fraction(14, 256)


@given(RATIOS)
def test_the_test_is_what_its_definition_says(values: list[Fraction]) -> None:
    assert signed_rank(values) == brute_force(values)


@given(RATIOS, st.randoms(use_true_random=False))
def test_the_order_does_not_matter(values: list[Fraction], chance: random.Random) -> None:
    shuffled = chance.sample(values, len(values))
    assert interval(shuffled) == interval(values)
    assert signed_rank(shuffled) == signed_rank(values)


@given(RATIOS)
def test_the_interval_holds_the_median_and_lies_within_the_sample(values: list[Fraction]) -> None:
    low, high = interval(values)
    assert min(values) <= low <= median(values) <= high <= max(values)


def test_holm_by_hand() -> None:
    given_ = ratios("1/100", "4/100", "3/100", "5/1000")
    assert holm(given_) == (*ratios("3/100", "6/100", "6/100"), Fraction(2, 100))
    assert holm([]) == ()


@given(st.lists(st.fractions(0, 1), max_size=9), st.randoms(use_true_random=False))
def test_holm_keeps_places_and_never_lowers(values: list[Fraction], chance: random.Random) -> None:
    corrected = holm(values)
    assert all(p <= q <= 1 for p, q in zip(values, corrected, strict=True))
    order = chance.sample(range(len(values)), len(values))
    assert holm([values[n] for n in order]) == tuple(corrected[n] for n in order)


def noise(chance: random.Random, centre: float) -> Fraction:
    return Fraction(centre * chance.lognormvariate(0, 0.1)).limit_denominator(10**6)


@pytest.mark.parametrize("pairs", [12, 24])
def test_the_interval_covers_the_true_median(pairs: int) -> None:
    """Nominally 95 of 100. The percentile bootstrap of a median of few is a little less or more."""
    chance = random.Random(7)
    trials, covered = 400, 0
    for _ in range(trials):
        low, high = interval([noise(chance, 1.3) for _ in range(pairs)])
        covered += low <= Fraction(13, 10) <= high
    assert 0.91 <= covered / trials <= 0.99


def test_no_difference_is_seldom_taken_for_one() -> None:
    """Ten figures without any difference: at most one comparison in twenty finds one."""
    chance = random.Random(11)
    trials, wrong = 300, 0
    for _ in range(trials):
        family = [[noise(chance, 1.0) for _ in range(12)] for _ in range(10)]
        wrong += min(holm([signed_rank(values) for values in family])) <= Fraction(1, 20)
    assert wrong / trials <= 0.07


def test_a_real_difference_is_found() -> None:
    chance = random.Random(13)
    found = sum(
        signed_rank([noise(chance, 1.3) for _ in range(12)]) * 10 <= Fraction(1, 20)
        for _ in range(100)
    )
    assert found >= 95
