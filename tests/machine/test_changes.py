"""What changes while the machine runs: attributes, params, exits, CPUs that are taken away."""

from __future__ import annotations

from dataclasses import replace

import pytest

from schedlang.machine.machine import Machine, Mode, Phase
from schedlang.machine.scenario import TaskSpec
from schedlang.machine.snapshot import relative_state
from schedlang.topology import Topology
from tests.support.machines import MS, by_nice, join, machine
from tests.support.policies import compiled

HERE, THERE = frozenset({0}), frozenset({1})


def joins(m: Machine, task: int) -> int:
    """How often it has joined, under `counting`."""
    return m.tasks[task].states[0]


def claims(m: Machine) -> list[int | None]:
    return [cpu.claimed for cpu in m.cpus]


def counting(queues: int = 2, extra: str = "", cpus: int = 1) -> Machine:
    """`joins` and `wakes` are counted."""
    task = """task {
        joins : count = 0 in 0..99  wakes : count = 0 in 0..99
        on wake { wakes = wakes + 1 }  on join { joins = joins + 1 }
    }"""
    names = " ".join("abc"[:queues])
    return machine(by_nice(queues, f"strict {{ {names} }}", f"{task} {extra}"), cpus)


# --- attributes


def test_a_waiting_task_that_changes_arrives_again_without_waking() -> None:
    m = counting()
    first, second = join(m, 1), join(m, 1)
    assert m.change(first, replace(m.tasks[first].spec, weight=300), MS) is None
    assert list(m.tasks[first].states) == [2, 1]
    entries = [entry.task for entry in m.cpus[0].here[1].entries]
    assert entries == [second, first]  # behind the other
    m.change(first, replace(m.tasks[first].spec, nice=0), 2 * MS)
    assert m.tasks[first].queue == 0
    assert [entry.task for entry in m.cpus[0].here[1].entries] == [second]


def test_another_name_is_no_arrival() -> None:
    m = machine(by_nice(2, "strict { a b }").replace("nice == 0", 'comm ~ "x"'))
    task = join(m, 0, comm="y")
    m.change(task, replace(m.tasks[task].spec, comm="x", process="x"), MS)
    assert m.cpus[0].here[1].entries[0].task == task
    m.choose(0, MS)
    m.stop(0, 2 * MS, blocked=False)
    assert m.tasks[task].queue == 0  # but it counts at the next one


def test_a_sleeping_or_running_task_changes_where_it_is() -> None:
    m = counting()
    task = join(m, 0)
    m.choose(0, 0)
    assert m.change(task, replace(m.tasks[task].spec, nice=1), MS) is None
    assert (joins(m, task), m.tasks[task].phase) == (1, Phase.RUNNING)
    m.stop(0, MS, blocked=True)
    m.change(task, replace(m.tasks[task].spec, weight=7), MS)
    assert (joins(m, task), m.tasks[task].phase) == (1, Phase.BLOCKED)
    m.wake(task, 2 * MS)
    assert m.tasks[task].queue == 1


def test_a_task_whose_affinity_changes_wakes_a_cpu_that_may_run_it_now() -> None:
    m = machine(by_nice(1, "a"), cpus=2)
    running = m.fork(TaskSpec("r", affinity=HERE), 0)
    assert m.choose(0, 0) == (running, 0)
    waiting = m.fork(TaskSpec("w", affinity=HERE), 0)
    assert m.woken == []
    m.change(waiting, TaskSpec("w", affinity=THERE), MS)
    assert m.woken == [1]
    assert m.choose(1, MS) == (waiting, 0)


def test_a_running_task_that_may_no_longer_run_there_is_stopped() -> None:
    m = counting(cpus=2)
    task = m.fork(TaskSpec("t", affinity=HERE), 0)
    m.choose(0, 0)
    assert m.change(task, TaskSpec("t", affinity=THERE), MS) == 0
    assert (m.cpus[0].mode, m.tasks[task].phase) == (Mode.CHOOSING, Phase.QUEUED)
    assert joins(m, task) == 2
    assert m.choose(0, MS) is None
    assert m.choose(1, MS) == (task, 0)


def test_a_claimed_task_that_changes_leaves_its_cpu_to_choose() -> None:
    m = machine(by_nice(2, "strict { a b }", "place { prev }"), cpus=2)
    task = join(m, 1)
    assert claims(m) == [task, None]
    m.change(task, TaskSpec("t", affinity=THERE), 0)
    assert claims(m) == [None, None]
    assert m.woken == [0, 1]
    assert m.choose(0, 0) is None
    assert m.choose(1, 0) == (task, 0)


# --- exits


@pytest.mark.parametrize("place", ["", "place { prev }"])
def test_a_waiting_task_that_exits_is_in_nobodys_way(place: str) -> None:
    m = machine(by_nice(1, "a", place))
    task = join(m, 0)
    m.exit(task)
    assert m.tasks[task].phase is Phase.EXITED
    assert m.cpus[0].here[0].entries == []
    assert m.choose(0, 0) is None
    assert claims(m) == [None]


def test_a_task_that_runs_is_stopped_before_it_exits() -> None:
    m = machine(by_nice(1, "a"))
    task = join(m, 0)
    m.choose(0, 0)
    with pytest.raises(AssertionError):
        m.exit(task)
    m.stop(0, MS, blocked=True)
    m.exit(task)
    with pytest.raises(AssertionError):
        m.wake(task, MS)


# --- CPUs that are taken away


def test_a_cpu_that_is_taken_away_gives_up_its_turn_and_is_woken_by_nobody() -> None:
    m = machine(by_nice(1, "a", "place { cpu in any }"), cpus=2)
    task = join(m, 0)
    m.choose(0, 0)
    m.take_away(0, MS)
    assert (m.cpus[0].mode, m.tasks[task].phase) == (Mode.AWAY, Phase.QUEUED)
    assert m.choose(1, MS) == (task, 0)
    assert m.fork(TaskSpec("late"), MS) == 1
    assert m.woken == []
    m.give_back(0)
    assert m.woken == [0]
    assert m.choose(0, 2 * MS) == (1, 0)


def test_a_claimed_task_waits_until_its_cpu_comes_back() -> None:
    m = machine(by_nice(1, "a", "place { cpu in any }"), cpus=2)
    task = join(m, 0)
    m.take_away(0, 0)
    assert m.woken == []
    assert m.tasks[task].phase is Phase.CLAIMED
    m.give_back(0)
    assert m.choose(0, MS) == (task, 0)


# --- params


def test_a_param_that_is_set_counts_from_the_next_evaluation_on() -> None:
    text = by_nice(2, "strict { a  b }", "guard b after hold").replace("4ms", "quantum")
    params = "param quantum : duration = 4ms in 1ms..9ms  param hold : duration = 9ms in 1ms..99ms"
    m = machine(text.replace("policy p", f"policy p {params}"))
    task = join(m, 0)
    m.set_param(0, 2 * MS)
    assert m.tasks[task].slice_ns == 4 * MS
    m.choose(0, 0)
    m.stop(0, MS, blocked=False)
    assert m.tasks[task].slice_ns == 2 * MS
    join(m, 1, MS)
    m.set_param(1, MS)
    assert m.choose(0, 2 * MS) == (task, 0)  # the guard is due at 9 ms, as it was worked out
    m.stop(0, 9 * MS, blocked=False)
    assert m.choose(0, 9 * MS) == (1, 1)
    m.stop(0, 10 * MS, blocked=False)
    m.choose(0, 10 * MS)
    m.stop(0, 11 * MS, blocked=False)
    assert m.choose(0, 11 * MS) == (1, 1)


# --- wake-ups


def test_a_wake_up_that_is_spent_on_another_task_is_handed_on() -> None:
    m = machine(by_nice(2, "strict { a  b }"), cpus=2)
    anywhere = join(m, 1)
    bound = m.fork(TaskSpec("bound", nice=0, affinity=HERE), 0)
    assert m.woken == [0]
    assert m.choose(0, 0) == (bound, 0)
    assert m.woken == [1]
    assert m.choose(1, 0) == (anywhere, 1)
    assert m.woken == []


def test_a_wake_up_is_handed_on_by_a_cpu_that_finds_nothing() -> None:
    m = machine(by_nice(1, "a"), cpus=3)
    gone = m.fork(TaskSpec("gone", affinity=HERE), 0)
    waiting = m.fork(TaskSpec("w", affinity=THERE), 0)
    assert m.woken == [0, 1]
    m.take_away(1, 0)
    m.change(waiting, TaskSpec("w", affinity=frozenset({1, 2})), 0)
    assert m.woken == [0, 2]
    m.exit(gone)
    assert m.choose(2, 0) == (waiting, 0)
    assert m.choose(0, 0) is None
    assert m.woken == []


def test_a_cpu_that_was_not_woken_hands_nothing_on() -> None:
    m = machine(by_nice(1, "a", "place { cpu in any }"), cpus=2)
    join(m, 0)
    m.choose(0, 0)  # claimed, it had nothing to choose
    assert m.woken == []
    m.stop(0, MS, blocked=True)
    assert m.choose(0, MS) is None
    assert m.woken == []


def test_a_snapshot_tells_a_woken_cpu_from_one_that_stopped() -> None:
    woken, stopped = (machine(by_nice(1, "a")) for _ in range(2))
    join(woken, 0)
    join(stopped, 0)
    stopped.choose(0, 0)
    stopped.stop(0, 0, blocked=False)
    assert woken.cpus[0].mode is stopped.cpus[0].mode
    views = [relative_state(m, 0).cpus[0] for m in (woken, stopped)]
    assert [view.woken for view in views] == [True, False]


def test_a_whole_core_is_one_whose_threads_are_all_idle() -> None:
    policy = compiled(by_nice(1, "a", "place { core in any }"))
    m = Machine(policy, Topology(cpus=4, smt=2), ())
    first, second, third = (join(m, 0) for _ in range(3))
    assert claims(m) == [first, None, second, None]
    assert m.tasks[third].phase is Phase.QUEUED  # CPUs 1 and 3 are idle, their cores are not
    assert m.woken == [0, 2, 1]


def test_a_machine_made_afresh_shares_nothing_that_changes() -> None:
    m = counting(extra="guard b after 9ms")
    join(m, 1)
    m.choose(0, 0)
    new = m.afresh()
    before = relative_state(new, 0)
    m.stop(0, MS, blocked=False)
    assert (
        relative_state(new, 0) == before == relative_state(counting(extra="guard b after 9ms"), 0)
    )
