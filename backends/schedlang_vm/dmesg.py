"""Reads the kernel's messages about schedulers that were enabled and disabled."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_LINE: Final = re.compile(r"\[\s*(?P<time_s>\d+\.\d+)\] (?P<text>.*)")
_DISABLED: Final = re.compile(r'sched_ext: BPF scheduler "(?P<name>.*)" disabled \((?P<kind>.*)\)')
_ENABLED: Final = re.compile(r'sched_ext: BPF scheduler "(?P<name>.*)" enabled')
_CODE: Final = re.compile(r"failed \((-\d+)\)")
BY_USER: Final = "unregistered from user space"


@dataclass(frozen=True, slots=True)
class ExitRecord:
    """Why a scheduler was disabled. `was_enabled` is False when it failed while starting.

    `code` is the negative errno that the reason names, or None; `lines` has the backtrace too.
    """

    scheduler: str
    kind: str
    reason: str
    code: int | None
    was_enabled: bool
    time_s: float
    lines: tuple[str, ...]

    @property
    def by_user(self) -> bool:
        return self.kind.startswith(BY_USER)


def parse_exits(dmesg: str) -> tuple[ExitRecord, ...]:
    """All exit records, in the order of the log."""
    lines = [(float(m["time_s"]), m["text"]) for m in map(_LINE.match, dmesg.splitlines()) if m]
    enabled: set[str] = set()
    records: list[ExitRecord] = []
    for index, (time_s, text) in enumerate(lines):
        if begun := _ENABLED.fullmatch(text):
            enabled.add(begun["name"])
        elif ended := _DISABLED.fullmatch(text):
            name = ended["name"]
            told = _following(name, [line for _, line in lines[index + 1 :]])
            reason = "; ".join(
                line.removeprefix(f"sched_ext: {name}: ") for line in told if line[:1] != " "
            )
            code = _CODE.search(reason)
            records.append(
                ExitRecord(
                    *(name, ended["kind"], reason, int(code[1]) if code else None),
                    *(name in enabled, time_s, (text, *told)),
                )
            )
            enabled.discard(name)
    return tuple(records)


def _following(name: str, lines: list[str]) -> list[str]:
    """The record's own lines: messages in the scheduler's name, then its backtrace."""
    told: list[str] = []
    for line in lines:
        if not line.startswith((f"sched_ext: {name}: ", "   ")):
            break
        told.append(line)
    return told
