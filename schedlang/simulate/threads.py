"""Threads of a simulated run and what is counted of their groups. Mutable; the engine's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, final

from schedlang.workload.draws import Stream
from schedlang.workload.latencies import latencies
from schedlang.workload.outcome import GroupOutcome, Latencies

GO_ON: Final = 0
RUNS: Final = 1
WAITS: Final = 2
ENDS: Final = 3

Step = Callable[["Thread", int], int]
"""What a thread does next, on its CPU, at a time: `GO_ON` with the next step, `RUNS` for `left`,
`WAITS` until it is woken, `ENDS`. A step that has been done has moved `pc` on."""


@final
class Tally:
    """What is counted of one group. The figures are `GroupOutcome`'s; `waits_ns` are those before
    all turns, whatever they began with.
    """

    __slots__ = (
        "ended",
        "ended_ns",
        "migrations",
        "missed",
        "name",
        "passes",
        "requests_ns",
        "run_ns",
        "switches",
        "threads",
        "waits_ns",
        "wakeups_ns",
    )

    def __init__(self, name: str, requests: tuple[str, ...]) -> None:
        self.name = name
        self.threads = 0
        self.ended = 0
        self.ended_ns = 0
        self.run_ns = 0
        self.switches = 0
        self.migrations = 0
        self.passes = 0
        self.missed = 0
        self.waits_ns: list[int] = []
        self.wakeups_ns: list[int] = []
        self.requests_ns: dict[str, list[int]] = {name: [] for name in requests}

    def outcome(self) -> GroupOutcome:
        return GroupOutcome(
            group=self.name,
            threads=self.threads,
            ended=self.ended,
            ended_ns=self.ended_ns if self.ended == self.threads else None,
            run_ns=self.run_ns,
            wait_ns=sum(self.waits_ns),
            switches=self.switches,
            migrations=self.migrations,
            passes=self.passes,
            wakeups=latencies(self.wakeups_ns),
            requests=tuple((name, latencies(taken)) for name, taken in self.requests_ns.items()),
            missed=self.missed,
        )

    def waits(self) -> Latencies:
        return latencies(self.waits_ns)


@final
class Thread:
    """One thread. `left` is the CPU time until its next step, which is `program[pc]`.

    `since` is from when it has been runnable without a CPU, `woken` whether it was woken then;
    `paid` whether it has spent the CPU time that its next step costs. `cpu` is -1 before its first
    turn, `task` before its start.
    """

    __slots__ = (
        "begun",
        "children",
        "cpu",
        "deadline",
        "is_joining",
        "left",
        "loops",
        "missing",
        "number",
        "paid",
        "parent",
        "pc",
        "program",
        "since",
        "stream",
        "tally",
        "task",
        "woken",
    )

    def __init__(
        self, number: int, program: list[Step], stream: Stream, tally: Tally, parent: Thread | None
    ) -> None:
        self.number = number
        self.program = program
        self.stream = stream
        self.tally = tally
        self.parent = parent
        self.task = -1
        self.cpu = -1
        self.pc = 0
        self.left = 0
        self.paid = False
        self.since = 0
        self.woken = False
        self.deadline = 0
        self.loops: list[int] = []
        self.begun: dict[str, int] = {}
        self.children = 0
        self.is_joining = False
        self.missing = 0
