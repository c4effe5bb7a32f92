"""Random numbers: the published generator, and the same numbers everywhere for ever."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedlang.workload.draws import QUANTILE_ONE, QUANTILES, Stream, stream_start
from schedlang.workload.latencies import latencies
from schedlang.workload.model import Constant, Exponential, Length, Uniform
from schedlang.workload.weights import weight_of
from tests.support.workloads import lengths


def test_the_generator_is_splitmix64() -> None:
    stream = Stream(1234567)
    assert [stream.next() for _ in range(5)] == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


def test_the_table_never_changes() -> None:
    text = ",".join(map(str, QUANTILES))
    assert len(QUANTILES) == 256
    assert (QUANTILES[0], QUANTILES[128], QUANTILES[255]) == (2, 714, 6388)
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "872b5c0df7c97f8e"


def test_starts_never_change() -> None:
    starts = (stream_start(0, 0, 0), stream_start(7, 2, 31), stream_start(2**64 - 1, 1, 0))
    assert starts == (2558736989570252433, 3772686750137149302, 8451242725986320853)


def test_streams_differ() -> None:
    starts = {stream_start(s, g, t) for s in range(20) for g in range(20) for t in range(20)}
    assert len(starts) == 20**3


@given(st.integers(0, 2**64 - 1), lengths())
def test_draws_are_within_their_length(start: int, length: Length) -> None:
    stream = Stream(start)
    drawn = [stream.draw(length) for _ in range(20)]
    match length:
        case Constant(ns=ns):
            assert set(drawn) == {ns}
        case Uniform(lo_ns=lo, hi_ns=hi):
            assert lo <= min(drawn) <= max(drawn) <= hi
        case Exponential(mean_ns=mean):
            assert mean * QUANTILES[0] // QUANTILE_ONE <= min(drawn)
            assert max(drawn) <= mean * 6.24


def test_the_exponential_has_its_mean() -> None:
    assert sum(QUANTILES) / 256 / QUANTILE_ONE == pytest.approx(1, abs=0.002)


def test_a_constant_draws_nothing() -> None:
    stream, other = Stream(5), Stream(5)
    stream.draw(Constant(7))
    assert stream.next() == other.next()


def test_weights_are_the_kernels() -> None:
    weights = [weight_of(nice) for nice in range(-20, 20)]
    assert (weights[0], weight_of(-5), weight_of(0), weight_of(5), weights[-1]) == (
        *(8668, 305, 100, 33),
        1,
    )
    assert weights == sorted(weights, reverse=True)


@given(st.lists(st.integers(0, 10**9)))
def test_latencies_are_nearest_rank(samples: list[int]) -> None:
    found = latencies(samples)
    assert (found.count, found.total_ns) == (len(samples), sum(samples))
    assert found.max_ns == max(samples, default=0)
    for percent, value in ((50, found.p50_ns), (99, found.p99_ns)):
        assert value in samples or not samples
        below = sum(sample <= value for sample in samples)
        assert below * 100 >= percent * len(samples)
        assert sum(sample < value for sample in samples) * 100 < percent * len(samples) or not value
