"""Random tasks, values of params, and what the world does to a machine."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from schedlang.ir.nodes import Policy
from schedlang.machine.scenario import TaskSpec

# Long enough that guards fall due and clocks move, and now and then at the very edges.
TIMES_NS = st.one_of(
    st.sampled_from([0, 1, 999, 1_000, 1_000_000, 2_000_000, 20_000_000, 2_000_000_000]),
    st.integers(0, 8_000_000),
    st.integers(0, 8_000_000),
)


AFFINITIES = [frozenset({0}), frozenset({0, 1}), frozenset({1}), frozenset({2, 3})]


class Act(Enum):
    """What cannot happen now is replaced: a choice by a settling, the end of a turn by a choice."""

    FORK = "fork"
    WAKE = "wake"
    CHOOSE = "choose"
    REQUEUE = "requeue"
    BLOCK = "block"


class Action(NamedTuple):
    """`ns` pass, then `act` happens: to `spec` if it is a fork, whose parent ran on CPU `pick`; to
    sleeper number `pick` if it is a wake-up; else to CPU `pick`. All modulo their number. A wake-up
    can be `sync` if CPU `pick` has a turn."""

    ns: int
    act: Act
    pick: int
    spec: TaskSpec
    sync: bool = False


def task_specs() -> SearchStrategy[TaskSpec]:
    return st.builds(
        TaskSpec,
        comm=st.sampled_from(["hog", "web", "w", "x", "q0", "q1", "q2"]),
        process=st.sampled_from(["box", "foo", ""]),
        nice=st.integers(-20, 19),
        weight=st.one_of(st.sampled_from([1, 100, 10_000]), st.integers(1, 10_000)),
        cgroup=st.sampled_from(["/", "/a", "/a/b", "/ab", "/a/b/c"]),
        kthread=st.booleans(),
        affinity=st.sampled_from([None, None, None, *AFFINITIES]),
    )


def traces(length: int = 60) -> SearchStrategy[list[Action]]:
    acts = st.sampled_from([*Act, Act.CHOOSE, Act.CHOOSE, Act.REQUEUE, Act.REQUEUE])
    action = st.builds(Action, TIMES_NS, acts, st.integers(0, 5), task_specs(), st.booleans())
    return st.lists(action, min_size=length // 2, max_size=length)


@st.composite
def param_values(draw: DrawFn, policy: Policy) -> tuple[int, ...]:
    return tuple(draw(st.integers(param.lo, param.hi)) for param in policy.params)
