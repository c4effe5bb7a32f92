"""The greatest value of a term: found whatever the guess, and never too small."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedlang.prover.extremes import FAR, PRECISION, Beyond, supremum
from schedlang.prover.solver import Effort
from schedlang.prover.terms import Term, between, integer, variable

X, Y = variable("x"), variable("y")


@given(st.integers(-(10**12), 10**12), st.integers(-FAR * 2, FAR * 2))
def test_the_greatest_value_is_found_from_any_guess(greatest: int, guess: int) -> None:
    found = supremum([between(greatest - 10, X, greatest)], X, guess, Effort())
    assert isinstance(found, int)
    assert greatest <= found <= greatest + max(abs(greatest), abs(found)) // PRECISION


@pytest.mark.parametrize("guess", [0, 99, 100, 101, 10**6])
def test_of_a_quotient_too(guess: int) -> None:
    known = [between(1, Y, 7), between(0, X, 100)]
    assert supremum(known, X // Y, guess, Effort()) == 100


def unbounded() -> list[tuple[list[Term], Term]]:
    return [([], X), ([integer(0) <= X], X * integer(3)), ([between(0, X, FAR + 1)], X)]


@pytest.mark.parametrize("case", range(3))
def test_what_goes_beyond_is_shown(case: int) -> None:
    known, term = unbounded()[case]
    found = supremum(known, term, 5, Effort())
    assert isinstance(found, Beyond)
    assert found.model["found"] > FAR


def test_nothing_is_less_than_anything() -> None:
    assert supremum([integer(0) > X, integer(0) < X], X, 7, Effort()) == -FAR


def test_without_effort_nothing_is_claimed() -> None:
    z = variable("z")
    cubes = X * X * X + Y * Y * Y + z * z * z
    assert supremum([cubes.equals(integer(42))], X, 3, Effort(rlimit=50_000)) is None
