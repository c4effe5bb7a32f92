"""A workload as the words that the guest's player runs, and the words in which it answers.

Pure. `guest/program.h` and `guest/figures.h` are the other side of these formats: little-endian
64-bit words. A name that does not fit, or an attribute that the machine lacks, is a ValueError.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, assert_never

from schedlang.simulate.program import request_names
from schedlang.workload import model as w
from schedlang.workload.draws import QUANTILES
from schedlang.workload.outcome import GroupOutcome, Latencies

_NAME: Final = re.compile(r"[^\x00-\x1f\x7f]+")
_CGROUP: Final = re.compile(r"/|(?:/(?!\.)[\w.@:-]+)+")
_CGROUP_ROOT: Final = "/sys/fs/cgroup"
# As in guest/program.h and guest/thread.h.
_NAME_BYTES: Final = 16
_PATH_BYTES: Final = 256
_DEPTH: Final = 8
_REQUESTS: Final = 8
_ANY_CPU: Final = 2**64 - 1
_NEVER: Final = 2**64 - 1
_MOST_CPUS: Final = 64
_MOST_THREADS: Final = 2048
_FORKED: Final = 2048
COMMAND: Final = "command"

_CONSTANT, _UNIFORM, _EXPONENTIAL = range(3)

PROBLEMS: Final = (
    "",
    f"more than {_FORKED} forked threads were alive at once",
    "the guest's kernel made no more threads",
    "a group noted more than 1048576 latencies of one kind; run it for a shorter time",
    "a cgroup could not be made",
    "no CPU of a group's affinity is there",
    "the command could not be started",
    "the scheduler has no params to tune",
)

Step = tuple[int, int, int, int, int]
Tuned = tuple[int, int, int]
"""So long after the beginning a word of the scheduler's `.data`, at this byte, gets this value."""


class _Op(IntEnum):
    RUN = 0
    SLEEP = 1
    TICK = 2
    TAKE = 3
    GIVE = 4
    MEET = 5
    FORK = 6
    JOIN = 7
    BEGIN = 8
    FINISH = 9
    REPEAT = 10
    AGAIN = 11
    EXECUTE = 12
    STOP = 13


@dataclass(frozen=True, slots=True)
class Played:
    """What the player noted. `longest_wait_ns` has one entry for each group, as `groups` has.

    A wait that had not ended when the run was cut off counts as well. `command_status` is the exit
    code, or a signal's number below 0; None: there was no command, or it had not ended.
    """

    problem: str
    begun_ns: int
    elapsed_ns: int
    groups: tuple[GroupOutcome, ...]
    longest_wait_ns: tuple[int, ...]
    command_status: int | None

    @property
    def all_ended(self) -> bool:
        return all(group.ended == group.threads for group in self.groups)

    @property
    def makespan_ns(self) -> int:
        ends = [group.ended_ns for group in self.groups if group.ended_ns is not None]
        return max(ends, default=0) if self.all_ended else self.elapsed_ns


@dataclass(slots=True)
class _Names:
    """Numbers by name, in order of first use."""

    numbers: dict[tuple[str, str], int] = field(default_factory=dict)

    def number(self, kind: str, name: str) -> int:
        return self.numbers.setdefault((kind, name), len(self.numbers))


def compiled(
    workload: w.Workload,
    seed: int,
    cpus: int,
    limit_ns: int,
    command: tuple[str, ...] = (),
    tunes: tuple[Tuned, ...] = (),
) -> bytes:
    """The program file for a machine of `cpus` CPUs, cut off at `limit_ns`.

    `command` is empty, or a file for its output, a program in the guest, and its arguments; it
    runs as a group of its own, `COMMAND`, after all others.
    """
    _check(workload, cpus)
    if any("\0" in text for text in command):
        raise ValueError("a command has no zero bytes in it")
    objects = _Names()
    steps: list[Step] = []
    groups: list[bytes] = []
    for group in workload.groups:
        groups.append(_group(group, len(steps)))
        steps += _steps(group, workload, objects, len(steps))
    if command:
        groups.append(_group(command_group(), len(steps)))
        steps += [_step(_Op.EXECUTE), _step(_Op.STOP)]
    counts = [1 if kind == "lock" else 0 for kind, _ in objects.numbers]
    slots = _slots(workload) + len(command[:1])
    sizes = (len(groups), len(objects.numbers), len(steps), slots, len(command), len(tunes))
    return b"".join(
        (
            _words(seed, limit_ns, *sizes, *QUANTILES),
            *groups,
            _words(*counts),
            *(_words(*step) for step in steps),
            *(_words(*tuned) for tuned in tunes),
            *(text.encode() + b"\0" for text in command),
        )
    )


def command_group() -> w.Group:
    """As what the figures of a command are told."""
    return w.Group(COMMAND, 1, COMMAND, COMMAND, ())


def cgroup_lines(workload: w.Workload) -> str:
    """`PATH|WEIGHT`, a line for each cgroup to make, parents first; paths below the root."""
    weights = {group.path: group.weight for group in workload.cgroups}
    paths = set(weights) | {group.cgroup for group in workload.groups}
    above = {"/".join(path.split("/")[:n]) for path in paths for n in range(2, path.count("/") + 1)}
    return "".join(
        f"{path[1:]}|{weights.get(path, 100)}\n" for path in sorted(above | paths) if path != "/"
    )


def _words(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}Q", *(value % 2**64 for value in values))


def _check(workload: w.Workload, cpus: int) -> None:
    threads = sum(group.threads for group in workload.groups)
    if threads > _MOST_THREADS:
        raise ValueError(f"a run starts with at most {_MOST_THREADS} threads, not {threads}")
    used = {group.cgroup for group in workload.groups}
    for path in used | {cgroup.path for cgroup in workload.cgroups}:
        if not _CGROUP.fullmatch(path) or len(path) > _PATH_BYTES - 20:
            raise ValueError(f"not a cgroup's path: {path!r}")
        if path != "/" and path in used and any(p.startswith(f"{path}/") for p in used):
            raise ValueError(f"the kernel allows no threads in `{path}`, which has cgroups below")
    for group in workload.groups:
        for name in (group.comm, group.process):
            if not _NAME.fullmatch(name) or len(name.encode()) >= _NAME_BYTES:
                raise ValueError(
                    f"a thread's name is 1 to {_NAME_BYTES - 1} bytes without control "
                    f"characters: {name!r}"
                )
        if group.cpus and not any(0 <= cpu < cpus for cpu in group.cpus):
            raise ValueError(f"none of the CPUs of group `{group.name}` is there")


def _group(group: w.Group, first_step: int) -> bytes:
    cgroup = "" if group.cgroup == "/" else _CGROUP_ROOT + group.cgroup
    mask = sum(1 << cpu for cpu in set(group.cpus) if cpu < _MOST_CPUS) or _ANY_CPU
    return b"".join(
        (
            group.comm.encode().ljust(_NAME_BYTES, b"\0"),
            group.process.encode().ljust(_NAME_BYTES, b"\0"),
            cgroup.encode().ljust(_PATH_BYTES, b"\0"),
            _words(group.nice, mask, _is_joined(group), group.threads, first_step),
            _words(*_length(group.start)),
        )
    )


def _is_joined(group: w.Group) -> bool:
    """Whether its threads share a process, whose leader has another name."""
    return group.comm != group.process


def _slots(workload: w.Workload) -> int:
    """Room for all threads that can be alive, and for a leader of each new process."""
    threads = sum(group.threads for group in workload.groups) + len(workload.groups)
    return threads + (_FORKED if any(map(_forks, workload.groups)) else 0)


def _forks(group: w.Group) -> bool:
    def within(phases: tuple[w.Phase, ...]) -> bool:
        return any(
            within(phase.phases) if isinstance(phase, w.Loop) else isinstance(phase, w.Fork)
            for phase in phases
        )

    return within(group.phases)


def _length(length: w.Length) -> tuple[int, int, int]:
    match length:
        case w.Constant(ns):
            return _CONSTANT, ns, 0
        case w.Uniform(lo_ns, hi_ns):
            return _UNIFORM, lo_ns, hi_ns
        case w.Exponential(mean_ns):
            return _EXPONENTIAL, mean_ns, 0
        case _:
            assert_never(length)


# --- steps


def _steps(group: w.Group, workload: w.Workload, objects: _Names, first: int) -> list[Step]:
    writer = _Writer(group, workload, objects, first, request_names(group.phases))
    writer.phases(group.phases, 0)
    writer.steps.append(_step(_Op.STOP))
    if len(writer.requests) > _REQUESTS:
        raise ValueError(f"group `{group.name}` has more than {_REQUESTS} kinds of requests")
    return writer.steps


def _step(op: int, what: int = 0, length: tuple[int, int, int] = (0, 0, 0)) -> Step:
    return (op, what, *length)


@dataclass(slots=True)
class _Writer:
    """Writes one group's steps; `first` is where they will lie."""

    group: w.Group
    workload: w.Workload
    objects: _Names
    first: int
    requests: tuple[str, ...]
    steps: list[Step] = field(default_factory=list)

    def phases(self, phases: tuple[w.Phase, ...], depth: int) -> None:
        for phase in phases:
            if isinstance(phase, w.Loop):
                self._loop(phase, depth)
            else:
                self.steps.append(self._phase(phase))

    def _loop(self, loop: w.Loop, depth: int) -> None:
        if depth >= _DEPTH:
            raise ValueError(f"group `{self.group.name}` nests more than {_DEPTH} loops")
        if loop.times == 0:
            return
        self.steps.append(_step(_Op.REPEAT, depth, (0, loop.times or 0, 0)))
        body = self.first + len(self.steps)
        self.phases(loop.phases, depth + 1)
        self.steps.append(_step(_Op.AGAIN, depth, (0, body, 0)))

    def _phase(
        self,
        phase: w.Run
        | w.Sleep
        | w.Tick
        | w.Send
        | w.Receive
        | w.Lock
        | w.Unlock
        | w.Barrier
        | w.Fork
        | w.Join
        | w.Begin
        | w.End,
    ) -> Step:
        number = self.objects.number
        match phase:
            case w.Run(length):
                return _step(_Op.RUN, 0, _length(length))
            case w.Sleep(length):
                return _step(_Op.SLEEP, 0, _length(length))
            case w.Tick(period_ns):
                return _step(_Op.TICK, 0, (0, period_ns, 0))
            case w.Send(channel, count):
                return _step(_Op.GIVE, number("channel", channel), (0, count, 0))
            case w.Receive(channel, count):
                return _step(_Op.TAKE, number("channel", channel), (0, count, 0))
            case w.Lock(name):
                return _step(_Op.TAKE, number("lock", name), (0, 1, 0))
            case w.Unlock(name):
                return _step(_Op.GIVE, number("lock", name), (0, 1, 0))
            case w.Barrier(name, parties):
                return _step(_Op.MEET, number("barrier", name), (0, parties, 0))
            case w.Fork(group, count):
                return self._fork(group, count)
            case w.Join():
                return _step(_Op.JOIN)
            case w.Begin(name):
                return _step(_Op.BEGIN, self.requests.index(name))
            case w.End(name):
                return _step(_Op.FINISH, self.requests.index(name))
            case _:
                assert_never(phase)

    def _fork(self, name: str, count: int) -> Step:
        groups = self.workload.groups
        index = next((n for n, group in enumerate(groups) if group.name == name), None)
        if index is None:
            raise ValueError(f"there is no group `{name}` to fork")
        child = groups[index]
        in_own_process = (
            _is_joined(child)
            and child.process == self.group.process
            and child.cgroup == self.group.cgroup
        )
        return _step(_Op.FORK, index, (0, count, in_own_process))


# --- the answer


def played(words: bytes, workload: w.Workload, has_command: bool = False) -> Played:
    """Reads the player's `outcome` file. Raises ValueError if it is not one of this workload."""
    numbers = iter(struct.unpack(f"<{len(words) // 8}Q", words[: len(words) // 8 * 8]))
    try:
        problem, begun_ns, ended_ns, status = (next(numbers) for _ in range(4))
        groups = (*workload.groups, *([command_group()] if has_command else []))
        tallies = [_tally(group, numbers) for group in groups]
        told = PROBLEMS[problem]
    except (StopIteration, RuntimeError, IndexError) as error:
        raise ValueError("the player's answer is cut short or damaged") from error
    return Played(
        problem=told,
        begun_ns=begun_ns,
        elapsed_ns=ended_ns - begun_ns,
        groups=tuple(outcome for outcome, _ in tallies),
        longest_wait_ns=tuple(longest_ns for _, longest_ns in tallies),
        command_status=os.waitstatus_to_exitcode(status) if status != _NEVER else None,
    )


def _tally(group: w.Group, numbers: Iterator[int]) -> tuple[GroupOutcome, int]:
    threads, ended, ended_ns, run_ns, wait_ns, switches = (next(numbers) for _ in range(6))
    migrations, passes, missed, longest_ns = (next(numbers) for _ in range(4))
    wakeups = _latencies(numbers)
    requests = [_latencies(numbers) for _ in range(_REQUESTS)]
    outcome = GroupOutcome(
        group=group.name,
        threads=threads,
        ended=ended,
        ended_ns=ended_ns if ended == threads else None,
        run_ns=run_ns,
        wait_ns=wait_ns,
        switches=switches,
        migrations=migrations,
        passes=passes,
        wakeups=wakeups,
        requests=tuple(zip(request_names(group.phases), requests, strict=False)),
        missed=missed,
    )
    return outcome, longest_ns


def _latencies(numbers: Iterator[int]) -> Latencies:
    count, p50_ns, p99_ns, max_ns, total_ns = (next(numbers) for _ in range(5))
    return Latencies(count, p50_ns, p99_ns, max_ns, total_ns)
