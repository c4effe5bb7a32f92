"""Plays an adversary's plan on the interpreter, and notes the steps and how long tasks waited.

A plan says of each part when its task comes, how long its turns are and what it does at their ends;
which task runs is the interpreter's to say. What is noted can be replayed step by step.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import assert_never, final

from schedlang.machine.machine import Machine
from schedlang.machine.scenario import Pass, Step, TaskSpec, Turn, Wake

CPU = 0
PAUSE_NS = 1_000_000
FAR_NS = 1 << 60


class Length(Enum):
    """How long a part's turns are."""

    LONG = "its slice, and as much as the tick can be late"
    WHOLE = "its slice"
    SHORT = "1 ns"
    FILL = "until a guard of another queue is due, if that is within LONG"
    BRINK = "until just before a guard of another queue is due, if that is within LONG"


class Ending(Enum):
    """What a part does at the end of a turn."""

    STAYS = "goes on"
    BLINKS = "blocks, and wakes up as soon as the CPU has chosen another"
    NAPS = "blocks, and wakes up at the end of the next turn"
    STORMS = "ends; another one like it is forked at the end of the next turn"


@final
@dataclass(frozen=True, slots=True)
class Youth:
    """What a task does at first, so that its states send it to another queue: `turns` turns of that
    length. After every `burst` of them it blocks for a moment; 0: never.
    """

    turns: int
    length: Length
    burst: int


@final
@dataclass(frozen=True, slots=True)
class Part:
    """A task, or under `STORMS` one after another.

    It comes at the end of turn number `enters` (0: at the start), `early` just after the choice
    that follows. After its first turn it sleeps up to the end of turn `rests_until`, if that is
    later. Then it goes on for `patience` turns before `ending` is what it does. Before all this it
    has its `youth`.
    """

    spec: TaskSpec
    enters: int = 0
    early: bool = False
    rests_until: int = 0
    length: Length = Length.LONG
    patience: int = 0
    ending: Ending = Ending.STAYS
    youth: Youth | None = None


@final
@dataclass(frozen=True, slots=True)
class Plan:
    params: tuple[int, ...]
    parts: tuple[Part, ...]


@final
@dataclass(frozen=True, slots=True)
class Waited:
    """`task` waited `ns` for the turn that is the last of `steps[:end]`."""

    ns: int
    task: int
    end: int


@final
@dataclass(frozen=True, slots=True)
class Performance:
    """`starts` are the places in `steps` where turns start. `pending` has waited longest of those
    that wait at the end, for `pending_ns`, since turn `pending_turn`; None: nobody waits. Only
    parts before number `users` have been in the queue.
    """

    tasks: tuple[TaskSpec, ...]
    steps: tuple[Step, ...]
    starts: tuple[int, ...]
    longest: Waited | None
    pending: int | None
    pending_ns: int
    pending_turn: int
    users: int


@final
class Play:
    """A plan in performance; `queue` is the one whose waits are noted."""

    def __init__(self, machine: Machine, plan: Plan, queue: int, tick_ns: int) -> None:
        """`machine` is new, of one CPU, under the params of the plan."""
        self.machine = machine
        self._parts, self._queue, self._tick_ns = plan.parts, queue, tick_ns
        self._now = self._turns = 0
        self._steps: list[Step] = []
        self._starts: list[int] = []
        self._part_of: list[int] = []  # by task
        self._task_of: list[int | None] = [None] * len(plan.parts)
        self._since: list[tuple[int, int]] = []  # by task: time and turn of its last arrival
        self._due: dict[tuple[int, bool], list[int]] = {}  # by turn and `early`: who comes
        self._patience = [part.patience for part in plan.parts]
        self._youth = [part.youth.turns if part.youth else 0 for part in plan.parts]
        self._users = 0
        self._longest: Waited | None = None
        for number, part in enumerate(plan.parts):
            self._come(number, part.enters)
        self._wake_due()
        self._wake_due(early=True)

    def perform(self, turns: int) -> Performance:
        """Play on up to that many turns in all."""
        while self._turns < turns:
            if self.machine.cpus[CPU].turn is None:
                self.machine.choose(CPU, self._now)
            self._turns += 1
            if self.machine.cpus[CPU].turn is None:
                self._pause()
            else:
                self._turn()
        return self._performance()

    def _pause(self) -> None:
        self._starts.append(len(self._steps))
        self._steps.append(Pass(PAUSE_NS))
        self._now += PAUSE_NS
        self._wake_due()
        self._wake_due(early=True)

    def _turn(self) -> None:
        turn = self.machine.cpus[CPU].turn
        assert turn is not None
        task = turn.task
        number = self._part_of[task]
        is_young = self._youth[number] > 0
        part = self._young(number) if is_young else self._parts[number]
        self._note_start(task, turn.queue)
        ran_ns = self._length(part, turn.queue, turn.granted_ns)
        rests = part.rests_until > self._turns
        stays = part.ending is Ending.STAYS or (not is_young and self._is_patient(number))
        blocks = rests or not stays
        self._starts.append(len(self._steps))
        self._steps.append(Turn(task, ran_ns, blocks))
        self._now += ran_ns
        self._wake_due()
        self.machine.stop(CPU, self._now, blocked=blocks)
        if not blocks:
            self._arrived(task)
        self.machine.choose(CPU, self._now)
        self._wake_due(early=True)
        if blocks:
            self._after_block(number, part, rests)

    def _young(self, number: int) -> Part:
        """The part as it is for one more turn of its youth."""
        part, self._youth[number] = self._parts[number], self._youth[number] - 1
        youth = part.youth
        assert youth is not None
        blinks = youth.burst and (youth.turns - self._youth[number]) % youth.burst == 0
        ending = Ending.BLINKS if blinks else Ending.STAYS
        return Part(part.spec, length=youth.length, ending=ending)

    def _after_block(self, number: int, part: Part, rests: bool) -> None:
        if rests:
            self._come(number, part.rests_until)
        elif part.ending is Ending.BLINKS:
            self._wake(number)
        else:
            if part.ending is Ending.STORMS:
                self._task_of[number] = None
            self._come(number, self._turns + 1)

    def _come(self, number: int, turn: int) -> None:
        self._due.setdefault((turn, self._parts[number].early), []).append(number)

    def _is_patient(self, number: int) -> bool:
        self._patience[number] -= 1
        return self._patience[number] >= 0

    def _length(self, part: Part, queue: int, granted_ns: int) -> int:
        longest = granted_ns + self._tick_ns
        match part.length:
            case Length.LONG:
                return longest
            case Length.WHOLE:
                return granted_ns
            case Length.SHORT:
                return 1
            case Length.FILL:
                return min(self._until_due(queue, 1), longest)
            case Length.BRINK:
                return min(self._until_due(queue, 2) - 1, longest)
            case _:
                assert_never(part.length)

    def _until_due(self, queue: int, least: int) -> int:
        """How long until the next guard of another queue is due, if it is `least` or more."""
        dues = zip(self.machine.policy.guards, self.machine.cpus[CPU].arbiter.dues(), strict=True)
        waits = (due - self._now for guard, due in dues if guard.queue != queue)
        return min((ns for ns in waits if ns >= least), default=FAR_NS)

    def _wake_due(self, *, early: bool = False) -> None:
        for number in self._due.pop((self._turns, early), ()):
            self._wake(number, early=early)

    def _wake(self, number: int, *, early: bool = False) -> None:
        task = self._task_of[number]
        if task is None:
            task = self.machine.fork(self._parts[number].spec, self._now)
            self._task_of[number] = task
            self._part_of.append(number)
            self._since.append((0, 0))
        else:
            self.machine.wake(task, self._now)
        self._steps.append(Wake(task, early))
        self._arrived(task)

    def _arrived(self, task: int) -> None:
        self._since[task] = (self._now, self._turns)
        if self.machine.tasks[task].queue == self._queue:
            self._users = max(self._users, self._part_of[task] + 1)

    def _note_start(self, task: int, queue: int) -> None:
        if queue != self._queue:
            return
        waited = self._now - self._since[task][0]
        if self._longest is None or waited > self._longest.ns:
            self._longest = Waited(waited, task, len(self._steps) + 1)

    def _performance(self) -> Performance:
        waiting = [
            (self._since[entry.task], entry.task)
            for entry in self.machine.queues[self._queue].here[0].entries
        ]
        (since, turn), pending = min(waiting, default=((self._now, 0), None))
        specs = tuple(self._parts[number].spec for number in self._part_of)
        return Performance(
            specs,
            tuple(self._steps),
            tuple(self._starts),
            self._longest,
            pending,
            self._now - since,
            turn,
            self._users,
        )
