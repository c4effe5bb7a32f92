"""Nice levels as the kernel weighs them."""

from __future__ import annotations

from typing import Final

# Weights of nice -20 to 19 in the kernel's own unit, in which nice 0 has 1024.
_LOADS: Final = (
    *(88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916),
    *(9548, 7620, 6100, 4904, 3906, 3121, 2501, 1991, 1586, 1277),
    *(1024, 820, 655, 526, 423, 335, 272, 215, 172, 137),
    *(110, 87, 70, 56, 45, 36, 29, 23, 18, 15),
)


def weight_of(nice: int) -> int:
    """What sched_ext calls the weight of a task of that nice level: 100 at nice 0."""
    return max(1, (_LOADS[nice + 20] * 100 + 512) // 1024)
