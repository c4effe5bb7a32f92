"""What a policy can say that no C is emitted for yet."""

from __future__ import annotations

from schedlang.diagnostics.model import Diagnostic, Label
from schedlang.ir.nodes import Policy, Queue, Scope

CODE = "E0403"


def uncovered(policy: Policy) -> tuple[Diagnostic, ...]:
    confined = [queue for queue in policy.queues if queue.cpus is not None]
    if policy.preemptions:
        return tuple(_beside(queue, "preemption") for queue in confined)
    if any(queue.scope is not Scope.GLOBAL for queue in policy.queues):
        return tuple(_beside(queue, "queues of several instances") for queue in confined)
    return ()


def _beside(queue: Queue, what: str) -> Diagnostic:
    message = f"`{queue.name}`, a queue on a set of CPUs, is not compiled to C beside {what} yet"
    note = "`schedc sim` and `schedc test` run it"
    return Diagnostic(CODE, message, Label(queue.span), notes=(note,))
