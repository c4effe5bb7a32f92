"""Turns a trial's section, the files that guest/session.sh wrote, into values. Pure."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from schedlang_vm.outcome import Attempt
from schedlang_vm.report import Json, ProgramStats, Sample, TaskResult
from schedlang_vm.workload import GuestTask

_SCX: Final = "/sys/kernel/sched_ext/"
_BUCKETS: Final = 256  # as in guest/task.c


@dataclass(frozen=True, slots=True)
class _Counters:
    """`struct counters` of guest/task.c."""

    rounds: int
    finished_ns: int
    started_ns: int
    seen_ns: int
    delay_max_ns: int
    delays: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """The files of one trial, by name."""

    files: Mapping[str, bytes]

    def text(self, name: str) -> str:
        return self.files.get(name, b"").decode(errors="replace")

    def number(self, name: str) -> int:
        return int(self.text(name).strip() or 0)

    @property
    def observed(self) -> bool:
        """Whether the tasks ran: not so when the object could not be loaded."""
        return "sample-detached" in self.files

    @property
    def load_ms(self) -> float:
        return (self.number("attach-end") - self.number("attach-begin")) / 1e6

    @property
    def dmesg(self) -> str:
        return self.text("dmesg") or self.text("dmesg-after")

    def samples(self) -> tuple[Sample, ...]:
        """The samples while the tasks ran, the last one with the tasks just stopped."""
        numbered = sorted(int(n[7:]) for n in self.files if re.fullmatch(r"sample-\d+", n))
        names = [f"sample-{number}" for number in numbered] + ["sample-stopped"]
        return tuple(self.sample(name) for name in names if name in self.files)

    def sample(self, name: str) -> Sample:
        said = _said(self.text(name))
        stats = [_numbers(said.get(f"/proc/{pid}/schedstat", [""])[0]) for pid in self.pids()]
        return Sample(
            time_ns=int(self.text(name).split("\n", 1)[0] or 0),
            enabled=said.get(_SCX + "state") == ["enabled"],
            ops=said.get(_SCX + "root/ops", [""])[0],
            nr_rejected=int(said.get(_SCX + "nr_rejected", ["0"])[0]),
            events=_events(said.get(_SCX + "root/events", [])),
            run_ns=tuple(stat[0] for stat in stats),
            wait_ns=tuple(stat[1] for stat in stats),
        )

    def pids(self) -> tuple[int, ...]:
        return tuple(map(int, self.text("pids").split()))

    def attempt(self) -> Attempt:
        last = self.sample("sample-stopped")
        code = self.number("register.rc")
        log = self.text("register.err")
        return Attempt(code, log, last.ops, last.enabled, self.dmesg)

    def programs(self) -> tuple[ProgramStats, ...]:
        numbers = list(map(int, self.text("verified").split()))
        verified = dict(zip(numbers[::2], numbers[1::2], strict=True))
        return tuple(_programs(_json(self.text("programs")), verified))

    def stats(self) -> Json:
        return _json(self.text("stats"))

    def tasks(self, tasks: tuple[GuestTask, ...]) -> tuple[TaskResult, ...]:
        if not self.observed:
            return ()
        return tuple(self._task(index, task) for index, task in enumerate(tasks))

    def _task(self, index: int, task: GuestTask) -> TaskResult:
        pid = self.pids()[index]
        first, stopped, detached = (
            _numbers(_said(self.text(f"sample-{name}")).get(f"/proc/{pid}/schedstat", [""])[0])
            for name in ("0", "stopped", "detached")
        )
        status = dict(_status(_said(self.text("sample-stopped")).get(f"/proc/{pid}/status", [])))
        attached = [sample.run_ns[index] for sample in self.samples() if sample.enabled]
        counters = self._counters(index)
        wait_ns = stopped[1]
        delay_max_ns = max(counters.delay_max_ns, counters.started_ns - self.begun_ns)
        if status.get("State", "").startswith("R"):
            # Still waiting when it was told to stop: the kernel books that wait when it ends.
            since_ns = self.sample("sample-detached").time_ns - self.ended_ns
            wait_ns = max(wait_ns, detached[1] - since_ns)
            delay_max_ns = max(delay_max_ns, self.ended_ns - (counters.seen_ns or self.begun_ns))
        return TaskResult(
            name=task.name,
            pid=pid,
            nice=task.nice,
            run_ns=stopped[0] - first[0],
            wait_ns=wait_ns - first[1],
            attached_run_ns=attached[-1] - first[0] if attached else 0,
            timeslices=stopped[2] - first[2],
            voluntary_switches=int(status.get("voluntary_ctxt_switches", "0")),
            involuntary_switches=int(status.get("nonvoluntary_ctxt_switches", "0")),
            rounds=counters.rounds,
            finished_ns=counters.finished_ns - self.begun_ns if counters.finished_ns else None,
            delay_max_ns=delay_max_ns,
            delays=tuple((_at_least(i), n) for i, n in enumerate(counters.delays) if n),
        )

    def _counters(self, index: int) -> _Counters:
        words = struct.unpack(f"<{_BUCKETS + 5}Q", self.files[f"counters-{index}"])
        rounds, finished_ns, started_ns, seen_ns, delay_max_ns, *delays = words
        return _Counters(rounds, finished_ns, started_ns, seen_ns, delay_max_ns, tuple(delays))

    @property
    def begun_ns(self) -> int:
        """When all tasks were let go."""
        return self.number("gate-open")

    @property
    def ended_ns(self) -> int:
        """When all tasks had been told to stop."""
        return self.sample("sample-stopped").time_ns

    def elapsed_ns(self) -> int:
        return self.ended_ns - self.begun_ns if self.observed else 0

    def attached_ns(self) -> int:
        """From the start to the last sample at which a scheduler was attached."""
        times = [sample.time_ns for sample in self.samples() if sample.enabled]
        return max(times[-1] - self.begun_ns, 0) if times else 0


def _said(text: str) -> dict[str, list[str]]:
    """`grep -H ""` output as lines by file."""
    files: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("/"):
            path, _, content = line.partition(":")
            files.setdefault(path, []).append(content)
    return files


def _numbers(text: str) -> tuple[int, int, int]:
    words = text.split()
    return (int(words[0]), int(words[1]), int(words[2])) if len(words) >= 3 else (0, 0, 0)


def _status(lines: list[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        key, _, value = line.partition(":")
        yield key, value.strip()


def _events(lines: list[str]) -> dict[str, int]:
    pairs = (line.split() for line in lines)
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2}


def _json(text: str) -> Json:
    try:
        value: Json = json.loads(text)
    except ValueError:
        return None
    return value


def _programs(shown: Json, verified: Mapping[int, int]) -> Iterator[ProgramStats]:
    for entry in shown if isinstance(shown, list) else []:
        if isinstance(entry, dict) and entry.get("type") == "struct_ops":
            number, name = entry.get("id"), entry.get("name")
            xlated, jited = entry.get("bytes_xlated"), entry.get("bytes_jited")
            yield ProgramStats(
                name=name if isinstance(name, str) else "",
                verified_insns=verified.get(number, 0) if isinstance(number, int) else 0,
                xlated_bytes=xlated if isinstance(xlated, int) else 0,
                jited_bytes=jited if isinstance(jited, int) else 0,
            )


def _at_least(bucket: int) -> int:
    """The shortest delay that guest/task.c counts in this bucket."""
    power, part = divmod(bucket, 4)
    return (1 << power) + (part << (power - 2)) if power >= 2 else 0
