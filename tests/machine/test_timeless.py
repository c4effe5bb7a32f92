"""Loops in which times stand still: they repeat although their tasks grow old."""

from __future__ import annotations

import pytest

from schedlang.machine.replay import Mismatch, Replay, replay
from schedlang.machine.scenario import Lasso, TaskSpec, Turn, Wake
from schedlang.machine.timeless import is_timeless
from tests.prover.build import MS
from tests.support.policies import compiled

TURN = Turn(0, 4 * MS, blocks=False)


def by(key: str, on_join: str = "") -> str:
    return (
        f"policy p\ntask {{ born : time = now  seen : time = now  {on_join} }}\n"
        f"order own {{ key {key} }}\nqueue a {{ global  order own  slice 4ms }}\n"
        "route { else -> a }\nserve a\n"
    )


def hog(text: str) -> Replay | Mismatch:
    """The first task keeps the CPU while the second waits."""
    steps = (Wake(0), TURN, Wake(1), TURN, TURN)
    tasks = (TaskSpec("first"), TaskSpec("second"))
    return replay(compiled(text), Lasso(tasks, steps, 4, 1, 0, ()), 16)


def test_a_key_that_stands_still_starves() -> None:
    found = hog(by("born"))
    assert isinstance(found, Replay)
    assert found.period_ns == 4 * MS


@pytest.mark.parametrize(
    "text",
    [
        by("now"),
        by("born + clamp(now - born, 0ms, 1s)"),
        by("seen", "on join { seen = now }"),
    ],
    ids=["arrival", "age", "last join"],
)
def test_a_key_that_moves_does_not(text: str) -> None:
    assert isinstance(hog(text), Mismatch)


def test_a_time_that_moves_by_itself_is_no_standstill() -> None:
    """`seen` grows without anybody reading `now`, and comes past the other's at last."""
    found = hog(by("seen", "on stop { seen = seen + 1ms }"))
    assert isinstance(found, Mismatch)


def test_wake_ups_are_part_of_the_loop() -> None:
    policy = compiled(by("born", "on wake { seen = now }"))
    assert is_timeless(policy, (TURN,))
    assert not is_timeless(policy, (TURN, Wake(0)))
