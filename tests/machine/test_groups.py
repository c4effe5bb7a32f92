"""Control groups: what is due to a task, number by number."""

from __future__ import annotations

import pytest

from schedlang.machine.groups import Groups, Member
from schedlang.machine.scenario import TaskSpec
from tests.support.machines import MS, machine

POLICY = """policy p
queue a { global  order fifo  slice 1us * group_weight }
route { else -> a }
serve a
"""


def test_a_task_by_itself_has_all() -> None:
    groups = Groups()
    member = Member("/a/b", 100)
    groups.add(member)
    assert groups.share(member) == 10_000
    groups.remove(member)
    groups.add(Member("/c", 100))
    assert groups.share(member) == 1  # it does not count


def test_groups_share_by_their_weights_and_tasks_within_them() -> None:
    groups = Groups()
    groups.weigh("/gold", 300)
    crowd, gold = Member("/crowd", 100), Member("/gold", 100)
    for _ in range(10):
        groups.add(crowd)
    groups.add(gold)
    groups.add(gold)
    assert (groups.share(gold), groups.share(crowd)) == (3750, 250)
    groups.weigh("/gold", 100)
    assert (groups.share(gold), groups.share(crowd)) == (2500, 500)


def test_groups_without_members_take_nothing() -> None:
    groups = Groups()
    inner, outer = Member("/a/b", 50), Member("/c", 100)
    groups.add(inner)
    groups.add(outer)
    assert groups.share(outer) == 5000
    groups.remove(inner)
    assert groups.share(outer) == 10_000
    groups.weigh("/a", 10_000)
    groups.add(inner)
    assert groups.share(outer) == 10_000 * 100 // 10_100


def test_the_roots_tasks_stand_beside_groups() -> None:
    groups = Groups()
    groups.add(Member("/", 200))
    groups.add(Member("/a", 7))
    assert groups.share(Member("/a", 7)) == 3333


@pytest.mark.parametrize("blocked", [True, False])
def test_a_task_counts_until_it_sleeps(blocked: bool) -> None:
    m = machine(POLICY)
    m.fork(TaskSpec("t", cgroup="/a"), 0)
    m.choose(0, 0)
    other = m.fork(TaskSpec("t", cgroup="/b"), 0)
    assert m.tasks[other].slice_ns == 5 * MS
    m.stop(0, MS, blocked=blocked)
    third = m.fork(TaskSpec("t", cgroup="/b"), MS)
    assert m.tasks[third].slice_ns == (5 if blocked else 2.5) * MS


def test_a_waiting_task_that_moves_counts_elsewhere() -> None:
    m = machine(POLICY)
    first = m.fork(TaskSpec("t", cgroup="/a"), 0)
    m.fork(TaskSpec("t", cgroup="/b"), 0)
    m.change(first, TaskSpec("t", cgroup="/b"), MS)
    assert m.tasks[first].slice_ns == 5 * MS
    m.exit(first)
    assert m.tasks[m.fork(TaskSpec("t", cgroup="/a"), MS)].slice_ns == 5 * MS
