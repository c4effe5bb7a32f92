"""Runs of tasks that the interpreter replays, of what an adversary played or the solver found.

What is returned here has been replayed; nothing else is shown to anybody.
"""

from __future__ import annotations

from collections.abc import Iterator

from schedlang.ir import nodes as ir
from schedlang.machine.replay import Replay, replay
from schedlang.machine.scenario import Delay, Lasso, Pass, Step, TaskSpec, Turn, Wake
from schedlang.prover.adversary import Performance, Plan
from schedlang.prover.casting import Casting
from schedlang.prover.lasso import Run


def delay_of(
    policy: ir.Policy, plan: Plan, performance: Performance, queue: int, tick_ns: int
) -> Delay | None:
    """The performance up to the end of the longest wait in the queue."""
    longest = performance.longest
    if longest is None:
        return None
    steps = performance.steps[: longest.end]
    tasks = tasks_in(performance, steps)
    delay = Delay(tasks, steps, longest.task, queue, plan.params, tick_ns)
    return delay if isinstance(replay(policy, delay, 1), Replay) else None


def lasso_of(
    policy: ir.Policy, plan: Plan, performance: Performance, queue: int, tick_ns: int
) -> Lasso | None:
    """The performance as a loop in which the task that is waiting at its end waits for ever."""
    pending = performance.pending
    if pending is None:
        return None
    for steps, start in loops_of(performance, performance.pending_turn):
        tasks = tasks_in(performance, steps)
        lasso = Lasso(tasks, steps, start, pending, queue, plan.params, tick_ns)
        if isinstance(replay(policy, lasso), Replay):
            return lasso
    return None


def loops_of(performance: Performance, since: int) -> Iterator[tuple[tuple[Step, ...], int]]:
    """Steps, and where in them the loop starts in which the performance ends: as early as it can,
    but not before turn `since`; then late, when what saturates has done so.
    """
    ends = (*performance.starts[1:], len(performance.steps))
    turns = [performance.steps[a:b] for a, b in zip(performance.starts, ends, strict=True)]
    period = _period(turns[since:])
    if period is None:
        return
    late = first = len(turns) - 2 * period
    while first > since and turns[first - 1] == turns[first - 1 + period]:
        first -= 1
    for start in dict.fromkeys((first, late)):
        yield performance.steps[: performance.starts[start + period]], performance.starts[start]


def _period(turns: list[tuple[Step, ...]]) -> int | None:
    """The least number of turns with which the later half repeats, twice at least."""
    late = turns[len(turns) // 2 :]
    return next((n for n in range(1, len(late) // 2 + 1) if late[n:] == late[:-n]), None)


def tasks_in(performance: Performance, steps: tuple[Step, ...]) -> tuple[TaskSpec, ...]:
    """Those that there are in the steps: they are numbered as they appear."""
    return performance.tasks[: 1 + max(step.task for step in steps if not isinstance(step, Pass))]


def replayed(policy: ir.Policy, params: tuple[int, ...], run: Run, victim: int) -> Lasso | None:
    """The run as a lasso, if tasks for it exist and the interpreter agrees with every step."""
    lasso = _lasso(policy, params, run, victim)
    if lasso is None or not isinstance(replay(policy, lasso), Replay):
        return None
    return lasso


def _lasso(policy: ir.Policy, params: tuple[int, ...], run: Run, victim: int) -> Lasso | None:
    used = sorted({q for turn in run.turns for q, there in enumerate(turn.occupied) if there})
    casting = Casting(policy, params)
    specs: list[TaskSpec] = []
    for queue in used:
        spec = casting.task(queue, {})
        if spec is None:
            return None
        specs.append(spec)
    number = {queue: index for index, queue in enumerate(used)}
    steps, starts = _steps(run, number)
    return Lasso(tuple(specs), tuple(steps), starts[run.loop_start], number[victim], victim, params)


def _steps(run: Run, number: dict[int, int]) -> tuple[list[Step], list[int]]:
    """The steps, and by turn of the run where its steps start. Wake-ups follow the turn in which
    they happen, so that a pass of the loop ends with those that the next one starts with."""
    first = run.turns[0]
    steps: list[Step] = [Wake(number[q]) for q, there in enumerate(first.occupied) if there]
    starts = []
    for index, turn in enumerate(run.turns):
        following = index + 1 if index + 1 < len(run.turns) else run.loop_start
        then = run.turns[following].occupied
        starts.append(len(steps))
        steps.append(Turn(number[turn.queue], turn.ran_ns, blocks=not then[turn.queue]))
        steps += [Wake(number[q]) for q, there in enumerate(then) if there and not turn.occupied[q]]
    return steps, starts
