"""Programs with classes as a policy: a queue for each set of values, weighted as its nice. Pure.

A class shares each CPU with the others by the weight that the kernel gives its nice level; within
a class, tasks share by their own weights. docs/import.md says how each value is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, final

from schedlang.importing.draft import (
    MAX_NAME,
    Draft,
    Gap,
    Loss,
    Names,
    fit_weights,
    in_order,
    quoted,
)
from schedlang.importing.nice_rules import REAL_TIME, Program, Rules, Sched, Values
from schedlang.source import Source, Span
from schedlang.syntax.format import format_policy
from schedlang.workload.weights import weight_of

_OTHERS: Final = "others"
_FLOOR: Final = 1
"""Percent: a class that gets less by its weight is guarded."""
_MOST_CLASSES: Final = 60
_PER_RULE: Final = 8
_SLICES: Final = ((-10, "1ms"), (-3, "2ms"), (4, "4ms"), (11, "8ms"), (20, "16ms"))


@final
@dataclass(frozen=True, slots=True)
class Class:
    name: str
    values: Values
    weight: int
    patterns: tuple[str, ...]


def nice_policy(rules: Rules, wanted_name: str, files: Sequence[str]) -> Draft:
    """`files` are what the rules' files are called."""
    gaps = list(rules.gaps)
    programs = [p for p in (_sayable(p, gaps) for p in rules.programs) if p is not None]
    names = Names(("vruntime", _OTHERS))
    name = Names().name(wanted_name, "classes")
    classes = _weighted(_classes(programs, names, gaps), gaps)
    lines = [
        f"## Classes of {', '.join(files)}: a queue each, weighted as its nice level.",
        f"policy {name}",
        "use std.orders.{vruntime}",
        *map(_queue, classes),
        *_route(classes),
        f"serve {_tree(classes)}",
        *_guards(classes),
        "place { prev  core in any  cpu in any }",
        "guarantee { starvation_free  no_lost_task  work_conserving }",
    ]
    text = "".join(f"{line}\n" for line in lines)
    return Draft(format_policy(Source(name, text)), in_order(gaps))


def _sayable(program: Program, gaps: list[Gap]) -> Program | None:
    """With the name that the kernel keeps. A real-time class is the kernel's own."""
    if program.values.sched in REAL_TIME:
        return None
    pattern = quoted(program.name)
    if pattern is None or not program.name or "*" in program.name:
        why = "a name of printable ASCII characters without `*` and quotes can be matched"
        gaps.append(Gap(f"{program.name!a}", program.span, Loss.LEFT_OUT, why))
        return None
    if len(program.name) > MAX_NAME:
        why = f"the kernel keeps {MAX_NAME} characters of a name: so do all that begin like it"
        gaps.append(Gap(program.name, program.span, Loss.CHANGED, why))
    return replace(program, name=program.name[:MAX_NAME])


# --- classes


def _classes(programs: Sequence[Program], names: Names, gaps: list[Gap]) -> list[Class]:
    """One for each set of values, named after the first type that has it; all other tasks last."""
    members: dict[Values, list[Program]] = {}
    for program in programs:
        members.setdefault(program.values, []).append(program)
    found: list[Class] = []
    for values, held in members.items():
        if len(found) == _MOST_CLASSES:
            why = f"a policy has {_MOST_CLASSES} classes at most"
            gaps += [Gap(program.name, program.span, Loss.LEFT_OUT, why) for program in held]
            continue
        named = next((p.type for p in held if p.type), "class")
        patterns = tuple(dict.fromkeys(program.name for program in held))
        found.append(Class(names.name(named, "class"), values, _weight(values), patterns))
    return [*found, Class(_OTHERS, Values(), _weight(Values()), ())]


def _weight(values: Values) -> int:
    return 1 if values.sched is Sched.IDLE else weight_of(values.nice or 0)


def _weighted(classes: Sequence[Class], gaps: list[Gap]) -> list[Class]:
    fitted = fit_weights([one.weight for one in classes])
    found = [replace(one, weight=weight) for one, weight in zip(classes, fitted, strict=True)]
    for before, after in zip(classes, found, strict=True):
        if before.weight != after.weight:
            why = f"weight {after.weight} instead of {before.weight}: a common multiple is needed"
            gaps.append(Gap(f"class {before.name}", Span(0, 0), Loss.CHANGED, why))
    return found


# --- text


def _queue(one: Class) -> str:
    latency = one.values.latency_nice or 0
    slice_ = next(length for most, length in _SLICES if latency <= most)
    if one.values.sched in (Sched.BATCH, Sched.IDLE):
        slice_ = _SLICES[-1][1]
    return f"queue {one.name} {{ global order vruntime(credit: 10ms, fork: 4ms) slice {slice_} }}"


def _route(classes: Sequence[Class]) -> Iterator[str]:
    """A few names to a rule, so that a line can be read."""
    yield "route {"
    for one in classes:
        for start in range(0, len(one.patterns), _PER_RULE):
            some = one.patterns[start : start + _PER_RULE]
            yield f"{' or '.join(f'process ~ {quoted(name)}' for name in some)} -> {one.name}"
    yield f"else -> {_OTHERS}"
    yield "}"


def _tree(classes: Sequence[Class]) -> str:
    if len(classes) == 1:
        return classes[0].name
    return f"weighted {{ {' '.join(f'{one.name}: {one.weight}' for one in classes)} }}"


def _guards(classes: Sequence[Class]) -> Iterator[str]:
    """Or a class of little weight could wait for longer than the kernel's watchdog."""
    total = sum(one.weight for one in classes)
    for one in classes:
        if one.weight * 100 < _FLOOR * total:
            yield f"guard {one.name} at least {_FLOOR}%"
