"""Phases as steps: what a thread does, compiled once for each group of a run.

A step either is a stretch of CPU time, or does something at one moment. Of the latter each but
`begin`, `end` and the turns of a loop costs `OPERATION_NS` of CPU time before it is done, and so
does a thread's end; that every loop takes time is `check`'s concern.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol, assert_never, final

from schedlang.simulate.sync import Channel, Meeting, Mutex
from schedlang.simulate.threads import ENDS, GO_ON, RUNS, WAITS, Step, Thread
from schedlang.workload.model import (
    Barrier,
    Begin,
    Constant,
    End,
    Fork,
    Join,
    Length,
    Lock,
    Loop,
    Phase,
    Receive,
    Run,
    Send,
    Sleep,
    Tick,
    Unlock,
    Workload,
)
from schedlang.workload.walk import numbered

OPERATION_NS: Final = 1_000

Effect = Callable[[Thread, int], int]


class World(Protocol):
    """What steps do to other threads, and to time."""

    def wake(self, thread: Thread, now: int) -> None: ...
    def wake_at(self, thread: Thread, at: int) -> None: ...
    def fork(self, parent: Thread, group: int, now: int) -> None: ...
    def end(self, thread: Thread, now: int) -> None: ...


@final
class Compiler:
    """Compiles the groups of one workload; what they share by name exists once."""

    def __init__(self, workload: Workload, world: World) -> None:
        self._world = world
        self._groups = {group.name: index for index, group in enumerate(workload.groups)}
        self._channels: dict[str, Channel] = {}
        self._mutexes: dict[str, Mutex] = {}
        self._meetings: dict[str, Meeting] = {}

    def program(self, phases: tuple[Phase, ...]) -> list[Step]:
        steps: list[Step] = []
        self._add(steps, phases, depth=0)
        steps.append(_paid(self._end()))
        return steps

    def _add(self, steps: list[Step], phases: Sequence[Phase], depth: int) -> None:
        for phase, following in zip(phases, [*phases[1:], None], strict=True):
            match phase:
                case Loop():
                    steps.append(_enter(phase.times))
                    first = len(steps)
                    self._add(steps, phase.phases, depth + 1)
                    steps.append(_repeat(first, counts=depth == 0))
                case Run():
                    # The next step's cost is part of this stretch: one event for the two.
                    steps.append(_run(phase.length, is_paid(following)))
                case Begin() | End():
                    steps.append(_request(phase))
                case _:
                    steps.append(_paid(self._effect(phase)))

    def _effect(
        self,
        phase: Sleep | Tick | Send | Receive | Lock | Unlock | Barrier | Fork | Join,
    ) -> Effect:
        match phase:
            case Sleep():
                return self._sleep(phase.length)
            case Tick():
                return self._tick(phase.period_ns)
            case Send():
                channel = self._channels.setdefault(phase.channel, Channel())
                return self._send(channel, phase.count)
            case Receive():
                channel = self._channels.setdefault(phase.channel, Channel())
                return _receive(channel, phase.count)
            case Lock():
                return _lock(self._mutexes.setdefault(phase.name, Mutex()))
            case Unlock():
                return self._unlock(self._mutexes.setdefault(phase.name, Mutex()))
            case Barrier():
                meeting = self._meetings.setdefault(phase.name, Meeting(phase.parties))
                return self._barrier(meeting)
            case Fork():
                return self._fork(self._groups[phase.group], phase.count)
            case Join():
                return _join
            case _:
                assert_never(phase)

    # --- effects: at one moment, the step's cost being paid

    def _sleep(self, length: Length) -> Effect:
        wake_at = self._world.wake_at

        def step(thread: Thread, now: int) -> int:
            thread.pc += 1
            wake_at(thread, now + thread.stream.draw(length))
            return WAITS

        return step

    def _tick(self, period_ns: int) -> Effect:
        wake_at = self._world.wake_at

        def step(thread: Thread, now: int) -> int:
            thread.pc += 1
            thread.deadline += period_ns
            if now < thread.deadline:
                wake_at(thread, thread.deadline)
                return WAITS
            thread.tally.missed += now > thread.deadline
            return GO_ON

        return step

    def _send(self, channel: Channel, count: int) -> Effect:
        wake = self._world.wake

        def step(thread: Thread, now: int) -> int:
            thread.pc += 1
            for _ in range(count):
                receiver = channel.send()
                if receiver is not None:
                    wake(receiver, now)
            return GO_ON

        return step

    def _unlock(self, mutex: Mutex) -> Effect:
        wake = self._world.wake

        def step(thread: Thread, now: int) -> int:
            thread.pc += 1
            following = mutex.unlock()
            if following is not None:
                wake(following, now)
            return GO_ON

        return step

    def _barrier(self, meeting: Meeting) -> Effect:
        wake = self._world.wake

        def step(thread: Thread, now: int) -> int:
            thread.pc += 1
            others = meeting.come(thread)
            if others is None:
                return WAITS
            for other in others:
                wake(other, now)
            return GO_ON

        return step

    def _fork(self, group: int, count: int) -> Effect:
        fork = self._world.fork

        def step(thread: Thread, now: int) -> int:
            thread.pc += 1
            for _ in range(count):
                fork(thread, group, now)
            return GO_ON

        return step

    def _end(self) -> Effect:
        end = self._world.end

        def step(thread: Thread, now: int) -> int:
            end(thread, now)
            return ENDS

        return step


def is_paid(phase: Phase | None) -> bool:
    """Whether it costs CPU time to do this phase; None is a thread's end, or a loop's."""
    return phase is not None and not isinstance(phase, Run | Begin | End | Loop)


def _paid(effect: Effect) -> Step:
    def step(thread: Thread, now: int) -> int:
        if thread.paid:
            thread.paid = False
            return effect(thread, now)
        thread.paid = True
        thread.left = OPERATION_NS
        return RUNS

    return step


def _run(length: Length, is_followed_by_paid: bool) -> Step:
    cost_ns = OPERATION_NS if is_followed_by_paid else 0

    def run_constant(thread: Thread, _now: int) -> int:
        thread.pc += 1
        thread.paid = is_followed_by_paid
        thread.left = total_ns
        return RUNS

    def run(thread: Thread, _now: int) -> int:
        thread.pc += 1
        thread.paid = is_followed_by_paid
        thread.left = thread.stream.draw(length) + cost_ns
        return RUNS

    if isinstance(length, Constant):
        total_ns = length.ns + cost_ns
        return run_constant
    return run


def _enter(times: int | None) -> Step:
    rounds = -1 if times is None else times  # counted down to 0, which -1 never is

    def step(thread: Thread, _now: int) -> int:
        thread.pc += 1
        thread.loops.append(rounds)
        return GO_ON

    return step


def _repeat(first: int, *, counts: bool) -> Step:
    def step(thread: Thread, _now: int) -> int:
        if counts:
            thread.tally.passes += 1
        left = thread.loops[-1] - 1
        if left:
            thread.loops[-1] = left
            thread.pc = first
        else:
            thread.loops.pop()
            thread.pc += 1
        return GO_ON

    return step


def _request(phase: Begin | End) -> Step:
    name = phase.name

    def begin(thread: Thread, now: int) -> int:
        thread.pc += 1
        thread.begun[name] = now
        return GO_ON

    def end(thread: Thread, now: int) -> int:
        thread.pc += 1
        thread.tally.requests_ns[name].append(now - thread.begun.pop(name))
        return GO_ON

    return begin if isinstance(phase, Begin) else end


def _receive(channel: Channel, count: int) -> Effect:
    def step(thread: Thread, _now: int) -> int:
        thread.missing = (thread.missing or count) - 1
        if not thread.missing:
            thread.pc += 1
        return GO_ON if channel.receive(thread) else WAITS

    return step


def _lock(mutex: Mutex) -> Effect:
    def step(thread: Thread, _now: int) -> int:
        thread.pc += 1
        return GO_ON if mutex.lock(thread) else WAITS

    return step


def _join(thread: Thread, _now: int) -> int:
    thread.pc += 1
    thread.is_joining = thread.children > 0
    return WAITS if thread.is_joining else GO_ON


def request_names(phases: tuple[Phase, ...]) -> tuple[str, ...]:
    """In the order in which they are first ended."""
    names = (phase.name for _, phase in numbered(phases) if isinstance(phase, End))
    return tuple(dict.fromkeys(names))
