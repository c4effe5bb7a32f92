"""Replays: a run that starves its victim is confirmed, anything else is refused with the place."""

from __future__ import annotations

from dataclasses import replace

import pytest

from schedlang.machine.replay import Mismatch, Replay, replay
from schedlang.machine.scenario import Delay, Lasso, Pass, Shortfall, Step, TaskSpec, Turn, Wake
from schedlang.machine.timeline import timeline_lines
from tests.support.machines import MS, by_nice
from tests.support.policies import compiled

STRICT = by_nice(2, "strict { a  b }")
HOG, REST = TaskSpec("hog", nice=0), TaskSpec("rest", nice=1)
PLACED = by_nice(2, "strict { a  b }", "place { cpu in any }")


def run(text: str, lasso: Lasso, rounds: int = 8) -> Replay | Mismatch:
    return replay(compiled(text), lasso, rounds)


def lasso(
    tasks: list[TaskSpec], prefix: list[Step], loop: list[Step], victim: int, queue: int = 1
) -> Lasso:
    return Lasso(tuple(tasks), (*prefix, *loop), len(prefix), victim, queue, ())


HOGGED = lasso([HOG, REST], [Wake(0), Wake(1)], [Turn(0, 4 * MS, False)], 1)
BLINKING = lasso(
    [HOG, HOG, REST],
    [Wake(0), Wake(1), Wake(2)],
    [Turn(0, 2 * MS, True), Wake(0), Turn(1, 3 * MS, True), Wake(1)],
    2,
)


def confirmed(text: str, of: Lasso) -> Replay:
    result = run(text, of)
    assert isinstance(result, Replay), result
    return result


def refused(text: str, of: Lasso) -> Mismatch:
    result = run(text, of)
    assert isinstance(result, Mismatch), result
    return result


def test_a_hog_above_starves_the_queue_below() -> None:
    found = confirmed(STRICT, HOGGED)
    assert (found.period_ns, found.aging) == (4 * MS, ())
    assert found.victim_since_ns == 0


def test_two_tasks_that_sleep_in_turn_starve_the_queue_below() -> None:
    assert confirmed(STRICT, BLINKING).period_ns == 5 * MS


def test_a_claimed_task_runs_before_the_run_settles() -> None:
    steps: list[Step] = [Wake(1), Wake(0), Turn(1, MS, False)]
    found = confirmed(PLACED, lasso([HOG, REST], steps, [Turn(0, MS, False)], 1))
    assert found.victim_since_ns == MS


@pytest.mark.parametrize("guard", ["guard b after 10ms", "guard b at least 10%"])
@pytest.mark.parametrize("of", [HOGGED, BLINKING])
def test_a_guard_ends_the_starvation(guard: str, of: Lasso) -> None:
    assert "rest" in refused(by_nice(2, "strict { a  b }", guard), of).what


def test_a_weighted_tree_does_not_starve() -> None:
    mismatch = refused(by_nice(2, "weighted { a: 100  b: 1 }"), HOGGED)
    assert (mismatch.step, mismatch.round, mismatch.what) == (2, 2, "the CPU runs rest")


def test_the_wrong_task_is_refused_at_its_step() -> None:
    wrong = lasso([HOG, REST], [Wake(0), Wake(1)], [Turn(1, MS, False)], 1)
    assert refused(STRICT, wrong) == Mismatch(2, 1, "the CPU runs hog")


def test_a_victim_that_is_elsewhere_is_refused() -> None:
    other_queue = lasso([HOG, REST], [Wake(0), Wake(1)], [Turn(0, MS, False)], 1, queue=0)
    assert refused(STRICT, other_queue) == Mismatch(2, 1, "the victim is in `b`")
    runs = lasso([HOG, REST], [Wake(1)], [Turn(1, MS, False)], 1)
    assert refused(PLACED, runs) == Mismatch(1, 1, "the victim is running")
    sleeps = lasso([HOG, REST], [Wake(0)], [Turn(0, MS, False)], 1)
    assert refused(STRICT, sleeps) == Mismatch(1, 1, "the victim has not woken up")
    served = lasso([HOG, REST], [Wake(0), Wake(1), Turn(0, MS, True)], [Turn(1, MS, False)], 1)
    assert refused(STRICT, served) == Mismatch(3, 1, "the victim is running")


@pytest.mark.parametrize(
    ("loop", "what"),
    [
        ([Turn(0, 0, False)], "a turn of 0 ns, where the slice is 4000000 ns"),
        ([Turn(0, 4 * MS + 1, False)], "a turn of 4000001 ns, where the slice is 4000000 ns"),
        ([Pass(MS)], "the CPU is not idle"),
        ([Wake(0)], "hog is awake"),
        ([], "the loop takes no time"),
    ],
)
def test_impossible_steps_are_refused(loop: list[Step], what: str) -> None:
    assert refused(STRICT, lasso([HOG, REST], [Wake(0), Wake(1)], loop, 1)).what == what


def test_idle_time_can_pass_before_anything_arrives() -> None:
    steps: list[Step] = [Pass(MS), Wake(0), Wake(1)]
    found = confirmed(STRICT, lasso([HOG, REST], steps, [Turn(0, MS, False)], 1))
    assert found.victim_since_ns == MS


def test_a_task_that_may_not_run_here_is_no_victim() -> None:
    elsewhere = TaskSpec("rest", nice=1, affinity=frozenset({1}))
    of = lasso([HOG, elsewhere], [Wake(0), Wake(1)], [Turn(0, MS, False)], 1)
    assert refused(STRICT, of) == Mismatch(1, 0, "rest may not run here")


def test_wake_ups_after_a_turn_come_before_its_stop() -> None:
    # b wakes while a runs and joins before a is requeued: it goes first.
    text = by_nice(2, "strict { a  b }")
    tasks = [HOG, HOG, REST]
    loop: list[Step] = [Turn(0, MS, False), Wake(1), Turn(1, MS, True)]
    assert confirmed(text, lasso(tasks, [Wake(0), Wake(2)], loop, 2)).period_ns == 2 * MS


def test_a_task_that_blocks_wakes_after_the_choice_that_its_blocking_caused() -> None:
    loop: list[Step] = [Turn(0, MS, True), Wake(0), Turn(0, MS, True)]
    of = lasso([HOG, REST], [Wake(0), Wake(1)], loop, 1)
    assert refused(STRICT, of).what == "the CPU runs rest"


def test_an_early_wake_up_comes_after_the_choice() -> None:
    # b wakes at the start of the turn that follows, so that a is chosen although it stands below.
    text = by_nice(2, "strict { b  a }")
    steps: list[Step] = [Wake(0), Turn(0, MS, False), Wake(1, early=True), Turn(0, MS, False)]
    late = replace_wake(steps)
    last: list[Step] = [Turn(1, MS, False)]
    delay = Delay((HOG, REST), (*steps, *last), 1, 1, (), 0)
    found = replay(compiled(text), delay, 1)
    assert isinstance(found, Replay)
    assert found.end_ns - found.victim_since_ns == MS
    refused_ = replay(compiled(text), Delay((HOG, REST), (*late, *last), 1, 1, (), 0), 1)
    assert refused_ == Mismatch(3, 0, "the CPU runs rest")


def replace_wake(steps: list[Step]) -> list[Step]:
    return [Wake(step.task) if isinstance(step, Wake) else step for step in steps]


def test_turns_of_a_loop_may_end_late_if_the_run_says_so() -> None:
    turn: Step = Turn(0, 6 * MS, False)
    of = lasso([HOG, REST], [Wake(0), Wake(1)], [turn], 1)
    assert refused(STRICT, of).what == "a turn of 6000000 ns, where the slice is 4000000 ns"
    assert confirmed(STRICT, replace(of, tick_ns=2 * MS)).period_ns == 6 * MS


# --- a queue that gets too little

SHARED = by_nice(2, "weighted { a: 3  b: 1 }")


def shortfall(percent: int, loop: list[Step], tasks: list[TaskSpec]) -> Shortfall:
    steps: list[Step] = [Wake(number) for number in range(len(tasks))]
    return Shortfall(tuple(tasks), (*steps, *loop), len(steps), 1, 1, (), percent, 0)


def test_a_loop_in_which_a_queue_gets_less_is_confirmed() -> None:
    hog = Turn(0, MS, False)
    loop: list[Step] = [hog, Turn(1, MS, False), hog, hog, hog, Turn(2, MS, False), hog, hog]
    run_ = shortfall(26, loop, [HOG, REST, REST])
    found = replay(compiled(SHARED), run_, 8)
    assert isinstance(found, Replay), found
    assert found.served_ns is not None
    assert found.period_ns is not None
    assert found.served_ns * 4 == found.period_ns
    exact = replay(compiled(SHARED), replace(run_, percent=25), 8)
    assert isinstance(exact, Mismatch)
    assert exact.what == "the queue gets 2000000 ns"


def test_a_queue_that_is_empty_for_a_moment_is_owed_nothing() -> None:
    run_ = shortfall(90, [Turn(0, MS, False)], [HOG, REST])
    assert isinstance(replay(compiled(STRICT), run_, 8), Replay)
    alone = shortfall(90, [Turn(1, MS, False), Turn(0, MS, False)], [HOG, REST])
    of = replay(compiled(by_nice(2, "weighted { b: 1  a: 1 }")), alone, 8)
    assert isinstance(of, Mismatch)
    assert of.what == "`b` is empty"


# --- repetition


def with_task_state(members: str) -> str:
    return STRICT.replace("policy p", f"policy p task {{ {members} }}")


def test_state_that_grows_until_it_saturates_is_waited_for() -> None:
    text = with_task_state("n : count = 0 in 0..3  on stop { n = n + 1 }")
    found = confirmed(text, HOGGED)
    assert found.aging == ()
    assert found.end_ns == 5 * 4 * MS


def test_state_that_does_not_come_back_is_refused() -> None:
    text = with_task_state("n : count = 0 in 0..1000000  on stop { n = n + 1 }")
    assert refused(text, HOGGED).what == "the state does not come back"


def test_a_time_that_ages_unread_does_not_matter_and_is_named() -> None:
    text = with_task_state("since : time = now  on stop if blocked { since = now }")
    assert confirmed(text, HOGGED).aging == ("`since` of hog", "`since` of rest")


def test_a_time_that_ages_and_is_read_matters() -> None:
    text = with_task_state(
        "since : time = now  n : count = 0 in 0..1  on stop if now - since > 1s { n = 1 }"
    )
    assert refused(text, HOGGED).what == "the state does not come back"


def test_keys_of_a_queue_that_is_never_served_may_age() -> None:
    text = STRICT.replace("queue b { global  order fifo", "queue b { global  order edf")
    text = text.replace("policy p", "policy p order edf { key now + 5ms }")
    assert confirmed(text, HOGGED).aging == ("the keys in `b`",)


def test_debts_below_a_node_that_is_never_asked_may_age() -> None:
    text = by_nice(3, "weighted { a: 1  b: 1  c: 1 }", "guard a after 4ms guard b after 4ms")
    tasks = [TaskSpec("a", nice=0), TaskSpec("b", nice=1), TaskSpec("c", nice=2)]
    start: list[Step] = [Wake(0), Turn(0, 4 * MS, False), Wake(1), Wake(2)]
    loop: list[Step] = [Turn(1, 4 * MS, False), Turn(0, 4 * MS, False)]
    found = confirmed(text, lasso(tasks, start, loop, 2, queue=2))
    assert found.aging == ("the debts below a `weighted`",)


def test_a_vtime_hog_above_repeats_relative_to_its_clock() -> None:
    vruntime = "order vruntime(credit: 20ms, fork: 1ms)"
    text = STRICT.replace("queue a { global  order fifo", f"queue a {{ global  {vruntime}")
    text = text.replace("policy p", "policy p use std.orders.{vruntime}")
    assert confirmed(text, HOGGED).aging == ()


def test_a_queue_that_favours_some_for_now_does_not_starve_the_others() -> None:
    # Within one queue ordered by time, whoever waits comes to the front in the end.
    text = by_nice(1, "a", order="edf").replace(
        "policy p", "policy p order edf { key now + (if nice < 0 then 0ns else 100ms) }"
    )
    tasks = [TaskSpec("hog", nice=-5), TaskSpec("rest")]
    of = lasso(tasks, [Wake(0), Wake(1)], [Turn(0, 4 * MS, False)], 1, queue=0)
    assert refused(text, of).what == "the state does not come back"
    overtaken = run(text, of, rounds=100)
    assert isinstance(overtaken, Mismatch)
    assert overtaken.what == "the CPU runs rest"
    assert overtaken.round == 26


# --- the timeline


def test_the_timeline_shows_turns_and_where_the_loop_starts() -> None:
    tasks = [TaskSpec("net", nice=0), TaskSpec("ui", nice=0), REST]
    loop: list[Step] = [Turn(0, 2 * MS, True), Wake(0), Turn(1, 3_500_000, True), Wake(1)]
    of = lasso(tasks, [Pass(MS), Wake(2), Turn(2, MS, False), Wake(0), Wake(1)], loop, 2)
    policy = compiled(STRICT)
    found = replay(policy, of, 8)
    assert isinstance(found, Replay)
    assert timeline_lines(policy, of, found) == [
        "0.0 ms                 idle 1.0 ms",
        "1.0 ms  wakes rest     runs rest from `b` 1.0 ms",
        "2.0 ms  wakes net, ui  runs net from `a` 2.0 ms   <- the loop starts",
        "4.0 ms  wakes net      runs ui from `a` 3.5 ms",
        "... repeats for ever; rest in `b` has waited 11.0 ms and counting",
    ]


def test_tasks_of_one_name_are_numbered_in_the_timeline() -> None:
    policy = compiled(STRICT)
    found = replay(policy, BLINKING, 8)
    assert isinstance(found, Replay)
    first = timeline_lines(policy, BLINKING, found)[0]
    assert (
        first == "0.0 ms  wakes hog#0, hog#1, rest  runs hog#0 from `a` 2.0 ms  <- the loop starts"
    )
