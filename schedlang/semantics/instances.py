"""What a policy says of the instances of its queues: whether stealing reaches any, and has to."""

from __future__ import annotations

from schedlang.diagnostics.model import Edit, Label, Repair
from schedlang.ir import nodes as ir
from schedlang.ir.nodes import CpusAtMost, Property, Scope, Steal
from schedlang.semantics.scope import Findings
from schedlang.source import Span


def check_instances(policy: ir.Policy, findings: Findings) -> None:
    for queue in policy.queues:
        if queue.steal is not None and not queue.is_reachable:
            _report_unreachable(queue, findings)
    for goal in policy.goals:
        if goal.property is Property.WORK_CONSERVING and not _is_of_one_cpu(goal):
            _check_conserving(goal, policy, findings)


def _report_unreachable(queue: ir.Queue, findings: Findings) -> None:
    if queue.scope is Scope.GLOBAL:
        message = f"`{queue.name}` is `global`: there is no other instance to steal from"
        note = "leave `steal` out, or write `per llc`"
    else:
        message = f"`{queue.name}` has one instance a node: there is no other on the same one"
        note = "write `steal`, which takes from other nodes, too"
    findings.add("E0232", message, queue.span, notes=(note,))


def _is_of_one_cpu(goal: ir.Goal) -> bool:
    return any(isinstance(c, CpusAtMost) and c.count == 1 for c in goal.conditions)


def _check_conserving(goal: ir.Goal, policy: ir.Policy, findings: Findings) -> None:
    """A CPU that may not take what waits in another instance goes idle beside it."""
    for queue in policy.queues:
        if queue.scope is Scope.GLOBAL or queue.steal is Steal.ANY:
            continue
        message = f"`work_conserving` is claimed, and `{queue.name}` does not steal from all"
        label = Label(queue.span, "a CPU that is idle leaves other instances alone")
        repairs = () if queue.steal is not None else (_stealing(queue),)
        notes = ("write `steal` in the queue",) if not repairs else ()
        findings.add("E0233", message, goal.span, secondary=(label,), notes=notes, repairs=repairs)


def _stealing(queue: ir.Queue) -> Repair:
    """Before the brace that ends the queue."""
    at = queue.span.end - 1
    place = Span(at, at, queue.span.file)
    return Repair("let the queue steal", (Edit(place, " steal "),))
