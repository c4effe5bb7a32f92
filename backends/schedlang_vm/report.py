"""What is told about a trial: outcome, programs, and what each task got."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from schedlang_vm.outcome import Accepted, Outcome

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True, slots=True)
class ProgramStats:
    """A loaded BPF program; `verified_insns` is how many the verifier looked at."""

    name: str
    verified_insns: int
    xlated_bytes: int
    jited_bytes: int


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a result depends on, by digest, so that a run can be repeated."""

    kernel_release: str
    kernel_sha256: str
    qemu_version: str
    initramfs_sha256: str
    object_sha256: str  # empty for the kernel's own scheduler


@dataclass(frozen=True, slots=True)
class LoadReport:
    """One object's trial. `load_ms` is guest time; `events` the kernel's counters at the end."""

    name: str
    outcome: Outcome
    programs: tuple[ProgramStats, ...]
    events: Mapping[str, int]
    stats: Json
    load_ms: float
    wall_s: float
    log: str
    dmesg: str
    provenance: Provenance

    @property
    def accepted(self) -> bool:
        return isinstance(self.outcome, Accepted)


@dataclass(frozen=True, slots=True)
class Sample:
    """The kernel's word at one moment; `run_ns` has one entry for each task."""

    time_ns: int
    enabled: bool
    ops: str
    nr_rejected: int
    events: Mapping[str, int]
    run_ns: tuple[int, ...]
    wait_ns: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TaskResult:
    """What one task got between the common start and the end.

    `attached_run_ns` counts up to the last sample at which the scheduler was still attached.
    `wait_ns` is all its waiting for a CPU; `delay_max_ns` the longest single wait, one that had
    not ended included; `delays` the waits that ended, as (at least ns, how many).
    """

    name: str
    pid: int
    nice: int
    run_ns: int
    wait_ns: int
    attached_run_ns: int
    timeslices: int
    voluntary_switches: int
    involuntary_switches: int
    rounds: int
    finished_ns: int | None  # since the start, for a Job that was done
    delay_max_ns: int
    delays: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class RunReport:
    """A workload's run. `attached_ns` is how long the scheduler was seen attached."""

    load: LoadReport
    tasks: tuple[TaskResult, ...]
    samples: tuple[Sample, ...]
    elapsed_ns: int
    attached_ns: int

    @property
    def outcome(self) -> Outcome:
        return self.load.outcome

    @property
    def attached_throughout(self) -> bool:
        """Whether every sample, from the kernel, had the same scheduler enabled."""
        names = {sample.ops for sample in self.samples}
        return len(names) == 1 and all(s.enabled and s.ops for s in self.samples)
