"""A replayed run as the reader sees it, one line per turn."""

from __future__ import annotations

from schedlang.ir.nodes import Policy
from schedlang.machine.replay import Happening, Replay, What
from schedlang.machine.scenario import Run, Shortfall


def timeline_lines(policy: Policy, run: Run, replay: Replay) -> list[str]:
    """What happened up to the end, or to that of the loop's first pass, and how it goes on."""
    names = task_names(run)
    turns = _turns(replay)
    rows = [
        (f"{_ms(turn.at_ns)} ms", _woken(wakes, names), _done(turn, policy, names))
        for wakes, turn, _ in turns
    ]
    first, second, third = (max(map(len, column)) for column in zip(*rows, strict=True))
    lines = []
    for (at, woken, done), (_, _, starts_loop) in zip(rows, turns, strict=True):
        line = f"{at:>{first}}  {woken:{second}}  {done:{third}}"
        lines.append((line + ("  <- the loop starts" if starts_loop else "")).rstrip())
    waited_ns = replay.end_ns - replay.victim_since_ns
    victim = f"{names[run.victim]} in `{policy.queues[run.queue].name}`"
    if replay.period_ns is None:
        lines.append(f"{victim} has waited {_ms(waited_ns)} ms")
    elif isinstance(run, Shortfall):
        served = f"{_ms(replay.served_ns or 0)} ms of every {_ms(replay.period_ns)} ms"
        lines.append(f"... repeats for ever; `{policy.queues[run.queue].name}` gets {served}")
    else:
        lines.append(f"... repeats for ever; {victim} has waited {_ms(waited_ns)} ms and counting")
    return lines


def _turns(replay: Replay) -> list[tuple[list[Happening], Happening, bool]]:
    """Each turn or pause, the wake-ups up to its start, and whether the loop starts with it."""
    found: list[tuple[list[Happening], Happening, bool]] = []
    wakes: list[Happening] = []
    starts_loop = False
    for number, happening in enumerate(replay.happenings):
        starts_loop = starts_loop or number == replay.loop_at
        if happening.what is What.WAKES:
            wakes.append(happening)
        else:
            found.append((wakes, happening, starts_loop))
            wakes, starts_loop = [], False
    return found


def _woken(wakes: list[Happening], names: tuple[str, ...]) -> str:
    tasks = [names[wake.task] for wake in wakes if wake.task is not None]
    return f"wakes {', '.join(tasks)}" if tasks else ""


def _done(happening: Happening, policy: Policy, names: tuple[str, ...]) -> str:
    if happening.task is None or happening.queue is None:
        return f"idle {_ms(happening.ns)} ms"
    queue = policy.queues[happening.queue].name
    return f"runs {names[happening.task]} from `{queue}` {_ms(happening.ns)} ms"


def task_names(run: Run) -> tuple[str, ...]:
    """A task's comm, with its number where another task has the same."""
    comms = [task.comm for task in run.tasks]
    return tuple(
        comm if comms.count(comm) == 1 else f"{comm}#{number}" for number, comm in enumerate(comms)
    )


def _ms(ns: int) -> str:
    """Milliseconds, with as many places as the number of nanoseconds has, one at least."""
    whole, rest = divmod(ns, 1_000_000)
    places = f"{rest:06}".rstrip("0") or "0"
    return f"{whole}.{places}"
