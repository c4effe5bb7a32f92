"""Claims and their conditions: the queues they name, the bound, and what may be assumed for which.

A condition that could make no difference to its claim is an error: a reader would take it for
one that limits what is promised.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from schedlang.ir import nodes as ir
from schedlang.ir.nodes import Property, Type
from schedlang.semantics.expressions import lower_as
from schedlang.semantics.scope import Scope
from schedlang.semantics.serving import QueueNames
from schedlang.syntax import ast
from schedlang.syntax.ast import PremiseKind

_BOUNDS: Final = {
    Property.WAIT: Type.DURATION,
    Property.SHARE: Type.SHARE,
    Property.FAIR: Type.DURATION,
}
_MACHINE: Final = (PremiseKind.UNRESTRICTED, PremiseKind.CPUS)
USABLE: Final = {
    Property.STARVATION_FREE: (PremiseKind.TICK,),
    Property.BOUNDED_PREEMPTION: (PremiseKind.TICK,),
    Property.NO_LOST_TASK: _MACHINE,
    Property.WORK_CONSERVING: _MACHINE,
    Property.WAIT: (PremiseKind.TASKS, PremiseKind.TICK, *_MACHINE),
    Property.SHARE: (PremiseKind.BACKLOGGED, PremiseKind.TICK, *_MACHINE),
    Property.FAIR: (PremiseKind.BACKLOGGED, PremiseKind.TASKS, PremiseKind.TICK, *_MACHINE),
}
"""The conditions that a claim can have."""


def lower_goal(tree: ast.Goal, names: QueueNames, scope: Scope) -> ir.Goal | None:
    queues = [names.index(name) for name in tree.queues]
    place = replace(scope, place="a guarantee")
    bound = None
    if tree.bound is not None:
        bound = lower_as(tree.bound, _BOUNDS[tree.property], place)
        if bound is None:
            return None
    _check_distinct(tree, scope)
    conditions = [_condition(premise, tree.property, names) for premise in tree.premises]
    known = tuple(queue for queue in queues if queue is not None)
    met = tuple(condition for condition in conditions if condition is not None)
    if len(known) < len(queues) or len(met) < len(conditions):
        return None
    return ir.Goal(tree.property, known, bound, met, tree.span)


def _check_distinct(tree: ast.Goal, scope: Scope) -> None:
    seen: set[str] = set()
    for queue in tree.queues:
        if queue.name in seen:
            message = f"`{queue.name}` is compared with itself"
            scope.findings.add("E0209", message, queue.span)
        seen.add(queue.name)


def _condition(premise: ast.Premise, of: ir.Property, names: QueueNames) -> ir.Condition | None:
    if premise.kind not in USABLE[of]:
        message = f"`{premise.kind}` makes no difference to `{of}`"
        usable = " or ".join(f"`{kind}`" for kind in USABLE[of])
        note = f"a condition of this claim is about {usable}"
        names.findings.add("E0225", message, premise.span, notes=(note,))
        return None
    queue = None if premise.queue is None else names.index(premise.queue)
    if premise.limit is not None and _value(premise.limit) < 1:
        message = "nothing meets this condition"
        names.findings.add("E0222", message, premise.span, "at least 1 is needed")
        return None
    match premise.kind, queue, premise.limit:
        case PremiseKind.UNRESTRICTED, _, _:
            return ir.Unrestricted(premise.span)
        case PremiseKind.TICK, _, ast.Duration() as limit:
            return ir.TickAtMost(limit.value_ns, premise.span)
        case PremiseKind.CPUS, _, ast.Integer(value=value):
            return ir.CpusAtMost(value, premise.span)
        case PremiseKind.TASKS, int() as index, ast.Integer(value=value):
            return ir.TasksAtMost(index, value, premise.span)
        case PremiseKind.BACKLOGGED, int() as index, _:
            return ir.Backlogged(index, premise.span)
        case _:
            return None


def _value(limit: ast.Integer | ast.Duration) -> int:
    return limit.value if isinstance(limit, ast.Integer) else limit.value_ns
