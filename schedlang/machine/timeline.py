"""A replayed run as the reader sees it: a line for every turn, or for several that are alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

from schedlang.ir.nodes import Policy
from schedlang.machine.replay import Happening, Replay, What
from schedlang.machine.scenario import Run, Shortfall

HEAD: Final = 24
TAIL: Final = 8
"""Lines shown of a long run, at its start and at its end."""


def timeline_lines(policy: Policy, run: Run, replay: Replay) -> list[str]:
    """What happened up to the end, or to that of the loop's first pass, and how it goes on."""
    names = task_names(run)
    spells = _spells(replay)
    rows = [
        (f"{_ms(s.first.at_ns)} ms", _woken(s.wakes, names), _done(s, policy, names))
        for s in spells
    ]
    first, second, third = (max(map(len, column)) for column in zip(*rows, strict=True))
    lines: list[str] = []
    left_out = 0
    for number, ((at, woken, done), spell) in enumerate(zip(rows, spells, strict=True)):
        if HEAD <= number < len(rows) - TAIL and not spell.starts_loop:
            left_out += spell.count
            continue
        if left_out:
            lines.append(f"{'...':>{first}}  {left_out} turns more")
            left_out = 0
        line = f"{at:>{first}}  {woken:{second}}  {done:{third}}"
        lines.append((line + ("  <- the loop starts" if spell.starts_loop else "")).rstrip())
    return [*lines, _outcome(policy, run, replay)]


def _outcome(policy: Policy, run: Run, replay: Replay) -> str:
    queue = policy.queues[run.queue].name
    waited = f"has waited {_ms(replay.end_ns - replay.victim_since_ns)} ms"
    victim = f"{task_names(run)[run.victim]} in `{queue}`"
    if replay.period_ns is None:
        return f"{victim} {waited}"
    if isinstance(run, Shortfall):
        served = f"{_ms(replay.served_ns or 0)} ms of every {_ms(replay.period_ns)} ms"
        return f"... repeats for ever; `{queue}` gets {served}"
    return f"... repeats for ever; {victim} {waited} and counting"


@final
@dataclass(slots=True)
class _Spell:
    """Turns of one task, equally long, that follow each other, or a pause; and the wake-ups since
    the turn before them.
    """

    wakes: list[Happening]
    first: Happening
    starts_loop: bool
    count: int = 1

    def goes_on(self, turn: Happening) -> bool:
        """Whether the next turn is one more of the same."""
        last = self.first
        return (last.task, last.queue, last.ns) == (turn.task, turn.queue, turn.ns)


def _spells(replay: Replay) -> list[_Spell]:
    found: list[_Spell] = []
    wakes: list[Happening] = []
    starts_loop = False
    for number, happening in enumerate(replay.happenings):
        starts_loop = starts_loop or number == replay.loop_at
        if happening.what is What.WAKES:
            wakes.append(happening)
        elif found and not wakes and not starts_loop and found[-1].goes_on(happening):
            found[-1].count += 1
        else:
            found.append(_Spell(wakes, happening, starts_loop))
            wakes, starts_loop = [], False
    return found


def _woken(wakes: list[Happening], names: tuple[str, ...]) -> str:
    tasks = [names[wake.task] for wake in wakes if wake.task is not None]
    return f"wakes {', '.join(tasks)}" if tasks else ""


def _done(spell: _Spell, policy: Policy, names: tuple[str, ...]) -> str:
    turn = spell.first
    length = f"{_ms(turn.ns)} ms" if spell.count == 1 else f"{spell.count} times {_ms(turn.ns)} ms"
    if turn.task is None or turn.queue is None:
        return f"idle {length}"
    return f"runs {names[turn.task]} from `{policy.queues[turn.queue].name}` {length}"


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
