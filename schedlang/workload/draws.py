"""The random numbers of a workload: pure integers, the same in the simulator and in the micro-VM.

Each thread has a stream of its own, splitmix64 from a start that mixes the run's seed, the group's
index in the workload and the thread's number in its group. So what a thread draws never depends on
how it was scheduled. A constant draws nothing; any other length draws one number.
"""

from __future__ import annotations

import math
from typing import Final, assert_never, final

from schedlang.workload.model import Constant, Exponential, Length, Uniform

_MASK: Final = 2**64 - 1
_STEP: Final = 0x9E3779B97F4A7C15
QUANTILE_BITS: Final = 8
QUANTILE_ONE: Final = 1024

QUANTILES: Final = tuple(
    round(-math.log(1 - (i + 0.5) / 2**QUANTILE_BITS) * QUANTILE_ONE)
    for i in range(2**QUANTILE_BITS)
)
"""The exponential distribution of mean 1, in parts of `QUANTILE_ONE`, at (i + 0.5) / 256."""


def stream_start(seed: int, group: int, thread: int) -> int:
    """Where the stream of thread number `thread` of group number `group` starts."""
    return _mix((_mix((_mix(seed & _MASK) + group) & _MASK) + thread) & _MASK)


def _mix(z: int) -> int:
    """splitmix64's finalizer, one step of the sequence further on."""
    z = (z + _STEP) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


@final
class Stream:
    """A thread's random numbers, one after the other."""

    __slots__ = ("_state",)

    def __init__(self, start: int) -> None:
        self._state = start

    def next(self) -> int:
        """64 random bits."""
        state = self._state
        self._state = (state + _STEP) & _MASK
        return _mix(state)

    def draw(self, length: Length) -> int:
        """A duration in ns."""
        match length:
            case Constant(ns=ns):
                return ns
            case Uniform(lo_ns=lo, hi_ns=hi):
                return lo + self.next() % (hi - lo + 1)
            case Exponential(mean_ns=mean):
                return mean * QUANTILES[self.next() >> (64 - QUANTILE_BITS)] // QUANTILE_ONE
            case _:
                assert_never(length)
