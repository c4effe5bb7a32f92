"""For the tests of the command line: small policies, and a backend that needs no compiler."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from schedlang.backend import (
    Built,
    Check,
    EnvironmentProblem,
    KernelReport,
    Map,
    ObjectFigures,
    Program,
    QueueCounts,
    RunRequest,
    TaskUse,
)
from schedlang.diagnostics.model import Diagnostic
from schedlang.ir.nodes import Policy
from schedlang.prover.verdict import ProofReport

FIFO = """\
policy fifo

queue tasks { global  order fifo  slice 4ms }

route { else -> tasks }
serve tasks
"""
STARVING = """\
policy starving
queue urgent { global  order fifo  slice 4ms }
queue rest   { global  order fifo  slice 4ms }
route {
  nice < 0 -> urgent
  else     -> rest
}

serve strict { urgent  rest }
"""
ACCEPTED = STARVING + 'accept starvation of rest because "idle work"\n'
WRONG = FIFO.replace("serve tasks", "serve task_s")


@dataclass(frozen=True, slots=True)
class Said:
    status: int
    out: str
    err: str


class Schedc(Protocol):
    def __call__(self, *arguments: str) -> Said: ...


@dataclass
class FakeBackend:
    """Answers what it is told to, and remembers what it was asked."""

    problem: EnvironmentProblem | None = None
    build_findings: tuple[Diagnostic, ...] = ()
    run_findings: tuple[Diagnostic, ...] = ()
    attached: bool = True
    checks: tuple[Check, ...] = (Check("clang", "19.1", ""),)
    request: RunRequest | None = None
    builds: int = 0

    def emit(self, policy: Policy, proof: ProofReport) -> str:
        return f"/* {policy.name}, {len(proof.findings)} findings */\n"

    def build(self, c: str, policy: Policy) -> Built | tuple[Diagnostic, ...]:
        self.builds += 1
        if self.problem is not None:
            raise self.problem
        programs = (Program("enqueue", "struct_ops/enqueue", 42),)
        maps = (Map("stats", "array", 4, 24, len(policy.queues)),)
        figures = ObjectFigures(programs, maps, "GPL", ("ops",), len(c))
        return self.build_findings or Built(f"ELF {c}".encode(), figures, "clang 19.1")

    def run(self, obj: bytes | None, policy: Policy, request: RunRequest) -> KernelReport:
        self.request = request
        if self.problem is not None:
            raise self.problem
        queues = tuple(QueueCounts(queue.name, 3, 9_000_000, 4_000_000) for queue in policy.queues)
        uses = tuple(TaskUse(task.comm, task.nice, 1_000, 2_000, 3) for task in request.tasks)
        findings = self.run_findings
        return KernelReport("7.3.4", self.attached, queues, uses, 1234, findings, "the log")

    def doctor(self) -> tuple[Check, ...]:
        if self.problem is not None:
            raise self.problem
        return self.checks


def fails_with(code: str) -> tuple[Diagnostic, ...]:
    return (Diagnostic(code, "something failed"),)
