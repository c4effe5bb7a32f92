"""Expressions mean what docs/language.md says: mathematical integers, truncation, saturation."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedlang.ir import nodes as ir
from schedlang.machine.evaluate import Environment, evaluate
from schedlang.machine.scenario import TaskSpec
from schedlang.semantics.scope import MAX_DEPTH
from schedlang.source import Span
from tests.support.meaning import Reader, attributes
from tests.support.policies import compiled
from tests.support.reading import Reading
from tests.support.terms import ATTRIBUTES, COUNT, conditions, quantities
from tests.support.traces import task_specs


def routing(text: str) -> str:
    """A policy in whose route the condition `text` stands."""
    queue = "queue a { global order fifo slice 1ms }"
    return f"policy p {queue} route {{ {text} -> a  else -> a }} serve a"


def condition(text: str) -> ir.Expr:
    return compiled(routing(text)).route.rules[0].condition


def holds(text: str, task: TaskSpec = TaskSpec("worker")) -> bool:  # noqa: B008 - immutable
    return bool(evaluate(condition(text), Environment((), task)))


@pytest.mark.parametrize(
    "text",
    [
        "7 / 2 == 3",
        "2 - 5 == -3",
        "7ms / 2ms == 3",
        "1s / 3 == 333333333ns",
        "min(3, 1, 2) == 1 and max(3, 1, 2) == 3",
        "clamp(5, 1, 3) == 3 and clamp(0, 1, 3) == 1",
        "clamp(2, 3, 1) == 1",
        "log2(0) == 0 and log2(1) == 0 and log2(2) == 1",
        "log2(1023) == 9 and log2(1024) == 10",
        "ewma(10ms, 2ms, 4) == 8ms and ewma(1ns, 0ns, 3) == 0ns",
        "(if 1 < 2 then 3 else 4) == 3",
        "1000000000 * 1000000000 + 1 > 1000000000 * 1000000000",
        "now - now == 0ns",
        "not false and (true or false)",
    ],
)
def test_arithmetic(text: str) -> None:
    assert holds(text)


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("web", ["web"], ["webs", "aweb", "WEB", ""]),
        ("web*", ["web", "webs"], ["aweb"]),
        ("*web", ["web", "aweb"], ["webs"]),
        ("*web*", ["web", "awebs"], ["wb"]),
        ("w.b[", ["w.b["], ["wxb["]),
        ("w*b", ["wb", "web", "wbab"], ["w", "webs", "aweb"]),
        ("a*a", ["aa", "aba"], ["a"]),
        ("a*b*bc", ["abbc", "aabxbc"], ["abc", "abbcd"]),
        ("*a*b*", ["ab", "xaxbx"], ["ba"]),
        ("a**b*", ["ab", "axbx"], ["xab"]),
    ],
)
def test_patterns(pattern: str, matching: list[str], other: list[str]) -> None:
    for name in matching:
        assert holds(f'comm ~ "{pattern}"', TaskSpec(name))
        assert holds(f'process ~ "{pattern}"', TaskSpec("x", process=name))
    for name in other:
        assert not holds(f'comm ~ "{pattern}"', TaskSpec(name, process="web"))


@pytest.mark.parametrize(
    ("cgroup", "is_under"),
    [("/a", True), ("/a/b", True), ("/ab", False), ("/", False), ("/b/a", False)],
)
def test_a_cgroup_is_under_itself_and_its_ancestors(cgroup: str, is_under: bool) -> None:
    assert holds('cgroup under "/a"', TaskSpec("t", cgroup=cgroup)) == is_under


@pytest.mark.parametrize(
    ("affinity", "pinned", "restricted"), [(None, 0, 0), ({0}, 1, 1), ({0, 1}, 0, 1)]
)
def test_affinity_as_policies_see_it(
    affinity: set[int] | None, pinned: int, restricted: int
) -> None:
    task = TaskSpec("t", affinity=None if affinity is None else frozenset(affinity))
    assert (holds("pinned", task), holds("restricted", task)) == (pinned, restricted)


def test_attributes_are_the_tasks() -> None:
    task = TaskSpec("t", nice=-3, weight=300, kthread=True, pid=7, tgid=5, ppid=2, uid=9, gid=8)
    assert holds("nice == -3 and weight == 300 and kthread", task)
    assert holds("pid == 7 and tgid == 5 and ppid == 2 and uid == 9 and gid == 8", task)
    assert holds("group_leader", TaskSpec("t", pid=5, tgid=5))
    assert not holds("group_leader", task)


@settings(deadline=None)
@given(
    st.one_of(conditions(ATTRIBUTES), quantities(ATTRIBUTES, COUNT).map(lambda t: f"{t.text} > 5")),
    task_specs(),
)
def test_random_expressions_agree_with_the_simulators(text: str, task: TaskSpec) -> None:
    written = Reading(routing(text)).route.rules[0].condition
    expected = Reader({}, task).value(written, attributes(task))
    assert evaluate(condition(text), Environment((), task)) == expected


@pytest.mark.parametrize("is_left", [True, False])
@pytest.mark.parametrize("op", [ir.ArithOp.ADD, ir.ArithOp.MIN, ir.ArithOp.MAX])
def test_the_deepest_expressions_can_be_evaluated(op: ir.ArithOp, is_left: bool) -> None:
    span, range_ = Span(0, 0), ir.Interval(0, MAX_DEPTH)
    one = ir.Const(ir.Type.COUNT, range_, span, 1)
    nested: ir.Expr = one
    for _ in range(MAX_DEPTH - 1):
        left, right = (nested, one) if is_left else (one, nested)
        nested = ir.Arith(ir.Type.COUNT, range_, span, op, left, right)
    assert evaluate(nested, Environment(())) == (MAX_DEPTH if op is ir.ArithOp.ADD else 1)
