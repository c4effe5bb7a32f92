"""What the backend uses of this package: locate the tools, verify, run, and read the answers."""

from __future__ import annotations

from schedlang_vm.dmesg import ExitRecord
from schedlang_vm.errors import EnvironmentProblem
from schedlang_vm.outcome import (
    Accepted,
    Ejected,
    GuestFailed,
    InitFailed,
    LoadFailed,
    Outcome,
)
from schedlang_vm.report import (
    Json,
    LoadReport,
    ProgramStats,
    Provenance,
    RunReport,
    Sample,
    TaskResult,
)
from schedlang_vm.session import run, verify, verify_many
from schedlang_vm.toolbox import Kernel, Missing, Tool, Toolbox, locate
from schedlang_vm.topology import Topology
from schedlang_vm.verifier_log import PolicyLocation, VerifierRejected
from schedlang_vm.workload import GuestTask, Hog, Job, Sleeper, Workload

__all__ = [
    "Accepted",
    "Ejected",
    "EnvironmentProblem",
    "ExitRecord",
    "GuestFailed",
    "GuestTask",
    "Hog",
    "InitFailed",
    "Job",
    "Json",
    "Kernel",
    "LoadFailed",
    "LoadReport",
    "Missing",
    "Outcome",
    "PolicyLocation",
    "ProgramStats",
    "Provenance",
    "RunReport",
    "Sample",
    "Sleeper",
    "TaskResult",
    "Tool",
    "Toolbox",
    "Topology",
    "VerifierRejected",
    "Workload",
    "locate",
    "run",
    "verify",
    "verify_many",
]
