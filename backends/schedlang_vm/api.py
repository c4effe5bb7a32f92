"""What the backend uses of this package: locate the tools, verify, run, and read the answers."""

from __future__ import annotations

from schedlang_vm.command import Command, host_command
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
from schedlang_vm.program import Played, Tuned
from schedlang_vm.report import (
    Json,
    LoadReport,
    ProgramStats,
    Provenance,
    RunReport,
    Sample,
)
from schedlang_vm.session import Plan, check_plan, run, run_many, verify, verify_many
from schedlang_vm.toolbox import Kernel, Missing, Tool, Toolbox, locate
from schedlang_vm.topology import Topology
from schedlang_vm.verifier_log import PolicyLocation, VerifierRejected

__all__ = [
    "Accepted",
    "Command",
    "Ejected",
    "EnvironmentProblem",
    "ExitRecord",
    "GuestFailed",
    "InitFailed",
    "Json",
    "Kernel",
    "LoadFailed",
    "LoadReport",
    "Missing",
    "Outcome",
    "Plan",
    "Played",
    "PolicyLocation",
    "ProgramStats",
    "Provenance",
    "RunReport",
    "Sample",
    "Tool",
    "Toolbox",
    "Topology",
    "Tuned",
    "VerifierRejected",
    "check_plan",
    "host_command",
    "locate",
    "run",
    "run_many",
    "verify",
    "verify_many",
]
