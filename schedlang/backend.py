"""What a backend owes the compiler. They are found by the entry points `schedlang.backends`.

The compiler never imports one by name: a typed policy and its proof go in, text, an object and
reports of a kernel come out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, final

from schedlang.diagnostics.model import Diagnostic
from schedlang.ir.nodes import Policy
from schedlang.machine.scenario import TaskSpec
from schedlang.prover.verdict import ProofReport
from schedlang.source import Span
from schedlang.topology import Topology
from schedlang.tuning import Tune
from schedlang.workload.model import Workload
from schedlang.workload.outcome import Outcome
from schedlang.workload.trace import Trace


@final
@dataclass(frozen=True, slots=True)
class Program:
    """One BPF program of an object."""

    name: str
    section: str
    instructions: int


@final
@dataclass(frozen=True, slots=True)
class Map:
    """One BPF map of an object; sizes in bytes, 0 where the object leaves it to the kernel."""

    name: str
    kind: str
    key_bytes: int
    value_bytes: int
    max_entries: int


@final
@dataclass(frozen=True, slots=True)
class ObjectFigures:
    """What is in an object file, read from it without loading it."""

    programs: tuple[Program, ...]
    maps: tuple[Map, ...]
    licence: str
    struct_ops: tuple[str, ...]
    size_bytes: int


@final
@dataclass(frozen=True, slots=True)
class Built:
    """An object that has all it needs to be loaded. `compiler` names it and its version."""

    object: bytes
    figures: ObjectFigures
    compiler: str


@final
@dataclass(frozen=True, slots=True)
class QueueCounts:
    """What a queue's statistics map said at the end of a run."""

    queue: str
    dispatches: int
    wait_total_ns: int
    wait_max_ns: int


@final
@dataclass(frozen=True, slots=True)
class Provenance:
    """What a run depends on, so that it can be repeated. Digests are SHA-256, in hexadecimal.

    `image` is what was booted, all runs of the boot in it; this run is number `index` of them.
    `object` is "" under the kernel's own scheduler. `command` starts QEMU, places of files apart.
    """

    kernel: str
    qemu_version: str
    qemu: str
    image: str
    index: int
    object: str
    command: tuple[str, ...]


@final
@dataclass(frozen=True, slots=True)
class Ran:
    """A workload that was run to its end, or cut off.

    `longest_waits_ns` has for each group the longest time in which one of its threads was runnable
    and had no CPU, also if that had not ended by the end of the run. `all_ended`: every thread came
    to its end. `trace` only if the request wants it. `command_status` is the command's exit
    code, or a signal's number below 0 (None: it had not ended, or there was none), and `said` what
    it printed.
    """

    outcome: Outcome
    longest_waits_ns: tuple[int, ...]
    all_ended: bool
    provenance: Provenance
    trace: Trace | None
    command_status: int | None = None
    said: str = ""

    @property
    def longest_wait_ns(self) -> int:
        return max(self.longest_waits_ns, default=0)


@final
@dataclass(frozen=True, slots=True)
class KernelReport:
    """A load, or a run, in a real kernel. `diagnostics` is empty if all went well.

    `ran` is None if the workload was not run, or nothing is known of it.
    """

    kernel: str
    attached_throughout: bool
    queues: tuple[QueueCounts, ...]
    ran: Ran | None
    instructions_verified: int
    diagnostics: tuple[Diagnostic, ...]
    log: str


@final
@dataclass(frozen=True, slots=True)
class RunRequest:
    """What to run in a kernel.

    `params` are values from the beginning on, `tunes` change params while the workload runs.
    The workload's lengths are drawn from `seed`. If `deterministic`, virtual time advances with
    executed instructions only, and the same request gives the same report, to the bit; otherwise
    it follows the host's clock. A workload without a duration is cut off after `limit_ns`. A
    `command`, a program of this machine and its arguments, runs beside it, as its last group.
    """

    topology: Topology
    workload: Workload
    kernel: str = "newest"  # "newest", "6.12", or a path of a bzImage
    params: tuple[tuple[str, int], ...] = ()
    tunes: tuple[Tune, ...] = ()
    seed: int = 0
    deterministic: bool = False
    limit_ns: int = 60 * 10**9
    trace: bool = False
    command: tuple[str, ...] = ()
    machine_seed: int | None = None  # QEMU's, if it is not to be `seed`

    @property
    def boot_seed(self) -> int | None:
        """Of the machine's own chance; None: nothing is fixed."""
        if not self.deterministic:
            return None
        return self.seed if self.machine_seed is None else self.machine_seed


@final
@dataclass(frozen=True, slots=True)
class KernelRun:
    """A request under a policy's object, or, without one, under the kernel's own scheduler."""

    request: RunRequest
    policy: Policy | None = None
    obj: bytes | None = None


class Twin(Protocol):
    """A kernel under the code made of a policy; its time is what `time` says.

    CPUs and tasks are numbers, as in the reference interpreter. `fault` is not empty once the code
    has done what a kernel would not take.
    """

    def start(self, topology: Topology, params: Sequence[int]) -> None:
        """A new machine at time 0, with no task, under these values of the policy's params."""
        ...

    def time(self, now: int) -> None: ...

    def fork(self, spec: TaskSpec, cpu: int) -> int:
        """The task exists; `wake` makes it runnable."""
        ...

    def change(self, task: int, spec: TaskSpec) -> None:
        """A task that does not run gets the nice value, weight and affinity of `spec`."""
        ...

    def weigh(self, cgroup: str, weight: int) -> None:
        """The cgroup's own weight, which is 100 at first."""
        ...

    def wake(self, task: int, cpu: int, *, sync: bool = False) -> None:
        """The task that runs on `cpu` wakes the task; an interrupt does if none runs. `sync`: it is
        about to go to sleep.
        """
        ...

    def expire(self, cpu: int) -> None:
        """The slice of the task on the CPU is used up; `schedule` follows."""
        ...

    def tick(self, cpu: int) -> bool:
        """A tick on a CPU that runs a task; whether it ends the turn. If so, `schedule` follows."""
        ...

    def block(self, cpu: int) -> None:
        """The task on the CPU goes to sleep; `schedule` follows."""
        ...

    def touch(self, cpu: int) -> None:
        """The running task leaves and comes back without leaving its CPU: no end of a turn."""
        ...

    def tune(self, param: int, value: int) -> None:
        """Number `param` of the policy's params, one that can change, gets this value."""
        ...

    def schedule(self, cpu: int) -> int | None:
        """What the CPU runs next, None if nothing."""
        ...

    def is_kicked(self, cpu: int) -> bool:
        """Whether somebody has woken the CPU, or told it to choose."""
        ...

    def is_ended(self, cpu: int) -> bool:
        """Whether the turn on the CPU has been ended by another CPU's interrupt."""
        ...

    def cpu(self, task: int) -> int:
        """Where it last ran, or is to run."""
        ...

    def slice_ns(self, task: int) -> int:
        """What is left of its slice."""
        ...

    def is_slow(self, cpu: int) -> bool:
        """Whether the CPU was last asked for its least frequency."""
        ...

    def fault(self) -> str: ...


class Backend(Protocol):
    def uncovered(self, policy: Policy) -> tuple[Diagnostic, ...]:
        """What the policy says that the backend cannot compile; nothing may be emitted then."""
        ...

    def emit(self, policy: Policy, proof: ProofReport, *, traced: bool = False) -> str:
        """The policy's C. The same policy and proof give the same bytes. `traced`: it tells the
        kernel's trace of what it is asked and when (`workload.trace.Asked`).
        """
        ...

    def origins(self, c: str, policy: Policy) -> tuple[Span | None, ...]:
        """For each line of that C the place in the policy that it stands for, if there is one."""
        ...

    def build(self, c: str, policy: Policy) -> Built | tuple[Diagnostic, ...]:
        """Compile and inspect. Diagnostics point into the policy. Raises EnvironmentProblem."""
        ...

    def twins(self, policies: Sequence[tuple[str, Policy]]) -> tuple[Twin, ...]:
        """Each C, with its policy, as a machine in this process. Raises EnvironmentProblem."""
        ...

    def run(self, obj: bytes | None, policy: Policy, request: RunRequest) -> KernelReport:
        """Run a workload in a micro-VM under the object; None: the kernel's own scheduler."""
        ...

    def run_many(self, runs: Sequence[KernelRun]) -> tuple[KernelReport, ...]:
        """The same for several. Those that follow each other with the same kernel, topology and
        `boot_seed` share a boot. If all are deterministic, the same list gives the same reports.
        """
        ...

    def doctor(self) -> tuple[Check, ...]:
        """What is installed, and what mends what is missing."""
        ...


@final
@dataclass(frozen=True, slots=True)
class Check:
    """One line of `schedc doctor`. `remedy` is a command, empty where nothing is missing."""

    name: str
    found: str
    remedy: str


@final
class EnvironmentProblem(Exception):
    """A tool is missing or a place cannot be written: nothing that editing the policy would mend.

    `code` is the diagnostic's: E0601 a tool, E0602 a place, E0603 this host.
    """

    def __init__(self, what: str, remedy: str, code: str = "E0601") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy
        self.code = code
