"""Times as people read them. A bound is never shown smaller than it is."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

_UNITS: Final = (("s", 10**9), ("ms", 10**6), ("us", 10**3))


def duration(value_ns: Fraction | int) -> str:
    """`41.5ms`: at most three decimals, rounded up."""
    for unit, size_ns in _UNITS:
        if value_ns >= size_ns:
            thousandths = -(-value_ns * 1000 // size_ns)
            whole, rest = divmod(thousandths, 1000)
            return f"{whole}.{rest:03d}".rstrip("0").rstrip(".") + unit
    return f"{-(-value_ns // 1)}ns"
