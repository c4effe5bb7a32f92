"""What is told about a trial: outcome, programs, and what the workload's threads got."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from schedlang.workload.trace import Trace
from schedlang_vm.outcome import Accepted, Outcome
from schedlang_vm.program import Played

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True, slots=True)
class ProgramStats:
    """A loaded BPF program; `verified_insns` is how many instructions the verifier looked at.

    `runs` and `run_ns` are the kernel's, from the load to the workload's end, if it kept them.
    """

    name: str
    verified_insns: int
    xlated_bytes: int
    jited_bytes: int
    runs: int = 0
    run_ns: int = 0


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a result depends on, by digest, so that a run can be repeated.

    `initramfs_sha256` is that of the whole boot, which may hold several runs; `index` is this
    run's place among them. `command` is QEMU's command line, without the places of its files.
    """

    kernel_release: str
    kernel_sha256: str
    qemu_version: str
    qemu_sha256: str
    initramfs_sha256: str
    object_sha256: str  # empty for the kernel's own scheduler
    command: tuple[str, ...]
    index: int


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
    """The kernel's word at one moment; `enable_seq` counts the schedulers that it ever enabled."""

    enabled: bool
    ops: str
    enable_seq: int
    nr_rejected: int
    events: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RunReport:
    """A workload's run: None where it did not come to that. `begin` is just before the threads were
    let go, `end` just after the last ended, or the run was cut off. `said` is a command's output.
    """

    load: LoadReport
    played: Played | None
    begin: Sample | None
    end: Sample | None
    trace: Trace | None
    said: str

    @property
    def outcome(self) -> Outcome:
        return self.load.outcome

    @property
    def attached_throughout(self) -> bool:
        """Whether the kernel had one and the same scheduler enabled from begin to end."""
        begin, end = self.begin, self.end
        if begin is None or end is None or not begin.enabled or not end.enabled:
            return False
        return (begin.ops, begin.enable_seq) == (end.ops, end.enable_seq) and begin.ops != ""
