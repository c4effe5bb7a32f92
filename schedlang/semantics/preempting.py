"""Which queues may cut short the turns of which: the rules of `preempt`."""

from __future__ import annotations

from dataclasses import replace

from schedlang.diagnostics.model import Label
from schedlang.ir import nodes as ir
from schedlang.ir.nodes import Type
from schedlang.semantics.expressions import lower_as
from schedlang.semantics.scope import Scope
from schedlang.semantics.serving import QueueNames
from schedlang.syntax import ast


def lower_preempt(
    tree: ast.Preempt | None, queues: tuple[ir.Queue | None, ...], names: QueueNames, scope: Scope
) -> tuple[ir.Preempt, ...]:
    """The rules in the order of the text. A queue is None if it was reported."""
    rules: dict[tuple[int, int, bool], ir.Preempt] = {}
    for cut in tree.cuts if tree else ():
        rule = _rule(cut, names, replace(scope, place="a preemption rule"))
        if rule is None:
            continue
        first = rules.setdefault((rule.by, rule.over, rule.earlier), rule)
        if first is not rule:
            label = Label(first.span, "the first is here")
            message = f"`{cut.by.name}` over `{cut.over.name}` is said twice"
            scope.findings.add("E0229", message, cut.span, secondary=(label,))
        _check_keys(cut, rule, queues, scope)
    return tuple(rules.values())


def _rule(cut: ast.Cut, names: QueueNames, scope: Scope) -> ir.Preempt | None:
    by, over = names.index(cut.by), names.index(cut.over)
    after = lower_as(cut.delay, Type.DURATION, scope)
    if by is None or over is None or after is None or after.range is None:
        return None
    if after.range.lo < ir.MIN_PREEMPT_DELAY_NS:
        label = f"at least {after.range.lo} ns"
        note = "every turn gets on by as much, however often it is cut short"
        message = "a turn can be cut short after 1us at the earliest"
        scope.findings.add("E0229", message, cut.delay.span, label, notes=(note,))
    return ir.Preempt(by, over, cut.is_earlier, after, cut.span)


def _check_keys(
    cut: ast.Cut, rule: ir.Preempt, queues: tuple[ir.Queue | None, ...], scope: Scope
) -> None:
    by, over = queues[rule.by], queues[rule.over]
    if not rule.earlier or by is None or over is None:
        return
    for name, queue in ((cut.by, by), (cut.over, over)):
        if queue.order.key is None:
            message = f"`{name.name}` has no keys, of which one could be earlier"
            scope.findings.add("E0229", message, cut.span, notes=("leave out `earlier`",))
            return
    types = {queue.order.key.type for queue in (by, over) if queue.order.key is not None}
    if rule.by != rule.over and types != {Type.TIME}:
        note = "each queue has a virtual time of its own: leave out `earlier`"
        message = f"the keys of `{cut.by.name}` and `{cut.over.name}` cannot be compared"
        scope.findings.add("E0229", message, cut.span, notes=(note,))
