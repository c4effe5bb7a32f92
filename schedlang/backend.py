"""What a backend owes the compiler. They are found by the entry points `schedlang.backends`.

The compiler never imports one by name: a typed policy and its proof go in, text, an object and
reports of a kernel come out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, final

from schedlang.diagnostics.model import Diagnostic
from schedlang.ir.nodes import Policy
from schedlang.machine.topology import Topology
from schedlang.prover.verdict import ProofReport
from schedlang.source import Span


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
class TaskUse:
    """What the kernel accounted to the tasks of one name."""

    comm: str
    nice: int
    run_ns: int
    wait_ns: int
    turns: int


@final
@dataclass(frozen=True, slots=True)
class KernelReport:
    """A load, or a run, in a real kernel. `diagnostics` is empty if all went well."""

    kernel: str
    attached_throughout: bool
    queues: tuple[QueueCounts, ...]
    tasks: tuple[TaskUse, ...]
    instructions_verified: int
    diagnostics: tuple[Diagnostic, ...]
    log: str


@final
@dataclass(frozen=True, slots=True)
class RunRequest:
    """What to run under a policy. With a `seed` virtual time advances with executed instructions
    only, and the same request gives the same figures; without one it follows the host's clock.
    """

    topology: Topology
    duration_s: float
    tasks: tuple[GuestTask, ...]
    kernel: str  # "newest", "6.12", or a path of a bzImage
    params: tuple[tuple[str, int], ...] = ()
    seed: int | None = None


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


class Backend(Protocol):
    def emit(self, policy: Policy, proof: ProofReport) -> str:
        """The policy's C. The same policy and proof give the same bytes."""
        ...

    def origins(self, c: str, policy: Policy) -> tuple[Span | None, ...]:
        """For each line of that C the place in the policy that it stands for, if there is one."""
        ...

    def build(self, c: str, policy: Policy) -> Built | tuple[Diagnostic, ...]:
        """Compile and inspect. Diagnostics point into the policy. Raises EnvironmentProblem."""
        ...

    def run(self, obj: bytes | None, policy: Policy, request: RunRequest) -> KernelReport:
        """Run the tasks in a micro-VM under the object (None: under the kernel's own scheduler)."""
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
