"""Loads schedulers in a guest, and runs workloads under them: what the compiler's CLI calls.

Guarantee: a scheduler is reported as attached only on the kernel's own word; whatever the guest
fails to bring back is a GuestFailed, never silence.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from itertools import groupby
from pathlib import Path
from typing import Final

from schedlang.workload.model import Workload
from schedlang.workload.trace import Trace
from schedlang_vm.command import Command
from schedlang_vm.elf import with_values
from schedlang_vm.frames import unpack
from schedlang_vm.freestanding import player_program
from schedlang_vm.guest import GuestResult, Job, run_job
from schedlang_vm.initramfs import Entry, plain, program
from schedlang_vm.outcome import Accepted, GuestFailed, Outcome, classify
from schedlang_vm.probe import verification
from schedlang_vm.program import Played, Tuned, cgroup_lines, compiled
from schedlang_vm.qemu import Machine, Serial, arguments
from schedlang_vm.report import LoadReport, Provenance, RunReport
from schedlang_vm.toolbox import Kernel, Toolbox, locate
from schedlang_vm.topology import Topology
from schedlang_vm.trial import Trial

SETTLE_S: Final = 1.0
BOOT_LIMIT_S: Final = 120.0
# Under QEMU's translator a guest's second may take several.
SLOWEST: Final = 20.0
_TRACE_KIB: Final = 16 * 1024
_MAP_NAME: Final = re.compile(r"[\w.]{1,15}")


@dataclass(frozen=True, slots=True)
class Plan:
    """One run; `obj` None is under the kernel's own scheduler. A `boot_seed` makes it repeatable.

    `params` replaces the initial values of the object's integer variables; `tunes`, in the order of
    time, are written into its `.data` map while the threads run. A workload that has not ended by
    its duration, or by `limit_ns` if it has none, is cut off. With `profile` the kernel counts each
    program's runs and their time.
    """

    name: str
    obj: bytes | None
    workload: Workload
    kernel: Kernel
    topology: Topology
    seed: int = 0
    boot_seed: int | None = None
    limit_ns: int = 60 * 10**9
    params: Mapping[str, int] = field(default_factory=dict)
    tunes: tuple[Tuned, ...] = ()
    trace: bool = False
    command: Command | None = None
    stats_map: str = "stats"
    profile: bool = False

    @property
    def machine(self) -> Machine:
        return Machine(self.kernel.image, self.topology, self.boot_seed)

    @property
    def lasts_ns(self) -> int:
        return self.workload.duration_ns or self.limit_ns


def verify(
    obj: bytes, name: str, *, kernel: Kernel, topology: Topology, timeout_s: float
) -> LoadReport:
    """Load and attach one object, watch it under a few threads, take it away."""
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
    workload = verification(topology.cpus, int(settle_s * 1e9))
    plans = [Plan(name, obj, workload, kernel, topology) for name, obj in objects.items()]
    return tuple(report.load for report in _boot(plans, timeout_s))


def run(plan: Plan, timeout_s: float | None = None) -> RunReport:
    """In a boot of its own. With a boot seed the same plan gives the same report to the bit."""
    return _boot([plan], timeout_s)[0]


def run_many(plans: Sequence[Plan], timeout_s: float | None = None) -> tuple[RunReport, ...]:
    """Runs that follow each other on the same machine, boot seed and all, share a boot.

    What a run measures may depend on what ran before it in its boot; with boot seeds the same plans
    in the same order give the same reports to the bit. `timeout_s` is for each boot.
    """
    boots = [list(plans) for _, plans in groupby(plans, key=lambda plan: plan.machine)]
    return tuple(report for plans in boots for report in _boot(plans, timeout_s))


def _boot(plans: Sequence[Plan], timeout_s: float | None) -> tuple[RunReport, ...]:
    """INVARIANT: all plans have the same machine."""
    toolbox = locate()
    lasts_s = sum(plan.lasts_ns for plan in plans) / 1e9
    limit_s = timeout_s or BOOT_LIMIT_S + SLOWEST * (lasts_s + len(plans))
    job = _job(plans, toolbox, limit_s)
    result = run_job(toolbox, plans[0].machine, job, limit_s)
    return tuple(_report(index, plan, toolbox, result) for index, plan in enumerate(plans))


def _job(plans: Sequence[Plan], toolbox: Toolbox, timeout_s: float) -> Job:
    script = resources.files(__package__).joinpath("guest/session.sh").read_bytes()
    files: dict[str, Entry] = {
        "bin/player": program(player_program(toolbox.tool("clang"))),
        "job/session.sh": plain(script),
    }
    limit_s = max(10, int(timeout_s / 3))
    lines = [". /job/session.sh"]
    for index, plan in enumerate(plans):
        if not _MAP_NAME.fullmatch(plan.stats_map):
            raise ValueError(f"not a BPF map's name: {plan.stats_map!r}")
        if plan.obj is not None:
            files[f"job/{index}/object.o"] = plain(with_values(plan.obj, plan.params))
        files[f"job/{index}/program"] = plain(_program(plan, index))
        if plan.command is not None:
            files |= plan.command.files
        files[f"job/{index}/cgroups"] = plain(cgroup_lines(plan.workload).encode())
        trace_kib = _TRACE_KIB if plan.trace else 0
        profile = int(plan.profile)
        lines.append(f"trial {index} {limit_s} {plan.stats_map} {trace_kib} {profile}")
    return Job("\n".join(lines) + "\n", files)


def check_plan(plan: Plan) -> None:
    """Raises ValueError for what the guest could not do."""
    with_values(plan.obj or b"", plan.params if plan.obj is not None else {})
    _program(plan, 0)


def _program(plan: Plan, index: int) -> bytes:
    texts = () if plan.command is None else (f"/tmp/out-{index}/command", *plan.command.texts)
    cpus = plan.topology.cpus
    return compiled(plan.workload, plan.seed, cpus, plan.lasts_ns, texts, plan.tunes)


def _report(index: int, plan: Plan, toolbox: Toolbox, result: GuestResult) -> RunReport:
    section = result.sections.get(f"trial-{index}")
    trial = Trial(unpack(section) if section is not None else {})
    outcome, played, trace = _observed(trial, plan, result)
    end = trial.sample("end")
    load = LoadReport(
        name=plan.name,
        outcome=outcome,
        programs=trial.programs(),
        events=end.events if end is not None else {},
        stats=trial.stats(),
        load_ms=trial.load_ms,
        wall_s=result.wall_s,
        log=trial.text("register.err"),
        dmesg=trial.dmesg,
        provenance=_provenance(index, plan, toolbox, result),
    )
    said = trial.text("command")
    return RunReport(load, played, trial.sample("begin"), end, trace, said)


def _observed(
    trial: Trial, plan: Plan, result: GuestResult
) -> tuple[Outcome, Played | None, Trace | None]:
    """What became of the scheduler, and of the threads. Damage of any kind is the guest's."""
    if not trial.files:
        problem = result.problem or "the trial left no result"
        return GuestFailed(problem, result.console), None, None
    try:
        played = trial.played(plan.workload, plan.command is not None)
        trace = trial.trace(played) if played is not None else None
    except ValueError as error:
        return GuestFailed(str(error), result.console), None, None
    outcome = Accepted("") if plan.obj is None else classify(trial.attempt())
    if played is None and isinstance(outcome, Accepted):
        return GuestFailed("the threads left no figures", result.console), None, None
    if played is not None and played.problem:
        return GuestFailed(played.problem, result.console), None, None
    if trace is not None and trace.dropped:
        told = f"the trace lost {trace.dropped} events; run the workload for a shorter time"
        return GuestFailed(told, result.console), played, None
    return outcome, played, trace


def _provenance(index: int, plan: Plan, toolbox: Toolbox, result: GuestResult) -> Provenance:
    qemu = toolbox.tool("qemu")
    files = Serial("INITRAMFS", "CONSOLE", "FRAMES")
    command = [qemu.path.name, *arguments(plan.machine, files)]
    command[command.index("-kernel") + 1] = "KERNEL"
    return Provenance(
        kernel_release=plan.kernel.release,
        kernel_sha256=_file_digest(plan.kernel.image),
        qemu_version=qemu.version,
        qemu_sha256=_file_digest(qemu.elf),
        initramfs_sha256=result.initramfs_sha256,
        object_sha256=hashlib.sha256(plan.obj).hexdigest() if plan.obj is not None else "",
        command=tuple(command),
        index=index,
    )


@lru_cache(maxsize=8)
def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
