"""The TOML form of a workload: text to model with diagnostics, and model to text.

`parse_workload` tells all that is wrong at once; what it gives can be run. For every workload w
that `check` has nothing against, `parse_workload(format_workload(w))` is w. docs/workloads.md is
the manual.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from schedlang.diagnostics.model import Diagnostic, Label, Repair
from schedlang.source import Source, Span
from schedlang.workload.check import check
from schedlang.workload.fields import Fields, Report, cpu_list
from schedlang.workload.model import Cgroup, Constant, Group, Loop, Phase, Workload
from schedlang.workload.phrases import (
    Misread,
    read_loop,
    read_phase,
    spell_length,
    spell_phase,
    spell_time,
)
from schedlang.workload.places import Places, Table, find_places
from schedlang.workload.problem import Problem
from schedlang.workload.waits import MOST_THREADS

LONGEST_COMM: Final = 15
_DEEPEST: Final = 8
_NOWHERE: Final = Table(Span(0, 0))
_WHERE = re.compile(r"^(?P<what>.*?) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end.*)\)$")


def parse_workload(source: Source, name: str) -> Workload | tuple[Diagnostic, ...]:
    """The workload in `source`, called `name` unless it names itself, or all that is wrong."""
    try:
        values: dict[str, object] = tomllib.loads(source.text)
    except RecursionError:
        return (_syntax(source, "nested too deep", None),)
    except ValueError as error:
        return (_syntax(source, str(error), _WHERE.match(str(error))),)
    places = find_places(source.text)
    report = Report()
    workload = _workload(Fields(values, places.top, report, "a workload"), places, report, name)
    if not report.diagnostics:
        report.diagnostics += describe(check(workload), source)
    return tuple(report.diagnostics) or workload


def _syntax(source: Source, message: str, where: re.Match[str] | None) -> Diagnostic:
    end = len(source.text)
    at = end
    if where is not None and where["line"]:
        lines = source.text.split("\n")[: int(where["line"]) - 1]
        at = sum(len(line) + 1 for line in lines) + int(where["column"]) - 1
    what = where["what"] if where is not None else message
    label = Label(Span(min(at, end), min(at + 1, end)))
    return Diagnostic("E0701", f"the workload is no TOML: {what[:1].lower()}{what[1:]}", label)


# --- text to model


def _workload(fields: Fields, places: Places, report: Report, name: str) -> Workload:
    groups = list(_tables(fields, "group", places, report))
    if not groups and "group" not in fields.values:
        fields.missing("group", "[[group]]")
    made = Workload(
        fields.name("name", name),
        fields.documentation(),
        tuple(_group(group) for group in groups),
        tuple(_cgroup(cgroup) for cgroup in _tables(fields, "cgroup", places, report)),
        fields.time("duration"),
    )
    fields.finish()
    return made


def _tables(fields: Fields, key: str, places: Places, report: Report) -> Iterator[Fields]:
    found = fields.take(key)
    if found is None:
        return
    tables = places.tables.get(key, [])
    if not isinstance(found, list) or not all(isinstance(table, dict) for table in found):
        fields.mistyped(key, f"tables: `[[{key}]]`")
        return
    for index, values in enumerate(found):
        place = tables[index] if index < len(tables) else _NOWHERE
        yield Fields(values, place, report, f"a {key}")


def _cgroup(fields: Fields) -> Cgroup:
    made = Cgroup(fields.cgroup("path", None), fields.whole("weight", 100, 1, 10_000))
    fields.finish()
    return made


def _group(fields: Fields) -> Group:
    name = fields.name("name", None)
    comm = fields.comm("comm", name[:LONGEST_COMM])
    made = Group(
        name=name,
        threads=fields.whole("threads", 1, 0, MOST_THREADS),
        comm=comm,
        process=fields.comm("process", comm),
        phases=_phases(fields),
        nice=fields.whole("nice", 0, -20, 19),
        cgroup=fields.cgroup("cgroup", "/"),
        cpus=fields.cpus("cpus"),
        start=fields.length("start", Constant(0)),
    )
    fields.finish()
    return made


def _phases(fields: Fields) -> tuple[Phase, ...]:
    found = fields.take("phases")
    if found is None:
        fields.missing("phases", 'phases = ["run 1ms"]')
        return ()
    if not isinstance(found, list) or not found:
        fields.mistyped("phases", 'a list of texts: `["run 1ms", "sleep 2ms"]`')
        return ()
    return _Phases(fields).read(found, 0)


class _Phases:
    """Reads nested lists of texts, and knows for each text where it stands."""

    def __init__(self, fields: Fields) -> None:
        self._fields = fields
        self._number = 0

    def read(self, items: Sequence[object], depth: int) -> tuple[Phase, ...]:
        phases = [self._read_one(item, depth) for item in items]
        return tuple(phase for phase in phases if phase is not None)

    def _read_one(self, item: object, depth: int) -> Phase | None:
        match item:
            case str():
                return self._kept(read_phase(item))
            case [str() as head, *body]:
                return self._read_loop(head, body, depth + 1)
            case _:
                self._fields.mistyped("phases", 'texts, and lists such as `["loop 3", "run 1ms"]`')
                return None

    def _read_loop(self, head: str, body: Sequence[object], depth: int) -> Phase | None:
        if depth > _DEEPEST:
            self._tell(Misread(f"more than {_DEEPEST} loops in each other", "nest fewer", "E0704"))
            return None
        times = read_loop(head)
        if isinstance(times, Misread):
            self._tell(times)
        self._number += 1
        phases = self.read(body, depth)
        return None if isinstance(times, Misread) else Loop(times, phases)

    def _kept(self, phase: Phase | Misread) -> Phase | None:
        if isinstance(phase, Misread):
            self._tell(phase)
        self._number += 1
        return None if isinstance(phase, Misread) else phase

    def _tell(self, misread: Misread) -> None:
        self._fields.tell(misread, self._fields.string("phases", self._number))


# --- what `check` found, as diagnostics


def describe(problems: tuple[Problem, ...], source: Source) -> tuple[Diagnostic, ...]:
    """What was found of the workload that `source` holds, each with its place there."""
    places = find_places(source.text) if problems else Places(_NOWHERE)
    return tuple(_told(problem, places) for problem in problems)


def _told(problem: Problem, places: Places) -> Diagnostic:
    span = _span(problem, places)
    label = Label(span) if span is not None else None
    return Diagnostic(problem.code, problem.message, label, repairs=(Repair(problem.help),))


def _span(problem: Problem, places: Places) -> Span | None:
    tables = places.tables.get("group", [])
    if problem.group is None or problem.group >= len(tables):
        return None
    table = tables[problem.group]
    phases = table.entries.get("phases")
    if problem.phase is None or phases is None or problem.phase >= len(phases.strings):
        name = table.entries.get("name")
        return name.value if name is not None else table.header
    return phases.strings[problem.phase]


# --- model to text


def format_workload(workload: Workload) -> str:
    lines = [f"name = {_quoted(workload.name)}"]
    if workload.documentation:
        lines.append(f"documentation = {_quoted(workload.documentation)}")
    if workload.duration_ns is not None:
        lines.append(f"duration = {_quoted(spell_time(workload.duration_ns))}")
    for cgroup in workload.cgroups:
        lines += ["", "[[cgroup]]", *_entries({"path": cgroup.path, "weight": cgroup.weight})]
    for group in workload.groups:
        lines += ["", "[[group]]", *_group_lines(group)]
    return "\n".join(lines) + "\n"


def _group_lines(group: Group) -> Iterator[str]:
    yield from _entries({"name": group.name, "threads": group.threads})
    defaults: dict[str, tuple[str | int, str | int]] = {
        "comm": (group.comm, group.name[:LONGEST_COMM]),
        "process": (group.process, group.comm),
        "nice": (group.nice, 0),
        "cgroup": (group.cgroup, "/"),
        "cpus": (cpu_list(group.cpus), ""),
        "start": (spell_length(group.start), "0ns"),
    }
    yield from _entries({k: value for k, (value, default) in defaults.items() if value != default})
    yield f"phases = [{', '.join(map(_phase_text, group.phases))}]"


def _phase_text(phase: Phase) -> str:
    if not isinstance(phase, Loop):
        return _quoted(spell_phase(phase))
    return f"[{', '.join([_quoted(spell_phase(phase)), *map(_phase_text, phase.phases)])}]"


def _entries(values: Mapping[str, str | int]) -> Iterator[str]:
    for key, value in values.items():
        yield f"{key} = {_quoted(value) if isinstance(value, str) else value}"


def _quoted(text: str) -> str:
    """A TOML string of one line."""
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    return char if char >= " " and char != "\x7f" else f"\\u{ord(char):04x}"
