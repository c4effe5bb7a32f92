"""Whose turns end early for whom: what a turn is left when it starts, and when a task arrives."""

from __future__ import annotations

from collections.abc import Iterator

from schedlang.ir.nodes import Input, InputRef, Policy, Preempt, Scope
from schedlang_bpf.code import Code
from schedlang_bpf.expressions import c_expression
from schedlang_bpf.naming import Names
from schedlang_bpf.views import PreemptView, QueueCase
from schedlang_bpf.walk import expressions


def preempt_view(policy: Policy, names: Names) -> PreemptView:
    return PreemptView(tuple(_over(policy, names)), tuple(_by(policy, names)))


def reads_granted(policy: Policy) -> bool:
    """Whether a handler reads what a turn was granted, which a cut makes less."""
    parts = expressions(policy)
    return any(isinstance(part, InputRef) and part.input is Input.GRANTED for part in parts)


def _over(policy: Policy, names: Names) -> Iterator[QueueCase]:
    for queue, constant in enumerate(names.queue_ids):
        rules = [rule for rule in policy.preemptions if rule.over == queue]
        code = Code(policy.sources)
        for rule in rules:
            by = names.queue_ids[rule.by]
            dsq = by if policy.queues[rule.by].scope is Scope.GLOBAL else f"dsq_here({by}, cpu)"
            waits = f"first_key({dsq}, cpu, &head)"
            earlier = " && point_before(head, t->turn.key)" if rule.earlier else ""
            code.at(rule.span, f"\t\tif ({waits}{earlier})")
            code.at(rule.span, f"\t\t\tturn_lasts(&t->turn, {_left(rule, names)});")
        if rules:
            code.own("\t\tbreak;")
            yield QueueCase(constant, code.lines())


def _by(policy: Policy, names: Names) -> Iterator[QueueCase]:
    for queue, constant in enumerate(names.queue_ids):
        rules = [rule for rule in policy.preemptions if rule.by == queue]
        code = Code(policy.sources)
        for rule in rules[:-1]:
            code.at(rule.span, f"\t\tif ({_cut(rule, names)})")
            code.at(rule.span, "\t\t\tbreak;")
        for rule in rules[-1:]:
            code.at(rule.span, f"\t\t{_cut(rule, names)};")
        if rules:
            code.own("\t\tbreak;")
            yield QueueCase(constant, code.lines())


def _cut(rule: Preempt, names: Names) -> str:
    given = f"p, {names.queue_ids[rule.over]}, {_left(rule, names)}, now"
    return f"cut_later({given}, t->turn.key)" if rule.earlier else f"cut_any({given})"


def _left(rule: Preempt, names: Names) -> str:
    return c_expression(rule.after, names.task_scope())
