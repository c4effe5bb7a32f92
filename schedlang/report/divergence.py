"""Where two policies first choose differently: both on the reference machine, under the same load.

Pure. The load has tasks for every queue of both policies, so that each route's cases are there. It
is the same at every call, and so is the run that is found. That none is found proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Final, final

from schedlang.ir.nodes import DEFAULT_WEIGHT, Policy
from schedlang.machine.scenario import TaskSpec
from schedlang.prover.casting import Casting, Trait
from schedlang.report.chart import Chart, Mark, window
from schedlang.report.record_chart import record_chart
from schedlang.simulate.engine import Setting, simulate
from schedlang.simulate.record import Record, Turned
from schedlang.topology import Topology
from schedlang.units import duration
from schedlang.workload.model import Exponential, Group, Loop, Phase, Run, Sleep, Workload
from schedlang.workload.weights import weight_of

DURATION_NS: Final = 1_000_000_000
SEEDS: Final = range(3)
CPUS: Final = (1, 2)
_BEFORE, _AFTER = 4, 8  # turns that are shown, per CPU
_NICE: Final = (0, 10, -10, 19, -20)
_LIVES: Final[tuple[tuple[str, tuple[Phase, ...]], ...]] = (
    ("busy", (Run(Exponential(20_000_000)), Sleep(Exponential(2_000_000)))),
    ("brief", (Run(Exponential(700_000)), Sleep(Exponential(4_000_000)))),
)


@final
@dataclass(frozen=True, slots=True)
class Divergence:
    """At `at_ns` the policies do `old` and `new` on CPU `cpu`; before that they did the same."""

    seed: int
    cpus: int
    at_ns: int
    cpu: int
    old: str
    new: str
    charts: tuple[Chart, Chart]


def find_divergence(old: Policy, new: Policy) -> Divergence | None:
    """The first that is found, the smallest machines first."""
    workload = load_for(old, new)
    for cpus, seed in product(CPUS, SEEDS):
        runs = [_record(policy, workload, cpus, seed) for policy in (old, new)]
        found = _first_difference(runs[0], runs[1])
        if found is not None:
            return _described((old, new), workload, (runs[0], runs[1]), found, cpus, seed)
    return None


def load_for(old: Policy, new: Policy) -> Workload:
    """Tasks that keep a CPU busy, and such as sleep much, for every queue of either policy."""
    specs: dict[TaskSpec, str] = {}
    for policy in (old, new):
        casting = Casting(policy, _defaults(policy))
        for number, queue in enumerate(policy.queues):
            spec = _spec(casting, number)
            if spec is not None:
                specs.setdefault(spec, queue.name)
    return Workload("a mixed load", "", tuple(_groups(specs)), (), DURATION_NS)


def _defaults(policy: Policy) -> tuple[int, ...]:
    return tuple(param.default for param in policy.params)


def _spec(casting: Casting, queue: int) -> TaskSpec | None:
    """A task that a workload can describe: its weight is that of its nice value."""
    for nice in (None, *_NICE):
        wanted = {Trait.KTHREAD: 0, Trait.CPUS: 0, Trait.WEIGHT: DEFAULT_WEIGHT}
        if nice is not None:
            wanted |= {Trait.NICE: nice, Trait.WEIGHT: weight_of(nice)}
        found = casting.task(queue, wanted)
        if found is not None:
            return found
    return None


def _groups(specs: dict[TaskSpec, str]) -> Iterator[Group]:
    taken: set[str] = set()
    for (spec, queue), (life, phases) in product(specs.items(), _LIVES):
        name = f"{queue}-{life}"
        while name in taken:
            name += "+"
        taken.add(name)
        start = Exponential(2_000_000)
        body = (Loop(None, phases),)
        yield Group(name, 1, spec.comm, spec.process, body, spec.nice, spec.cgroup, (), start)


def _record(policy: Policy, workload: Workload, cpus: int, seed: int) -> Record:
    setting = Setting(Topology(cpus=cpus), _defaults(policy), seed)
    record = simulate(policy, workload, setting, recorded=True).record
    assert record is not None
    return record


def _stretches(record: Record) -> list[Turned]:
    """Who had which CPU when: turns of one thread that follow each other are one stretch."""
    last: dict[int, Turned] = {}
    found: dict[tuple[int, int], Turned] = {}
    for turn in sorted(record.turns, key=lambda turn: (turn.start_ns, turn.cpu)):
        before, whole = last.get(turn.cpu), turn
        if before and (before.thread, before.end_ns) == (turn.thread, turn.start_ns):
            whole = replace(before, end_ns=turn.end_ns)
        last[turn.cpu] = found[whole.start_ns, turn.cpu] = whole
    return list(found.values())


def _first_difference(old: Record, new: Record) -> tuple[int, int] | None:
    """The moment, and the CPU, at which the first thread starts that does not in the other run."""
    for one, other in zip(_stretches(old), _stretches(new), strict=False):
        mine, theirs = ((t.start_ns, t.cpu, t.thread) for t in (one, other))
        if mine != theirs:
            return min(mine[:2], theirs[:2])
    return None


def _described(
    policies: tuple[Policy, Policy],
    workload: Workload,
    runs: tuple[Record, Record],
    found: tuple[int, int],
    cpus: int,
    seed: int,
) -> Divergence:
    at_ns, cpu = found
    charts = [
        record_chart(policy, workload, cpus, record)
        for policy, record in zip(policies, runs, strict=True)
    ]
    start_ns, end_ns = _around(runs[0], at_ns, cpus)
    old, new = (
        _doing(chart, record, cpu, at_ns) for chart, record in zip(charts, runs, strict=True)
    )
    shown = [
        replace(
            window(chart, start_ns, end_ns),
            title=f"{side}: {chart.title}",
            marks=(Mark(at_ns, f"the first difference: {doing}, on CPU {cpu}"),),
            notes=(),
        )
        for chart, side, doing in zip(charts, ("old", "new"), (old, new), strict=True)
    ]
    return Divergence(seed, cpus, at_ns, cpu, old, new, (shown[0], shown[1]))


def _around(record: Record, at_ns: int, cpus: int) -> tuple[int, int]:
    """From some turns before the moment to some after it."""
    starts = [turn.start_ns for turn in _stretches(record)]
    place = sum(start < at_ns for start in starts)
    first, last = max(place - _BEFORE * cpus, 0), place + _AFTER * cpus
    return starts[first], starts[last] if last < len(starts) else record.end_ns


def _doing(chart: Chart, record: Record, cpu: int, at_ns: int) -> str:
    """What the CPU does from that moment on."""
    for turn in _stretches(record):
        if turn.cpu == cpu and turn.start_ns <= at_ns < turn.end_ns:
            verb = "runs" if turn.start_ns == at_ns else "goes on with"
            return f"{verb} {chart.tasks[turn.thread]} from `{chart.queues[turn.queue]}`"
    return "is idle"


def told(found: Divergence) -> str:
    """Both behaviours in a sentence."""
    at = f"at {duration(found.at_ns)} CPU {found.cpu}"
    return f"{at} {found.old} under the old policy, and {found.new} under the new one"
