"""The keys of one table of a workload's TOML, each of its type and within its range.

What is wrong goes into the `Report`, and the reading goes on with the default, so that one run
tells of everything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, final

from schedlang.diagnostics.model import Diagnostic, Label, Repair
from schedlang.diagnostics.suggest import did_you_mean
from schedlang.source import Span
from schedlang.workload.model import Length
from schedlang.workload.phrases import LEAST_NS, MOST_NS, Misread, is_name, read_length, read_time
from schedlang.workload.places import Table

MOST_CPU: Final = 1023
_COMM: Final = re.compile(r"[ -~]{1,15}")
_CGROUP: Final = re.compile(r"/|(?:/[A-Za-z0-9_@:][A-Za-z0-9_.@:-]*){1,16}")
_CPUS: Final = re.compile(r"(\d{1,4})(?:-(\d{1,4}))?")


@final
@dataclass(slots=True)
class Report:
    diagnostics: list[Diagnostic] = field(default_factory=list)


@final
class Fields:
    """`values` with their places in the text; `what` is the table in words, such as `a group`."""

    def __init__(
        self, values: Mapping[str, object], place: Table, report: Report, what: str
    ) -> None:
        self.values = values
        self._place = place
        self._report = report
        self._what = what
        self._taken: list[str] = []

    def take(self, key: str) -> object | None:
        self._taken.append(key)
        return self.values.get(key)

    def finish(self) -> None:
        """Every key that is there must have been taken."""
        for key in self.values:
            if key not in self._taken:
                near = did_you_mean(key, self._taken)
                known = f"did you mean `{near}`?" if near else f"keys: {', '.join(self._taken)}"
                entry = self._place.entries.get(key)
                span = entry.key if entry is not None else self._place.header
                self._say("E0702", f"{self._what} has no `{key}`", known, span)

    # --- values

    def name(self, key: str, default: str | None) -> str:
        return self._text(key, default, _is_name, "a name: letters, digits, `_`, `-` and `.`")

    def comm(self, key: str, default: str) -> str:
        return self._text(key, default, _is_comm, "1 to 15 printable ASCII characters")

    def cgroup(self, key: str, default: str | None) -> str:
        return self._text(key, default, _is_cgroup, "a path from the root: `/a/b.slice`")

    def documentation(self) -> str:
        return self._text("documentation", "", lambda _: True, "a text")

    def whole(self, key: str, default: int, least: int, most: int) -> int:
        found = self.take(key)
        if found is None:
            return default
        if not isinstance(found, int) or isinstance(found, bool):
            self.mistyped(key, "a whole number")
            return default
        if not least <= found <= most:
            message = f"`{key}` is from {least} to {most}"
            self._say("E0704", message, "choose such a number", self._value(key))
            return default
        return found

    def time(self, key: str) -> int | None:
        text = self.take(key)
        if text is None:
            return None
        if not isinstance(text, str):
            self.mistyped(key, 'a time: `"2s"`')
            return None
        time_ns = read_time(text)
        if isinstance(time_ns, int) and not LEAST_NS <= time_ns <= MOST_NS:
            time_ns = Misread(f"`{text}` is not within 1us and 3600s", "choose such", "E0704")
        if isinstance(time_ns, Misread):
            self.tell(time_ns, self._value(key))
            return None
        return time_ns

    def length(self, key: str, default: Length) -> Length:
        text = self.take(key)
        if text is None:
            return default
        if not isinstance(text, str):
            self.mistyped(key, 'a time: `"2ms"`, `"1ms..3ms"` or `"~2ms"`')
            return default
        length = read_length(text, least_ns=0)
        if isinstance(length, Misread):
            self.tell(length, self._value(key))
            return default
        return length

    def cpus(self, key: str) -> tuple[int, ...]:
        text = self.take(key)
        if text is None:
            return ()
        cpus = _read_cpus(text) if isinstance(text, str) else None
        if cpus is None:
            self.mistyped(key, f'CPUs: `"0,2-3"`, {MOST_CPU} at most')
        return cpus or ()

    def _text(self, key: str, default: str | None, fits: Callable[[str], bool], words: str) -> str:
        found = self.take(key)
        if found is None:
            if default is None:
                self.missing(key, f'{key} = "…"')
            return "unnamed" if default is None else default
        if not isinstance(found, str) or not fits(found):
            self.mistyped(key, words)
            return "unnamed" if default is None else default
        return found

    # --- what is wrong

    def missing(self, key: str, example: str) -> None:
        message = f"{self._what} has a `{key}`, and here is none"
        self._say("E0702", message, f"add `{example}`", self._place.header)

    def mistyped(self, key: str, wanted: str) -> None:
        self._say("E0702", f"`{key}` cannot be read", f"write {wanted}", self._value(key))

    def tell(self, misread: Misread, span: Span) -> None:
        self._say(misread.code, misread.message, misread.help, span)

    def string(self, key: str, number: int) -> Span:
        """Where string number `number` in the value of `key` stands."""
        entry = self._place.entries.get(key)
        if entry is None or number >= len(entry.strings):
            return self._value(key)
        return entry.strings[number]

    def _value(self, key: str) -> Span:
        entry = self._place.entries.get(key)
        return entry.value if entry is not None else self._place.header

    def _say(self, code: str, message: str, repair: str, span: Span) -> None:
        finding = Diagnostic(code, message, Label(span), repairs=(Repair(repair),))
        self._report.diagnostics.append(finding)


def _is_name(text: str) -> bool:
    return is_name(text)


def _is_comm(text: str) -> bool:
    return _COMM.fullmatch(text) is not None


def _is_cgroup(text: str) -> bool:
    return _CGROUP.fullmatch(text) is not None


def _read_cpus(text: str) -> tuple[int, ...] | None:
    found: set[int] = set()
    for part in text.split(","):
        ends = _CPUS.fullmatch(part.strip())
        if ends is None or not int(ends[1]) <= int(ends[2] or ends[1]) <= MOST_CPU:
            return None
        found |= set(range(int(ends[1]), int(ends[2] or ends[1]) + 1))
    return tuple(sorted(found))


def cpu_list(cpus: tuple[int, ...]) -> str:
    """`0,2-3`: what `cpus` reads."""
    runs: list[list[int]] = []
    for cpu in cpus:
        if runs and cpu == runs[-1][-1] + 1:
            runs[-1].append(cpu)
        else:
            runs.append([cpu])
    return ",".join(str(r[0]) if len(r) == 1 else f"{r[0]}-{r[-1]}" for r in runs)
