"""The tasks of a run: those of `--task`, or ones that between them reach every queue if they can.

Pure. The form of `--task` is COMM[:COUNT[:NICE[:BODY]]]; BODY is `hog`, which never sleeps, or
`runs TIME every TIME`; ` on CPUS` (such as `on 0,2-3`) may follow either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Final, final

from schedlang.ir import nodes as ir
from schedlang.ir.walk import walk
from schedlang.machine.machine import Machine
from schedlang.machine.scenario import TaskSpec
from schedlang.topology import Topology
from schedlang.tuning import Tune
from schedlang.workload.model import Constant, Group, Loop, Phase, Run, Sleep, Workload
from schedlang.workload.phrases import read_time
from schedlang.workload.weights import weight_of

_UNITS_US: Final = {"us": 1, "ms": 1_000, "s": 1_000_000}
_BODY = re.compile(
    r"(?:hog|runs (?P<run>\d+(?:us|ms|s)) every (?P<period>\d+(?:us|ms|s)))?"
    r"(?: ?on (?P<cpus>[0-9,-]+))?"
)
_NICES: Final = range(-20, 20)
_MOST: Final = 1000
_LONGEST_COMM: Final = 15
_TURNS: Final = 32
_HOG: Final = Constant(10**9)  # that much at a time, again and again


class BadText(ValueError):
    """Says what is wrong with the text of a `--task` or a `--param`."""


@final
@dataclass(frozen=True, slots=True)
class GuestTask:
    """`count` tasks named `comm`. `sleep_us` 0 is a hog; else it runs and sleeps in turn."""

    comm: str
    count: int = 1
    nice: int = 0
    cpus: tuple[int, ...] = ()
    run_us: int = 0
    sleep_us: int = 0


def task_workload(tasks: tuple[GuestTask, ...], seconds: float) -> Workload:
    """Each kind of task as a group of its name."""
    comms = [task.comm for task in tasks]
    names = [
        comm if comm not in comms[:n] else f"{comm}#{comms[:n].count(comm) + 1}"
        for n, comm in enumerate(comms)
    ]
    groups = tuple(
        Group(name, task.count, task.comm, task.comm, _phases(task), task.nice, cpus=task.cpus)
        for name, task in zip(names, tasks, strict=True)
    )
    return Workload("tasks", "", groups, duration_ns=round(seconds * 1e9))


def _phases(task: GuestTask) -> tuple[Phase, ...]:
    if task.sleep_us == 0:
        return (Loop(None, (Run(_HOG),)),)
    run, sleep = Constant(task.run_us * 1000), Constant(task.sleep_us * 1000)
    return (Loop(None, (Run(run), Sleep(sleep))),)


# --- reading


def read_task(text: str) -> GuestTask:
    """Raises BadText."""
    comm, *rest = text.split(":", 3)
    count, nice, body = [*rest, "1", "0", "hog"][: len(rest)] + ["1", "0", "hog"][len(rest) :]
    if not (0 < len(comm) <= _LONGEST_COMM and comm.isascii() and comm.isprintable()):
        raise BadText(f"a task's name has 1 to {_LONGEST_COMM} printable characters: {comm!r}")
    shape = _BODY.fullmatch(" ".join(body.split()))
    if shape is None:
        raise BadText(f"{body!r} is neither `hog` nor `runs 300us every 5ms` (or ends ` on 0,2-3`)")
    run_us, sleep_us = _rhythm(shape)
    return GuestTask(
        comm,
        _number(count, range(1, _MOST + 1), "a number of tasks"),
        _number(nice, _NICES, "a nice level"),
        _cpus(shape["cpus"]) if shape["cpus"] else (),
        run_us,
        sleep_us,
    )


def _rhythm(shape: re.Match[str]) -> tuple[int, int]:
    if shape["run"] is None:
        return 0, 0
    run_us, period_us = _time_us(shape["run"]), _time_us(shape["period"])
    if not 0 < run_us < period_us:
        raise BadText("a task that runs as long as its period, or longer, is a `hog`")
    return run_us, period_us - run_us


def _time_us(text: str) -> int:
    digits = text.rstrip("mus")
    return int(digits) * _UNITS_US[text[len(digits) :]]


def _number(text: str, allowed: range, what: str) -> int:
    if not re.fullmatch(r"-?\d{1,6}", text) or int(text) not in allowed:
        raise BadText(f"{what} is {allowed.start} to {allowed.stop - 1}, not {text!r}")
    return int(text)


def _cpus(text: str) -> tuple[int, ...]:
    found: set[int] = set()
    for part in text.split(","):
        ends = re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", part)
        if ends is None:
            raise BadText(f"CPUs are such as `0,2-3`, not {text!r}")
        found |= set(range(int(ends[1]), int(ends[2] or ends[1]) + 1))
    if not found:
        raise BadText(f"no CPU is in {text!r}")
    return tuple(sorted(found))


# --- the default


def default_tasks(policy: ir.Policy) -> tuple[GuestTask, ...]:
    """Two hogs and two sleepers, and for each queue that they miss others that reach it."""
    candidates = list(_candidates(policy))
    chosen = candidates[:2]
    reached = set().union(*(reaches(policy, task) for task in chosen))
    for candidate in candidates[2:]:
        new = reaches(policy, candidate) - reached
        if new:
            chosen.append(candidate)
            reached |= new
    return tuple(chosen)


def missed_queues(policy: ir.Policy, tasks: tuple[GuestTask, ...]) -> tuple[str, ...]:
    """The queues that no task of a run is expected to enter, as far as the interpreter can tell."""
    reached = set().union(*(reaches(policy, task) for task in tasks))
    return tuple(queue.name for n, queue in enumerate(policy.queues) if n not in reached)


def reaches(policy: ir.Policy, task: GuestTask) -> set[int]:
    """The queues that such a task is in, alone on one CPU, during its first turns."""
    machine = Machine(policy, Topology(cpus=1), tuple(param.default for param in policy.params))
    affinity = frozenset((0,)) if task.cpus else None
    spec = TaskSpec(task.comm, task.comm, task.nice, weight_of(task.nice), affinity=affinity)
    now, number = 0, machine.fork(spec, 0)
    found = {machine.tasks[number].queue}
    for _ in range(_TURNS):
        machine.choose(0, now)
        now += task.run_us * 1000 or machine.tasks[number].slice_ns
        machine.stop(0, now, blocked=task.sleep_us > 0)
        if task.sleep_us:
            machine.choose(0, now)
            now += task.sleep_us * 1000
            machine.wake(number, now)
        found.add(machine.tasks[number].queue)
    return found


def _candidates(policy: ir.Policy) -> Iterator[GuestTask]:
    """Hogs and sleepers, plainest first: of each name that the route matches, at many levels."""
    parts = [part for rule in policy.route.rules for part in walk(rule.condition)]
    names = (part.text.replace("*", "") for part in parts if isinstance(part, ir.Match))
    comms = dict.fromkeys(names)
    nices = dict.fromkeys((0, 10, -10, 19, -20, *_constants(parts)))
    for nice, comm in product(nices, (None, *comms)):
        hog = GuestTask(comm or "hog", 2, nice)
        yield hog
        yield replace(hog, comm=comm or "sleeper", run_us=300, sleep_us=4700)


def _constants(parts: list[ir.Expr]) -> Iterator[int]:
    """Nice levels at the edges of the route's own constants."""
    for part in parts:
        if isinstance(part, ir.Const) and part.type is ir.Type.COUNT:
            yield from (n for n in (part.value - 1, part.value, part.value + 1) if n in _NICES)


# --- params


def read_param(text: str, policy: ir.Policy) -> tuple[str, int]:
    """NAME=VALUE, written as the policy's literals, within the param's range. Raises BadText."""
    name, _, value = text.partition("=")
    param = next((p for p in policy.params if p.name == name), None)
    if param is None:
        known = ", ".join(p.name for p in policy.params) or "none"
        raise BadText(f"the policy has no param {name!r} (it has: {known})")
    found = _value(value, param.type)
    if found is None:
        raise BadText(f"{value!r} is no {param.type}")
    if not param.lo <= found <= param.hi:
        raise BadText(f"{value!r} is outside the range of `{name}`, for which the proof holds")
    return name, found


def read_tune(text: str, policy: ir.Policy) -> Tune:
    """TIME:NAME=VALUE. Raises BadText."""
    time, colon, rest = text.partition(":")
    at_ns = read_time(time)
    if not colon or not isinstance(at_ns, int):
        raise BadText(f"{text!r} does not say when: write `2s:NAME=VALUE`")
    return Tune(at_ns, *read_tunable(rest, policy))


def read_tunable(text: str, policy: ir.Policy) -> tuple[str, int]:
    """NAME=VALUE of a param that can change while the policy is loaded. Raises BadText."""
    name, value = read_param(text, policy)
    if not any(param.name == name and param.tunable for param in policy.params):
        raise BadText(f"`{name}` is a constant: it has no range in the policy")
    return name, value


def _value(text: str, type_: ir.Type) -> int | None:
    suffixes: dict[str, int]
    match type_:
        case ir.Type.BOOL:
            return {"false": 0, "true": 1}.get(text)
        case ir.Type.DURATION:
            suffixes = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9}
        case ir.Type.SHARE:
            suffixes = {"%": 1}
        case _:
            suffixes = {"": 1}
    shape = re.fullmatch(r"(-?\d{1,19})([a-z%]*)", text)
    if shape is None or shape[2] not in suffixes:
        return None
    return int(shape[1]) * suffixes[shape[2]]
