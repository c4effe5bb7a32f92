"""Rules of nice daemons (ananicy, ananicy-cpp): an object of JSON on each line. Pure.

`.types` files name sets of values, `.rules` files give a program a type, values, or both; values
beside the type win, and so does the last rule of a program. `.cgroups` files are read for form.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, final

from schedlang.diagnostics.model import Diagnostic
from schedlang.diagnostics.suggest import did_you_mean
from schedlang.importing.draft import Gap, Loss
from schedlang.importing.fields import Fields, Findings, say
from schedlang.importing.json_text import Record, read_json
from schedlang.source import Source, Span

MOST_PROGRAMS: Final = 4000
_WHY_IO: Final = "a scheduler of CPUs does not order input and output"
_UNSAID: Final = {
    "ioclass": _WHY_IO,
    "ionice": _WHY_IO,
    "oom_score_adj": "memory is no matter of a scheduler of CPUs",
    "cgroup": "a policy moves no task to another cgroup: name the group in the route instead",
    "rtprio": "tasks of the real-time classes never reach the scheduler",
    "cmdlines": "a command's line is not known to a policy",
}
_WHY_RT: Final = (
    "tasks of the real-time classes never reach the scheduler: the daemon has to do this"
)


class Sched(StrEnum):
    NORMAL = "normal"
    OTHER = "other"
    BATCH = "batch"
    IDLE = "idle"
    RR = "rr"
    FIFO = "fifo"
    DEADLINE = "deadline"


REAL_TIME: Final = (Sched.RR, Sched.FIFO, Sched.DEADLINE)


@final
@dataclass(frozen=True, slots=True)
class Values:
    """None: nothing is said of it."""

    nice: int | None = None
    latency_nice: int | None = None
    sched: Sched | None = None

    def over(self, other: Values) -> Values:
        """These values, and the other's where these say nothing."""
        return Values(
            other.nice if self.nice is None else self.nice,
            other.latency_nice if self.latency_nice is None else self.latency_nice,
            self.sched or other.sched,
        )

    @property
    def is_said(self) -> bool:
        return self != Values()


@final
@dataclass(frozen=True, slots=True)
class Program:
    """A program's name, the type that its rule names ("" if none), and its values in all."""

    name: str
    type: str
    values: Values
    span: Span


@final
@dataclass(frozen=True, slots=True)
class Rules:
    programs: tuple[Program, ...]
    gaps: tuple[Gap, ...]


def read_rules(sources: Sequence[Source]) -> Rules | tuple[Diagnostic, ...]:
    """All programs that have a value, the last rule of each; or all that is wrong."""
    findings: Findings = []
    gaps: list[Gap] = []
    types: dict[str, Values] = {}
    programs: dict[str, Program] = {}
    for file, source in enumerate(sources):
        for line, record in _records(source, file, findings):
            _take(_Line(source.name, line, record), types, programs, findings, gaps)
    found = tuple(_with_type(program, types, findings) for program in programs.values())
    read = tuple(program for program in found if program.values.is_said)
    if not findings and not read:
        say(findings, "no rule here gives a program a class", "add the rules' files", Span(0, 0))
    if len(read) > MOST_PROGRAMS:
        message = f"a policy has {MOST_PROGRAMS} programs at most, and here are {len(read)}"
        say(findings, message, "leave out the rules that matter least", read[-1].span)
    return tuple(findings) or Rules(read, tuple(gaps))


def _records(source: Source, file: int, findings: Findings) -> Iterator[tuple[int, Record]]:
    start = 0
    for number, line in enumerate(source.text.split("\n"), 1):
        part = Span(start, start + len(line), file)
        start += len(line) + 1
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = read_json(source, file, part)
        if isinstance(found, Diagnostic):
            findings.append(found)
        elif isinstance(found, Record):
            yield number, found
        else:
            say(findings, "a rule is an object", "write `{ … }`", found.span)


@final
@dataclass(frozen=True, slots=True)
class _Line:
    file: str
    number: int
    record: Record


def _take(
    line: _Line,
    types: dict[str, Values],
    programs: dict[str, Program],
    findings: Findings,
    gaps: list[Gap],
) -> None:
    """A program's rule, a type, or a cgroup: by the name that it has."""
    names = {entry.name.value for entry in line.record.entries}
    fields = Fields(line.record, "a rule", findings)
    if "name" in names:
        name, type_ = fields.text("name"), fields.text("type")
        if name in programs:
            why = f"an earlier rule of `{name}`: the last one holds"
            gaps.append(Gap(_where(line, "name"), programs[name].span, Loss.LEFT_OUT, why))
        programs[name] = Program(name, type_, _values(fields, findings), fields.span)
    elif "type" in names:
        types[fields.text("type")] = _values(fields, findings)
    elif "cgroup" in names:
        why = "limits of cgroups are the kernel's, and stay as they are"
        gaps.append(Gap(_where(line, "cgroup"), fields.span, Loss.LEFT_OUT, why))
        return
    else:
        message = "a rule names a program, a type or a cgroup"
        say(findings, message, 'add `"name": "…"`', fields.span)
        return
    gaps += _gaps(line, fields)


def _values(fields: Fields, findings: Findings) -> Values:
    nice = fields.whole("nice", 100, -20, 19)
    latency = fields.whole("latency_nice", 100, -20, 19)
    return Values(
        None if nice == 100 else nice,
        None if latency == 100 else latency,
        _sched(fields, findings),
    )


def _sched(fields: Fields, findings: Findings) -> Sched | None:
    text = fields.text("sched")
    if not text:
        return None
    known = [str(sched) for sched in Sched]
    if text not in known:
        near = did_you_mean(text, known)
        repair = f"did you mean `{near}`?" if near else f"they are: {', '.join(known)}"
        say(findings, f"there is no class `{text}`", repair, fields.span)
        return None
    return Sched(text)


def _gaps(line: _Line, fields: Fields) -> Iterator[Gap]:
    for entry in fields.rest():
        name = entry.name.value
        why = _UNSAID.get(name, f"unknown: is `{name}` misspelt?")
        yield Gap(_where(line, name), entry.name.span, Loss.LEFT_OUT, why)
    sched = fields.text("sched")
    if sched in REAL_TIME:
        yield Gap(_where(line, "sched"), fields.span, Loss.LEFT_OUT, _WHY_RT)


def _where(line: _Line, field: str) -> str:
    return f"{line.file}:{line.number}.{field}"


def _with_type(program: Program, types: dict[str, Values], findings: Findings) -> Program:
    if not program.type:
        return program
    if program.type not in types:
        near = did_you_mean(program.type, types)
        repair = f"did you mean `{near}`?" if near else "import the `.types` file with the rules"
        say(findings, f"there is no type `{program.type}`", repair, program.span)
        return program
    return replace(program, values=program.values.over(types[program.type]))
