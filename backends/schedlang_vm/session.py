"""Loads schedulers in a guest, and runs workloads under them: what the compiler's CLI calls.

Guarantee: a scheduler is reported as attached only on the kernel's own word; whatever the guest
fails to bring back is a GuestFailed, never silence.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Final

from schedlang_vm.elf import with_values
from schedlang_vm.frames import unpack
from schedlang_vm.freestanding import player_program
from schedlang_vm.guest import GuestResult, Job, run_job
from schedlang_vm.initramfs import Entry, plain, program
from schedlang_vm.outcome import Accepted, GuestFailed, Outcome, classify
from schedlang_vm.qemu import Machine
from schedlang_vm.report import LoadReport, Provenance, RunReport
from schedlang_vm.toolbox import Kernel, Toolbox, locate
from schedlang_vm.topology import Topology
from schedlang_vm.trial import Trial
from schedlang_vm.workload import Workload, expanded, few_tasks, task_lines

SETTLE_S: Final = 1.0
_SAMPLE_S: Final = 0.25
_MAX_SAMPLES: Final = 200
_MAP_NAME: Final = re.compile(r"[\w.]{1,15}")


@dataclass(frozen=True, slots=True)
class _Plan:
    """One trial; `obj` None is the kernel's own scheduler."""

    name: str
    obj: bytes | None
    workload: Workload
    duration_s: float


def verify(
    obj: bytes, name: str, *, kernel: Kernel, topology: Topology, timeout_s: float
) -> LoadReport:
    """Load and attach one object, watch it under a few tasks, take it away."""
    return verify_many({name: obj}, kernel=kernel, topology=topology, timeout_s=timeout_s)[0]


def verify_many(
    objects: Mapping[str, bytes],
    *,
    kernel: Kernel,
    topology: Topology,
    timeout_s: float,
    settle_s: float = SETTLE_S,
) -> tuple[LoadReport, ...]:
    """The same for several, one after another in one boot; `timeout_s` is for them all."""
    workload = few_tasks(topology.cpus)
    plans = [_Plan(name, obj, workload, settle_s) for name, obj in objects.items()]
    reports = _trials(plans, kernel, topology, timeout_s)
    return tuple(report.load for report in reports)


def run(
    obj: bytes | None,
    name: str,
    *,
    workload: Workload,
    duration_s: float,
    kernel: Kernel,
    topology: Topology,
    timeout_s: float,
    deterministic_seed: int | None = None,
    params: Mapping[str, int] | None = None,
    stats_map: str = "stats",
) -> RunReport:
    """Run a workload for a time under `obj`, or under the kernel's EEVDF when it is None.

    `params` replaces the initial values of the object's integer variables. With a seed the same
    inputs give the same numbers.
    """
    changed = with_values(obj, params or {}) if obj is not None else None
    plan = _Plan(name, changed, workload, duration_s)
    return _trials([plan], kernel, topology, timeout_s, deterministic_seed, stats_map)[0]


def _trials(
    plans: Sequence[_Plan],
    kernel: Kernel,
    topology: Topology,
    timeout_s: float,
    seed: int | None = None,
    stats_map: str = "stats",
) -> tuple[RunReport, ...]:
    toolbox = locate()
    job = _job(plans, toolbox, timeout_s, stats_map)
    machine = Machine(kernel.image, topology, seed)
    result = run_job(toolbox, machine, job, timeout_s)
    return tuple(_report(i, plan, kernel, toolbox, result) for i, plan in enumerate(plans))


def _job(plans: Sequence[_Plan], toolbox: Toolbox, timeout_s: float, stats_map: str) -> Job:
    if not _MAP_NAME.fullmatch(stats_map):
        raise ValueError(f"not a BPF map's name: {stats_map!r}")
    script = resources.files(__package__).joinpath("guest/session.sh").read_bytes()
    files: dict[str, Entry] = {
        "bin/task": program(player_program(toolbox.tool("clang"))),
        "job/session.sh": plain(script),
    }
    limit_s = max(10, int(timeout_s / 3))
    lines = [". /job/session.sh"]
    for index, plan in enumerate(plans):
        if plan.obj is not None:
            files[f"job/{index}/object.o"] = plain(plan.obj)
        files[f"job/{index}/tasks"] = plain(task_lines(plan.workload).encode())
        samples = min(max(math.ceil(plan.duration_s / _SAMPLE_S), 1), _MAX_SAMPLES)
        interval_us = max(int(plan.duration_s * 1e6 / samples), 1)
        lines.append(f"trial {index} {limit_s} {samples} {interval_us} {stats_map}")
    return Job("\n".join(lines) + "\n", files)


def _report(
    index: int, plan: _Plan, kernel: Kernel, toolbox: Toolbox, result: GuestResult
) -> RunReport:
    section = result.sections.get(f"trial-{index}")
    trial = Trial(unpack(section) if section is not None else {})
    outcome: Outcome
    if section is None:
        outcome = GuestFailed(result.problem or "the trial left no result", result.console)
    elif plan.obj is None:
        outcome = Accepted("")
    else:
        outcome = classify(trial.attempt())
    samples = trial.samples()
    attached = [sample for sample in samples if sample.enabled]
    load = LoadReport(
        name=plan.name,
        outcome=outcome,
        programs=trial.programs(),
        events=attached[-1].events if attached else {},
        stats=trial.stats(),
        load_ms=trial.load_ms,
        wall_s=result.wall_s,
        log=trial.text("register.err"),
        dmesg=trial.dmesg,
        provenance=_provenance(plan, kernel, toolbox, result),
    )
    tasks = trial.tasks(expanded(plan.workload))
    return RunReport(load, tasks, samples, trial.elapsed_ns(), trial.attached_ns())


def _provenance(plan: _Plan, kernel: Kernel, toolbox: Toolbox, result: GuestResult) -> Provenance:
    return Provenance(
        kernel_release=kernel.release,
        kernel_sha256=_file_digest(kernel.image),
        qemu_version=toolbox.tool("qemu").version,
        initramfs_sha256=result.initramfs_sha256,
        object_sha256=hashlib.sha256(plan.obj).hexdigest() if plan.obj is not None else "",
    )


@lru_cache(maxsize=8)
def _file_digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
