"""Has the runs of a comparison done: in the micro-VM, or on the reference machine.

A seed is a block, and in the micro-VM a boot: all its runs follow each other in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import final

from schedlang.backend import Backend, KernelReport, KernelRun, RunRequest
from schedlang.compare.plan import Entry, Setup, block
from schedlang.compare.samples import Sample, Samples, describe
from schedlang.diagnostics.model import Diagnostic
from schedlang.ir.nodes import Policy
from schedlang.simulate.engine import Setting, simulate

Told = Callable[[int], None]
"""Is told, before each block, its place."""


@final
@dataclass(frozen=True, slots=True)
class Loadable:
    policy: Policy
    obj: bytes


@final
class Missing(Exception):
    """Runs that left no figures, and what the kernel said instead."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        super().__init__("a run left no figures")
        self.diagnostics = diagnostics


def in_kernel(
    setup: Setup, loadable: Mapping[str, Loadable], backend: Backend, tell: Told
) -> Samples:
    """`loadable` are the contenders that have a policy. Raises Missing, EnvironmentProblem."""
    samples: list[Sample] = []
    for place in range(len(setup.seeds)):
        tell(place)
        entries = list(block(setup, place))
        reports = backend.run_many([_run(setup, entry, loadable) for entry in entries])
        lost = [d for e, r in zip(entries, reports, strict=True) for d in _lost(e, r)]
        if lost:
            raise Missing(tuple(lost))
        samples += [_sample(e, r) for e, r in zip(entries, reports, strict=True)]
    return Samples(setup, tuple(samples))


def _run(setup: Setup, entry: Entry, loadable: Mapping[str, Loadable]) -> KernelRun:
    request = RunRequest(
        topology=setup.topology,
        workload=next(w for w in setup.workloads if w.name == entry.workload),
        kernel=setup.kernel,
        seed=entry.drawn_from,
        deterministic=True,
        machine_seed=entry.seed,
    )
    chosen = loadable.get(entry.contender)
    if chosen is None:
        return KernelRun(request)
    return KernelRun(request, chosen.policy, chosen.obj)


def _lost(entry: Entry, report: KernelReport) -> Iterator[Diagnostic]:
    """A run that failed; one that only lost its scheduler has figures, and `samples.check`."""
    if report.ran is None:
        yield Diagnostic("E1001", f"{describe(entry)}: the run left no figures")
    yield from report.diagnostics


def _sample(entry: Entry, report: KernelReport) -> Sample:
    ran = report.ran
    assert ran is not None
    return Sample(
        entry,
        ran.outcome,
        ran.longest_waits_ns,
        ran.all_ended,
        report.attached_throughout,
        report.kernel,
        ran.provenance,
    )


def on_reference_machine(setup: Setup, policies: Mapping[str, Policy], tell: Told) -> Samples:
    """Every contender has a policy."""
    samples: list[Sample] = []
    for place in range(len(setup.seeds)):
        tell(place)
        samples += [_simulated(setup, entry, policies) for entry in block(setup, place)]
    return Samples(setup, tuple(samples))


def _simulated(setup: Setup, entry: Entry, policies: Mapping[str, Policy]) -> Sample:
    policy = policies[entry.contender]
    workload = next(w for w in setup.workloads if w.name == entry.workload)
    defaults = tuple(param.default for param in policy.params)
    simulation = simulate(policy, workload, Setting(setup.topology, defaults, entry.drawn_from))
    groups = simulation.outcome.groups
    return Sample(
        entry,
        simulation.outcome,
        tuple(waits.max_ns for waits in simulation.waits),
        all(group.ended == group.threads for group in groups) and not simulation.stuck,
        True,
        "",
        None,
    )
