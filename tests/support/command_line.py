"""For the tests of the command line: small policies, and a backend that needs no compiler."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from schedlang.backend import (
    Built,
    Check,
    EnvironmentProblem,
    KernelReport,
    KernelRun,
    Map,
    ObjectFigures,
    Program,
    Provenance,
    QueueCounts,
    Ran,
    RunRequest,
    Twin,
)
from schedlang.diagnostics.model import Diagnostic
from schedlang.ir.nodes import Policy
from schedlang.prover.verdict import ProofReport
from schedlang.source import Span
from schedlang.workload.outcome import GroupOutcome, Latencies, Outcome
from schedlang.workload.trace import Event, Left, Switch, Trace

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
    ended: bool = True
    events: tuple[Event, ...] = (Switch(0, 0, 0, "idle", Left.RUNNABLE, 7, "hog"),)

    def uncovered(self, policy: Policy) -> tuple[Diagnostic, ...]:
        return ()

    def emit(self, policy: Policy, proof: ProofReport, *, traced: bool = False) -> str:
        return f"/* {policy.name}, {len(proof.findings)} findings */\n"

    def origins(self, c: str, policy: Policy) -> tuple[Span | None, ...]:
        return tuple(policy.serve.span for _ in c.splitlines())

    def build(self, c: str, policy: Policy) -> Built | tuple[Diagnostic, ...]:
        self.builds += 1
        if self.problem is not None:
            raise self.problem
        programs = (Program("enqueue", "struct_ops/enqueue", 42),)
        maps = (Map("stats", "array", 4, 24, len(policy.queues)),)
        figures = ObjectFigures(programs, maps, "GPL", ("ops",), len(c))
        return self.build_findings or Built(f"ELF {c}".encode(), figures, "clang 19.1")

    def twins(self, policies: Sequence[tuple[str, Policy]]) -> tuple[Twin, ...]:
        if self.problem is not None:
            raise self.problem
        raise NotImplementedError

    def run(self, obj: bytes | None, policy: Policy, request: RunRequest) -> KernelReport:
        self.request = request
        if self.problem is not None:
            raise self.problem
        queues = tuple(QueueCounts(queue.name, 3, 9_000_000, 4_000_000) for queue in policy.queues)
        ran = ran_as_asked(policy.name, request, self.ended, self.events)
        findings = self.run_findings
        return KernelReport("7.3.4", self.attached, queues, ran, 1234, findings, "the log")

    def run_many(self, runs: Sequence[KernelRun]) -> tuple[KernelReport, ...]:
        raise NotImplementedError

    def doctor(self) -> tuple[Check, ...]:
        if self.problem is not None:
            raise self.problem
        return self.checks


def ran_as_asked(
    scheduler: str, request: RunRequest, is_ended: bool, events: tuple[Event, ...]
) -> Ran:
    """Every thread ran 1 us, waited 2 us, and ended if it is to."""
    none = Latencies(0, 0, 0, 0, 0)
    groups = tuple(
        GroupOutcome(
            group=group.name,
            threads=group.threads,
            ended=group.threads if is_ended else 0,
            ended_ns=5_000_000 if is_ended else None,
            run_ns=1_000,
            wait_ns=2_000,
            switches=3,
            migrations=1,
            passes=0,
            wakeups=none,
            requests=(),
            missed=0,
        )
        for group in request.workload.groups
    )
    outcome = Outcome(request.workload.name, scheduler, 5_000_000, groups)
    provenance = Provenance("k", "10.0", "q", "i", 0, "o", ("qemu",))
    trace = Trace(events, 0) if request.trace else None
    return Ran(outcome, tuple(2_000 for _ in groups), is_ended, provenance, trace)


def fails_with(code: str) -> tuple[Diagnostic, ...]:
    return (Diagnostic(code, "something failed"),)
