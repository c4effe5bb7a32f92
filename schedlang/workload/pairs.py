"""What a thread opens it must close: locks, requests. Below `check`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import final

from schedlang.workload.model import Begin, End, Lock, Loop, Phase, Unlock, Workload
from schedlang.workload.problem import Problem
from schedlang.workload.walk import numbered


@final
@dataclass(slots=True)
class _Held:
    """What a thread holds on its way through its phases, and what is wrong with it."""

    group: int
    locks: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def step(self, number: int, phase: Phase) -> None:
        match phase:
            case Lock(name=name):
                self._open(self.locks, name, number, "locks", "unlock")
            case Begin(name=name):
                self._open(self.requests, name, number, "begins", "end")
            case Unlock(name=name):
                self._close(self.locks, name, number, "unlocks", "lock")
            case End(name=name):
                self._close(self.requests, name, number, "ends", "begin")
            case _:
                pass

    def _open(self, held: list[str], name: str, number: int, verb: str, other: str) -> None:
        if name in held:
            message = f"the thread {verb} `{name}` a second time"
            self._say(message, f"`{other} {name}` before it", number)
        else:
            held.append(name)

    def _close(self, held: list[str], name: str, number: int, verb: str, other: str) -> None:
        if name in held:
            held.remove(name)
        else:
            message = f"the thread {verb} `{name}`, but there is no `{other}` before it"
            self._say(message, f"`{other} {name}` before it", number)

    def _say(self, message: str, repair: str, number: int | None) -> None:
        self.problems.append(Problem("E0706", message, repair, self.group, number))

    def walk(self, phases: tuple[Phase, ...], first: int) -> None:
        number = first
        for phase in phases:
            self.step(number, phase)
            if isinstance(phase, Loop):
                before = sorted(self.locks), sorted(self.requests)
                self.walk(phase.phases, number + 1)
                if (sorted(self.locks), sorted(self.requests)) != before:
                    message = "a round of this loop leaves more, or less, open than it found"
                    self._say(message, "close in the loop what is opened in it", number)
                number += sum(1 for _ in numbered(phase.phases))
            number += 1

    def finish(self) -> None:
        for name in self.locks:
            self._say(f"the thread ends with `{name}` locked", f"add `unlock {name}`", None)
        for name in self.requests:
            self._say(f"`{name}` is begun and never ended", f"add `end {name}`", None)


def pairs(workload: Workload) -> Iterator[Problem]:
    for index, group in enumerate(workload.groups):
        held = _Held(index)
        held.walk(group.phases, 0)
        held.finish()
        yield from held.problems
