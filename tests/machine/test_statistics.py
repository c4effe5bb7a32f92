"""Statistics and what wakers leave, number by number."""

from __future__ import annotations

from schedlang.machine.machine import Machine
from schedlang.machine.scenario import TaskSpec
from tests.support.machines import MS, machine

S = 1_000 * MS
POLICY = """policy p
task {
  wakings : count = 0 in 0..9
  on waking { wakings = wakings + 1 }
}
queue a { global  order fifo  slice 4ms }
queue b { global  order fifo  slice 1ms }
route {
  run_since_wake + avg_run + wake_gap + waking_gap < 0ns -> b
  waker.wakings > 1 and waker.avg_run < 100ms            -> b
  else                                                   -> a
}
serve weighted { a: 1  b: 1 }
"""


def values(m: Machine, task: int) -> dict[str, int]:
    return {s.name: v for s, v in zip(m.policy.states, m.tasks[task].states, strict=True)}


def known(m: Machine, task: int, *names: str) -> tuple[int, ...]:
    return tuple(values(m, task)[name] for name in names)


def test_a_new_task_has_the_documented_values() -> None:
    m = machine(POLICY)
    task = m.fork(TaskSpec("t"), 7)
    names = ("run_since_wake", "avg_run", "wake_gap", "waking_gap")
    assert known(m, task, *names) == (0, 5 * MS, S, S)


def test_runs_are_added_up_until_the_next_wake_up() -> None:
    m = machine(POLICY)
    task = m.fork(TaskSpec("t"), 0)
    m.choose(0, 0)
    m.stop(0, 4 * MS, blocked=False)
    assert known(m, task, "run_since_wake", "avg_run") == (4 * MS, 5 * MS)
    m.choose(0, 4 * MS)
    m.stop(0, 5 * MS, blocked=True)
    assert known(m, task, "run_since_wake", "avg_run") == (5 * MS, 5 * MS)
    m.choose(0, 5 * MS)
    m.wake(task, 9 * MS)
    assert known(m, task, "run_since_wake", "wake_gap") == (0, (3 * S + 9 * MS) // 4)
    m.choose(0, 9 * MS)
    m.stop(0, 10 * MS, blocked=True)
    assert known(m, task, "avg_run") == (4 * MS,)


def test_averages_saturate() -> None:
    m = machine(POLICY)
    task = m.fork(TaskSpec("t"), 0)
    m.choose(0, 0)
    m.stop(0, MS, blocked=True)
    m.choose(0, MS)
    m.wake(task, 10**6 * S)
    assert known(m, task, "wake_gap") == ((3 * S + 10 * S) // 4,)


def test_a_waker_takes_notice_and_leaves_what_it_has() -> None:
    m = machine(POLICY)
    waker = m.fork(TaskSpec("waker"), 0)
    m.choose(0, 0)
    first = m.fork(TaskSpec("first"), 2 * MS, 0, waker)
    assert known(m, waker, "waking_gap", "wakings") == ((3 * S + S + 2 * MS) // 4, 1)
    assert known(m, first, "waker.wakings", "waker.avg_run") == (1, 5 * MS)
    second = m.fork(TaskSpec("second"), 3 * MS, 0, waker)
    assert known(m, second, "waker.wakings") == (2,)
    assert (m.tasks[first].queue, m.tasks[second].queue) == (0, 1)


def test_without_a_waker_the_last_one_counts() -> None:
    m = machine(POLICY)
    waker = m.fork(TaskSpec("waker"), 0)
    m.choose(0, 0)
    task = m.fork(TaskSpec("t"), 0, 0, waker)
    m.stop(0, MS, blocked=True)
    m.choose(0, MS)
    m.stop(0, 2 * MS, blocked=True)
    m.choose(0, 2 * MS)
    m.wake(task, 3 * MS)
    assert known(m, task, "waker.wakings") == (1,)


def test_only_what_is_read_is_there() -> None:
    m = machine(POLICY.replace("run_since_wake + avg_run + wake_gap + waking_gap", "avg_run"))
    assert set(values(m, m.fork(TaskSpec("t"), 0))) == {
        "wakings",
        "avg_run",
        "run_since_wake",
        "waker.wakings",
        "waker.avg_run",
    }


def test_woken_tells_arrivals_apart() -> None:
    m = machine(
        "policy p\nqueue a { global  order fifo  slice if woken then 4ms else 1ms }\n"
        "queue b { global  order fifo  slice if woken then 4ms else 1ms }\n"
        "route { woken -> a  else -> b }\nserve weighted { a: 1  b: 1 }\n"
    )
    task = m.fork(TaskSpec("t"), 0)
    assert (m.tasks[task].queue, m.tasks[task].slice_ns) == (0, 4 * MS)
    m.choose(0, 0)
    m.stop(0, MS, blocked=False)
    assert (m.tasks[task].queue, m.tasks[task].slice_ns) == (1, MS)


def test_length_is_that_of_the_queue_as_the_task_joins() -> None:
    m = machine(
        "policy p\nqueue a { global  order fifo  slice min(1ms * (length + 1) * cpus, 99ms) }\n"
        "route { else -> a }\nserve a\n",
        cpus=2,
    )
    tasks = [m.fork(TaskSpec("t"), 0) for _ in range(3)]
    assert [m.tasks[task].slice_ns for task in tasks] == [2 * MS, 4 * MS, 6 * MS]
    m.choose(0, 0)
    m.stop(0, MS, blocked=False)
    assert m.tasks[tasks[0]].slice_ns == 6 * MS
