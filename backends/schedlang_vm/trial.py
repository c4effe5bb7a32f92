"""Turns a trial's section, the files that guest/session.sh wrote, into values. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from schedlang.workload.model import Workload
from schedlang.workload.trace import Trace
from schedlang_vm.outcome import Attempt
from schedlang_vm.program import Played, played
from schedlang_vm.report import Json, ProgramStats, Sample
from schedlang_vm.trace import parse_trace

_SCX: Final = "/sys/kernel/sched_ext/"


@dataclass(frozen=True, slots=True)
class Trial:
    """The files of one trial, by name."""

    files: Mapping[str, bytes]

    def text(self, name: str) -> str:
        return self.files.get(name, b"").decode(errors="replace")

    def number(self, name: str) -> int:
        return int(self.text(name).strip() or 0)

    @property
    def load_ms(self) -> float:
        return (self.number("attach-end") - self.number("attach-begin")) / 1e6

    @property
    def dmesg(self) -> str:
        return self.text("dmesg") or self.text("dmesg-after")

    def sample(self, name: str) -> Sample | None:
        """`begin` or `end`; None if the threads did not run: the object could not be loaded."""
        if f"sample-{name}" not in self.files:
            return None
        said = _said(self.text(f"sample-{name}"))
        return Sample(
            enabled=said.get(_SCX + "state") == ["enabled"],
            ops=said.get(_SCX + "root/ops", [""])[0],
            enable_seq=int(said.get(_SCX + "enable_seq", ["0"])[0]),
            nr_rejected=int(said.get(_SCX + "nr_rejected", ["0"])[0]),
            events=_events(said.get(_SCX + "root/events", [])),
        )

    def attempt(self) -> Attempt:
        last = self.sample("end")
        code = self.number("register.rc")
        log = self.text("register.err")
        if last is None:
            return Attempt(code, log, "", False, self.dmesg)
        return Attempt(code, log, last.ops, last.enabled, self.dmesg)

    def programs(self) -> tuple[ProgramStats, ...]:
        """Those that this trial loaded: the kernel may still be freeing an earlier one's."""
        before = self.verified("verified-before")
        new = {n: insns for n, insns in self.verified("verified").items() if n not in before}
        return tuple(_programs(_json(self.text("programs-end") or self.text("programs")), new))

    def verified(self, name: str) -> dict[int, int]:
        """By program the instructions that the verifier looked at."""
        numbers = list(map(int, self.text(name).split()))
        return dict(zip(numbers[::2], numbers[1::2], strict=True))

    def stats(self) -> Json:
        return _json(self.text("stats"))

    def played(self, workload: Workload, has_command: bool) -> Played | None:
        """None if the threads did not run. Raises ValueError for a damaged answer."""
        if "outcome" not in self.files:
            return None
        return played(self.files["outcome"], workload, has_command)

    def trace(self, run: Played) -> Trace | None:
        """What happened from the start to the end of the run; None if nobody asked for it."""
        if "trace" not in self.files:
            return None
        end_ns = run.begun_ns + run.elapsed_ns
        return parse_trace(self.text("trace"), self.text("trace-stats"), run.begun_ns, end_ns)


def _said(text: str) -> dict[str, list[str]]:
    """`grep -H ""` output as lines by file."""
    files: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("/"):
            path, _, content = line.partition(":")
            files.setdefault(path, []).append(content)
    return files


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
        if not isinstance(entry, dict) or entry.get("type") != "struct_ops":
            continue
        number, name = entry.get("id"), entry.get("name")
        if isinstance(number, int) and number in verified:
            yield ProgramStats(
                name=name if isinstance(name, str) else "",
                verified_insns=verified[number],
                xlated_bytes=_count(entry, "bytes_xlated"),
                jited_bytes=_count(entry, "bytes_jited"),
                runs=_count(entry, "run_cnt"),
                run_ns=_count(entry, "run_time_ns"),
            )


def _count(entry: Mapping[str, Json], name: str) -> int:
    value = entry.get(name)
    return value if isinstance(value, int) else 0
