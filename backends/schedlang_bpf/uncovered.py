"""What a policy can say that no C is emitted for yet."""

from __future__ import annotations

from schedlang.diagnostics.model import Diagnostic, Label
from schedlang.ir.nodes import Policy, Queue

CODE = "E0403"


def uncovered(policy: Policy) -> tuple[Diagnostic, ...]:
    return tuple(_confined(queue) for queue in policy.queues if queue.cpus is not None)


def _confined(queue: Queue) -> Diagnostic:
    message = f"`{queue.name}`, a queue on a set of CPUs, is not compiled to C yet"
    note = "`schedc sim` and `schedc test` run it"
    return Diagnostic(CODE, message, Label(queue.span), notes=(note,))
