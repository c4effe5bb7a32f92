"""What happens to tasks: arrival, the order of handlers, keys, clocks, charges."""

from __future__ import annotations

import pytest

from schedlang.machine.machine import Machine, Mode, Phase
from schedlang.machine.scenario import TaskSpec
from tests.support.machines import MS, US, by_nice, join, machine

VRUNTIME = "vruntime(credit: 20ms, fork: 1ms)"


def in_order(order: str, task: str = "", slice_: str = "4ms", place: str = "") -> str:
    """One queue, with an order of the members `order`, or fifo."""
    declared = f"order by_test {{ {order} }}" if order else ""
    name = "by_test" if order else "fifo"
    return f"""policy p
        {task} {declared}
        queue only {{ global  order {name}  slice {slice_} }}
        route {{ else -> only }}  serve only {place}"""


def states(m: Machine, task: int, queue: int | None = None) -> list[int]:
    values = m.tasks[task].states if queue is None else m.tasks[task].order_states[queue]
    return list(values or ())


def vruntime() -> Machine:
    use = "use std.orders.{vruntime}"
    return machine(by_nice(1, "a", order=VRUNTIME).replace("policy p", f"policy p {use}"))


def run_first(m: Machine, now: int, ran_ns: int, *, blocked: bool = False) -> int:
    chosen = m.choose(0, now)
    assert chosen is not None
    m.stop(0, now + ran_ns, blocked=blocked)
    return chosen.task


# --- orders


def test_fifo_takes_the_oldest_and_a_requeued_task_goes_last() -> None:
    m = machine(in_order(""))
    tasks = [join(m, 0) for _ in range(3)]
    assert [run_first(m, i * MS, MS) for i in range(6)] == tasks * 2


def test_of_equal_keys_the_older_entry_goes_first() -> None:
    m = machine(in_order("key now + (if nice < 0 then 5ms else 0ns)"))
    late, first, second = join(m, -1, 0), join(m, 0, 5 * MS), join(m, 0, 5 * MS)
    assert [run_first(m, 6 * MS, 0, blocked=True) for _ in range(3)] == [late, first, second]


def test_a_newcomer_starts_behind_the_clock() -> None:
    m = vruntime()
    join(m, 0)
    assert states(m, 0, 0) == [MS]
    assert m.cpus[0].here[0].clock == 0
    run_first(m, 0, 10 * MS)
    assert m.cpus[0].here[0].clock == MS  # the v it started with, not the one it left with
    assert states(m, 0, 0) == [11 * MS]
    assert states(m, join(m, 0, 10 * MS), 0) == [2 * MS]


def test_a_sleeper_keeps_no_more_than_its_credit() -> None:
    m = vruntime()
    sleeper = join(m, 0)
    run_first(m, 0, 0, blocked=True)
    hog = join(m, 0)
    for i in range(100):
        assert run_first(m, i * MS, MS) == hog
    clock = m.cpus[0].here[0].clock
    assert clock == 101 * MS
    m.wake(sleeper, 100 * MS)
    assert states(m, sleeper, 0) == [clock - 20 * MS]
    assert m.cpus[0].here[0].entries[0].key == clock - 20 * MS  # the key comes after the join
    assert m.choose(0, 100 * MS) == (sleeper, 0)
    assert m.cpus[0].here[0].clock == clock  # the clock never goes back


def test_a_short_sleeper_keeps_the_v_that_it_had() -> None:
    m = vruntime()
    task = join(m, 0)
    run_first(m, 0, 4 * MS, blocked=True)
    m.wake(task, 5 * MS)
    assert states(m, task, 0) == [5 * MS]


@pytest.mark.parametrize(
    ("ran_ns", "weight", "charge_ns"),
    [
        (0, 100, US),
        (999, 100, US),
        (1_001, 100, 1_001),
        (1_001, 10_000, 10),
        (1_000_000, 3, 33_333_333),
        (10**9 + 1, 100, 10**9),
    ],
)
def test_a_turn_is_charged_by_weight_within_limits(
    ran_ns: int, weight: int, charge_ns: int
) -> None:
    m = vruntime()
    join(m, 0, weight=weight)
    run_first(m, 0, ran_ns)
    assert states(m, 0, 0) == [MS + charge_ns]


def test_the_running_task_competes_with_the_key_it_has_just_earned() -> None:
    m = vruntime()
    hog, other = join(m, 0), join(m, 0)
    assert run_first(m, 0, 4 * MS) == hog  # v = 5 ms, the other's is 1 ms
    assert run_first(m, 4 * MS, MS) == other  # v = 2 ms
    assert run_first(m, 5 * MS, 3 * MS) == other  # v = 5 ms, but the other entry is older
    assert run_first(m, 8 * MS, MS) == hog


def test_state_belongs_to_the_task_and_the_queue() -> None:
    use = "use std.orders.{vruntime}"
    text = by_nice(2, "weighted { a: 1  b: 1 }", "task { n : count = 0 in 0..9 }", VRUNTIME)
    text = text.replace("policy p", f"policy p {use}").replace("nice == 0", "n == 0")
    text = text.replace("0..9 }", "0..9  on stop { n = n + 1 } }")
    m = machine(text)
    join(m, 0)
    assert run_first(m, 0, 10 * MS) == 0
    assert (states(m, 0, 0), states(m, 0, 1)) == ([11 * MS], [MS])


# --- handlers


def test_handlers_run_in_the_order_of_the_page() -> None:
    # Each digit is appended by one handler.
    task = """task {
        t : count = 0 in 0..999999999
        on wake { t = t * 10 + 1 }
        on join { t = t * 10 + 2 }
        on stop { t = t * 10 + 3 }
    }"""
    order = """
        o : count = t in 0..999999999
        on wake { o = o * 10 + 4 }
        on join { o = o * 1000000 + t }
        on stop { o = t }
        key now"""
    m = machine(in_order(order, task))
    join(m, 0)
    assert (states(m, 0), states(m, 0, 0)) == ([12], [14_000_012])
    run_first(m, 0, MS)
    assert (states(m, 0), states(m, 0, 0)) == ([1232], [123_001_232])


def test_assignments_take_effect_one_after_the_other_and_saturate() -> None:
    task = """task {
        a : count = 5 in 0..10
        b : count = 0 in -3..3
        on join { a = a + 100  b = a  a = a - 4 }
    }"""
    m = machine(in_order("", task))
    assert states(m, join(m, 0)) == [6, 3]


def test_a_condition_is_read_when_its_handler_is_reached() -> None:
    task = """task {
        a : count = 0 in 0..9
        on join { a = 1 }
        on join if a == 1 { a = 5 }
        on join if a == 1 { a = 7 }
    }"""
    m = machine(in_order("", task))
    assert states(m, join(m, 0)) == [5]


def test_initial_values_may_read_the_states_before_them() -> None:
    task = "task { a : count = 3 in 0..9  b : duration = a * 1ms in 0ns..9ms }"
    m = machine(in_order("o : count = a + 1 in 0..10  p : count = o * 2 in 0..20  key now", task))
    join(m, 0)
    assert (states(m, 0), states(m, 0, 0)) == ([3, 3 * MS], [4, 8])


def test_stop_names_what_was_used_and_granted_and_whether_it_blocked() -> None:
    task = """task {
        u : duration = 0ns in 0ns..1s  g : duration = 0ns in 0ns..1s  b : bool = false
        on stop { u = used  g = granted  b = blocked }
    }"""
    m = machine(in_order("", task, "7ms"))
    join(m, 0)
    run_first(m, 0, 2 * MS)
    assert states(m, 0) == [2 * MS, 7 * MS, 0]
    run_first(m, 2 * MS, 5, blocked=True)
    assert states(m, 0) == [US, 7 * MS, 1]


def test_used_counts_from_the_start_of_the_turn_not_from_the_last_settling() -> None:
    m = machine(in_order("", "task { u : duration = 0ns in 0ns..1s  on stop { u = used } }"))
    join(m, 0)
    m.choose(0, 0)
    m.settle(0, 3 * MS)
    m.stop(0, 4 * MS, blocked=True)
    assert states(m, 0) == [4 * MS]


def test_a_slice_is_what_it_was_at_the_join() -> None:
    task = """task {
        n : count = 1 in 1..9
        g : duration = 0ns in 0ns..1s
        on join { n = n + 1 }
        on stop { n = 9  g = granted }
    }"""
    m = machine(in_order("", task, "n * 1ms"))
    join(m, 0)
    assert m.tasks[0].slice_ns == 2 * MS
    run_first(m, 0, MS, blocked=True)
    assert states(m, 0)[1] == 2 * MS


# --- routing and placement


def test_the_first_rule_that_holds_decides() -> None:
    m = machine(by_nice(3, "strict { a  b  c }").replace("nice == 1", "nice < 5"))
    assert [m.tasks[join(m, nice)].queue for nice in (0, 1, 4, 5)] == [0, 1, 1, 2]


def test_every_arrival_is_routed_anew() -> None:
    task = "task { n : count = 1 in 0..9  on stop { n = n - 1 }  on wake { n = n + 1 } }"
    m = machine(by_nice(3, "strict { a  b  c }", task).replace("nice ==", "n =="))
    join(m, 0)
    queues = [m.tasks[0].queue]
    for i in range(4):
        run_first(m, i * MS, 0, blocked=i == 2)
        if i == 2:
            m.wake(0, i * MS)
        queues.append(m.tasks[0].queue)
    assert queues == [2, 1, 0, 1, 0]


def test_without_placement_an_arrival_wakes_an_idle_cpu_to_choose() -> None:
    m = machine(in_order(""), cpus=2)
    m.fork(TaskSpec("t", affinity=frozenset({1})), 0)
    assert [cpu.mode for cpu in m.cpus] == [Mode.IDLE, Mode.CHOOSING]
    assert m.tasks[0].phase is Phase.QUEUED
    join(m, 0)
    assert [cpu.mode for cpu in m.cpus] == [Mode.CHOOSING, Mode.CHOOSING]
    assert m.choose(0, 0) == (1, 0)  # task 0 is older, but not for this CPU
    assert m.choose(1, 0) == (0, 0)


def test_a_claimed_task_starts_next_whatever_waits() -> None:
    m = machine(by_nice(2, "strict { a  b }", "guard a after 1us  place { cpu in any }"))
    claimed = join(m, 1)
    assert m.tasks[claimed].phase is Phase.CLAIMED
    waiting = join(m, 0)
    assert m.tasks[waiting].phase is Phase.QUEUED
    assert m.choose(0, MS) == (claimed, 1)
    m.stop(0, 2 * MS, blocked=False)
    assert m.choose(0, 2 * MS) == (waiting, 0)


def test_a_start_after_a_placement_moves_the_clock_and_is_charged() -> None:
    use = "use std.orders.{vruntime}"
    text = by_nice(1, "weighted { a: 1 }", "place { prev }", VRUNTIME)
    m = machine(text.replace("policy p", f"policy p {use}"))
    join(m, 0)
    run_first(m, 0, 2 * MS)
    assert m.cpus[0].here[0].clock == MS
    assert m.cpus[0].arbiter.relative(2 * MS) == (False, (), (((2 * MS, True),),))


def test_prev_is_the_cpu_a_task_last_ran_on_and_a_forks_its_parents() -> None:
    m = machine(in_order("", place="place { prev }"), cpus=3)
    task = m.fork(TaskSpec("t"), 0, cpu=2)
    assert m.cpus[2].claimed == task
    m.choose(2, 0)
    other = m.fork(TaskSpec("t"), 0, cpu=2)
    assert m.tasks[other].phase is Phase.QUEUED
    m.stop(2, MS, blocked=True)
    assert m.choose(0, MS) == (other, 0)
    assert m.choose(2, MS) is None
    m.wake(task, MS)
    assert m.cpus[2].claimed == task


def test_prev_is_passed_over_where_the_task_may_not_run() -> None:
    m = machine(in_order("", place="place { prev  cpu in any }"), cpus=3)
    task = m.fork(TaskSpec("t", affinity=frozenset({1, 2})), 0, cpu=0)
    assert m.cpus[1].claimed == task


def test_a_task_that_is_requeued_is_not_placed() -> None:
    m = machine(in_order("", place="place { cpu in any }"), cpus=2)
    join(m, 0)
    assert m.choose(0, 0) == (0, 0)
    m.stop(0, MS, blocked=False)
    assert m.cpus[1].claimed is None
    assert m.cpus[1].mode is Mode.CHOOSING  # but an idle CPU is woken for it
    assert m.choose(1, MS) == (0, 0)


def test_each_cpu_keeps_its_own_account() -> None:
    m = machine(by_nice(2, "strict { a  b }", "guard b after 10ms"), cpus=2)
    for nice in (0, 0, 1, 1):
        join(m, nice)
    assert m.choose(0, 0) == (0, 0)
    m.choose(1, 5 * MS)
    m.stop(0, 10 * MS, blocked=False)
    m.stop(1, 10 * MS, blocked=False)
    first, second = m.choose(0, 10 * MS), m.choose(1, 10 * MS)
    assert first is not None
    assert second is not None
    assert (first.queue, second.queue) == (1, 0)
