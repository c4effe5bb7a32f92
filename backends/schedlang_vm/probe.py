"""What a scheduler is verified under: contention, weights, wake-ups, one pinned thread."""

from __future__ import annotations

from typing import Final

from schedlang.workload.model import Constant, Group, Loop, Phase, Run, Sleep, Workload

_MS_NS: Final = 1_000_000
_HOG: Final = (Loop(None, (Run(Constant(1000 * _MS_NS)),)),)


def verification(cpus: int, duration_ns: int) -> Workload:
    return Workload(
        name="verification",
        documentation="",
        groups=(
            Group("hogs", cpus, "verify-hog", "verify-hog", _HOG),
            Group("nice", 1, "verify-nice", "verify-nice", _HOG, nice=10),
            Group("sleepers", 2, "verify-sleeper", "verify-sleeper", _naps(2 * _MS_NS)),
            Group(
                "pinned", 1, "verify-pinned", "verify-pinned", _naps(5 * _MS_NS), cpus=(cpus - 1,)
            ),
        ),
        duration_ns=duration_ns,
    )


def _naps(sleep_ns: int) -> tuple[Phase, ...]:
    return (Loop(None, (Run(Constant(_MS_NS // 2)), Sleep(Constant(sleep_ns)))),)
