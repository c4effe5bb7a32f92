"""What a comparison rests on: medians, their intervals, and an exact test. Pure and exact.

Everything is done in whole numbers and fractions, so that the same samples give the same figures on
every machine, and the order of the samples does not matter.

- Interval: the percentile bootstrap. Resamples of the same size are drawn with replacement; the
  interval is from the 2.5th to the 97.5th nearest-rank percentile of their medians (Efron and
  Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13).
- Test: Wilcoxon's signed ranks (Biometrics Bulletin 1, 1945). Pairs whose ratio is 1 are left out,
  equal magnitudes share their mean rank. The distribution is exact, given the ranks: each of the
  2^n choices of signs is as likely. p = min(1, 2 min(P(W <= w), P(W >= w))). Magnitudes are ordered
  as max(r, 1/r), which is the order of the absolute values of their logarithms.
- Correction: Holm (Scandinavian Journal of Statistics 6, 1979). The i-th least of m values of p
  is multiplied by m - i + 1; none becomes less than one before it, or more than 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cache
from itertools import groupby
from typing import Final

from schedlang.workload.draws import Stream

RESAMPLES: Final = 10_000
PERCENT: Final = 95
_SEED: Final = 20_120_217


def median(values: Sequence[Fraction]) -> Fraction:
    """The middle one, or the mean of the two in the middle."""
    ordered = sorted(values)
    low, high = _middle(len(ordered))
    return (ordered[low] + ordered[high]) / 2


def interval(values: Sequence[Fraction]) -> tuple[Fraction, Fraction]:
    """Of the median, at the level of `PERCENT`."""
    ordered = sorted(values)
    medians: Counter[Fraction] = Counter()
    for (low, high), times in _resampled(len(ordered)).items():
        medians[(ordered[low] + ordered[high]) / 2] += times
    tail = Fraction(100 - PERCENT, 200)
    return _percentile(medians, tail), _percentile(medians, 1 - tail)


def _middle(size: int) -> tuple[int, int]:
    return (size - 1) // 2, size // 2


@cache
def _resampled(size: int) -> Mapping[tuple[int, int], int]:
    """How many resamples have their middle at which two places of the ordered sample."""
    stream = Stream(_SEED)
    low, high = _middle(size)
    found: Counter[tuple[int, int]] = Counter()
    for _ in range(RESAMPLES):
        places = sorted(stream.next() % size for _ in range(size))
        found[places[low], places[high]] += 1
    return found


def _percentile(counted: Counter[Fraction], part: Fraction) -> Fraction:
    """Nearest rank: the least value that `part` of all do not exceed."""
    rank, seen = part * counted.total(), 0
    for value in sorted(counted):
        seen += counted[value]
        if seen >= rank:
            return value
    raise ValueError("nothing was counted")


def signed_rank(ratios: Sequence[Fraction]) -> Fraction:
    """The two-sided p that the ratios lie around 1 symmetrically; 1 if all of them are 1."""
    ranks = _ranks([ratio for ratio in ratios if ratio != 1])
    above = sum(rank for ratio, rank in ranks if ratio > 1)
    ways = [1]
    for _, rank in ranks:
        longer = ways + [0] * rank
        for total, count in enumerate(ways):
            longer[total + rank] += count
        ways = longer
    tail = min(sum(ways[: above + 1]), sum(ways[above:]))
    return min(Fraction(1), Fraction(2 * tail, 2 ** len(ranks)))


def _ranks(ratios: Sequence[Fraction]) -> list[tuple[Fraction, int]]:
    """Each with its rank doubled, so that the mean rank of equals is a whole number."""
    ordered = sorted(ratios, key=_magnitude)
    ranked: list[tuple[Fraction, int]] = []
    for _, equal in groupby(ordered, key=_magnitude):
        members = list(equal)
        doubled = 2 * len(ranked) + len(members) + 1
        ranked += [(ratio, doubled) for ratio in members]
    return ranked


def _magnitude(ratio: Fraction) -> Fraction:
    return max(ratio, 1 / ratio)


def least_p(pairs: int) -> Fraction:
    """No test of so many pairs can give less."""
    return min(Fraction(1), Fraction(2, 2**pairs))


def holm(values: Sequence[Fraction]) -> tuple[Fraction, ...]:
    """The corrected values, in the order of the given ones."""
    corrected = [Fraction(1)] * len(values)
    least = Fraction(0)
    for place, number in enumerate(sorted(range(len(values)), key=lambda n: values[n])):
        least = max(least, min(Fraction(1), values[number] * (len(values) - place)))
        corrected[number] = least
    return tuple(corrected)
