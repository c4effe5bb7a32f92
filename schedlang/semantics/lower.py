"""A syntax tree becomes a typed policy, or findings say, all at once, why not."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import count
from typing import final

from schedlang.diagnostics.model import Diagnostic, Severity
from schedlang.diagnostics.suggest import did_you_mean
from schedlang.ir import nodes as ir
from schedlang.ir.nodes import Type
from schedlang.semantics.claims import lower_goal
from schedlang.semantics.cpusets import CpuSets
from schedlang.semantics.declarations import Declarations, sort_declarations
from schedlang.semantics.expressions import lower_as
from schedlang.semantics.instances import check_instances
from schedlang.semantics.library import Brought, Reader, Shelf
from schedlang.semantics.members import (
    QUEUE_INPUTS,
    lower_arguments,
    lower_order,
    lower_statistic,
    lower_task,
)
from schedlang.semantics.module import Module, own_declarations
from schedlang.semantics.params import lower_param
from schedlang.semantics.placement import lower_ladder
from schedlang.semantics.preempting import lower_preempt
from schedlang.semantics.remembered import Remembered, statistics_source
from schedlang.semantics.rules import check_rules
from schedlang.semantics.scope import Findings, Scope, spelling
from schedlang.semantics.serving import QueueNames, lower_guards, lower_tree
from schedlang.semantics.standard import STANDARD
from schedlang.semantics.templates import expand_tree
from schedlang.semantics.testing import lower_tests
from schedlang.source import Source, Sources, Span
from schedlang.syntax import ast

MAX_QUEUES = 64
_DOC = re.compile(r"\A(?:[ \t]*(?:#[^\n]*)?\n)*")


@final
@dataclass(frozen=True, slots=True)
class Lowered:
    """`policy` is None if there are errors among `findings`, whose spans are those of `sources`."""

    policy: ir.Policy | None
    findings: tuple[Diagnostic, ...]
    sources: Sources


def lower(tree: ast.File, source: Source, shelf: Shelf = STANDARD) -> Lowered:
    """Resolve, type-check and inline the policy `tree`, which was parsed from `source`.

    Libraries come from `shelf`.
    """
    findings = Findings()
    end = Span(max(len(source.text.rstrip()) - 1, 0), len(source.text.rstrip()))
    name = _policy_name(tree, end, findings)
    declared = sort_declarations(tree, end, findings)
    reader = Reader(source, shelf, findings)
    module, params = _module(tree, declared.params, reader.bring(declared.uses), findings)
    remembered = _remembered(declared, reader, findings)
    scope = Scope("a policy", params, module, findings, remembered=remembered)
    states, handlers = lower_task(declared.tasks, scope)
    task_scope = replace(scope, task_states={s.name: (i, s) for i, s in enumerate(states)})
    sets = CpuSets(declared.cpusets, findings)
    queues = tuple(_queue(queue, task_scope, sets) for queue in declared.queues)
    names = QueueNames({q.name.name: i for i, q in enumerate(declared.queues)}, findings)
    route = declared.route and _route(declared.route, names, task_scope)
    numbers = count()
    serves_on = tuple(
        ir.Serve(sets.index(on.cpus), served)
        for on in declared.serves_on
        if on.cpus and (served := _serve(on, module, names, numbers)) is not None
    )
    serve = declared.serve and _serve(declared.serve, module, names, numbers)
    guards = lower_guards(declared.guards, names, scope)
    preemptions = lower_preempt(declared.preempt, queues, names, scope)
    goals = tuple(lower_goal(goal, names, scope) for goal in declared.goals)
    accepts = _accepts(declared.accepts, names)
    tests = lower_tests(declared.tests, scope)
    rungs = lower_ladder(declared.place, module, sets, findings) if declared.place else ()
    known = tuple(queue for queue in queues if queue is not None)
    sources = reader.sources
    if remembered.has_statistics:
        sources = (*sources, statistics_source())
    if route is None or serve is None or len(known) < len(queues) or _failed(findings):
        return Lowered(None, tuple(findings.items), sources)
    policy = ir.Policy(
        name,
        documentation(source.text),
        params,
        (*states, *remembered.states),
        (*remembered.handlers, *handlers),
        known,
        route,
        serve,
        guards,
        rungs,
        tuple(goal for goal in goals if goal is not None),
        accepts,
        sources,
        tests,
        preemptions,
        tuple(remembered.snapshots),
        sets.all,
        serves_on,
    )
    check_rules(policy, findings)
    check_instances(policy, findings)
    return Lowered(None if _failed(findings) else policy, tuple(findings.items), sources)


def _remembered(declared: Declarations, reader: Reader, findings: Findings) -> Remembered:
    members = (member for task in declared.tasks for member in task.members)
    own = sum(isinstance(member, ast.State) for member in members)

    def lower_block(task: ast.Task, remembered: Remembered) -> None:
        lower_statistic(task, remembered, findings)

    return Remembered(own, len(reader.sources), lower_block)


def _failed(findings: Findings) -> bool:
    return any(finding.severity is Severity.ERROR for finding in findings.items)


def _policy_name(tree: ast.File, end: Span, findings: Findings) -> str:
    if tree.header is None:
        findings.add(
            "E0210", "the file does not begin with `policy NAME`", Span(0, min(1, end.end))
        )
        return ""
    if tree.header.kind is ast.FileKind.LIBRARY:
        message = "this is a library: it can be used by a policy, not compiled"
        findings.add("E0210", message, tree.header.span)
    return tree.header.name.name


def documentation(text: str) -> str:
    """The text of the `##` lines that stand before anything else."""
    head = _DOC.match(text)
    lines = head.group().splitlines() if head else []
    docs = (line.strip() for line in lines)
    return "\n".join(line[2:].strip() for line in docs if line.startswith("##"))


def _module(
    tree: ast.File, params: tuple[ast.Param, ...], brought: Brought, findings: Findings
) -> tuple[Module, tuple[ir.Param, ...]]:
    own = own_declarations(tree)
    scope = Scope("a param", (), Module(own=own), findings)
    lowered = {param.name.name: lower_param(param, scope) for param in params}
    findings.broken.update(name for name, param in lowered.items() if param is None)
    known = tuple(param for param in lowered.values() if param is not None)
    numbers = {param.name: number for number, param in enumerate(known)}
    return Module(numbers, brought.constants, own, brought.definitions), known


# --- queues


def _queue(tree: ast.Queue, scope: Scope, sets: CpuSets) -> ir.Queue | None:
    clauses: dict[type[ast.Clause], ast.Clause] = {}
    for clause in tree.clauses:
        if type(clause) in clauses:
            message = f"queue `{tree.name.name}` says this twice"
            scope.findings.add("E0210", message, clause.span)
        clauses[type(clause)] = clause
    ordering, slice_ = clauses.get(ast.Ordering), clauses.get(ast.Slice)
    unit, stealing = clauses.get(ast.Scope), clauses.get(ast.Stealing)
    for kind, form in (
        (ast.Scope, "global"),
        (ast.Ordering, "order fifo"),
        (ast.Slice, "slice 4ms"),
    ):
        if kind not in clauses:
            message = f"queue `{tree.name.name}` does not say `{form.split()[0]}`"
            scope.findings.add("E0210", message, tree.name.span, notes=(f"write `{form}`",))
    if not isinstance(ordering, ast.Ordering) or not isinstance(slice_, ast.Slice):
        return None
    order = _order(ordering, scope)
    inputs = QUEUE_INPUTS | {ir.Input.WOKEN}
    here = replace(scope, place="a slice", attributes=True, inputs=inputs)
    value = lower_as(slice_.value, Type.DURATION, here)
    if order is None or value is None:
        return None
    reach = unit.scope if isinstance(unit, ast.Scope) else ir.Scope.GLOBAL
    steal = stealing.steal if isinstance(stealing, ast.Stealing) else None
    places = [c for c in tree.clauses if isinstance(c, ast.Place | ast.PlaceBy)]
    ladder = lower_ladder(places[0], scope.module, sets, scope.findings) if places else None
    confine, hint = clauses.get(ast.Confine), clauses.get(ast.Hint)
    cpus = sets.index(confine.cpus) if isinstance(confine, ast.Confine) else None
    speed = hint.frequency if isinstance(hint, ast.Hint) else None
    return ir.Queue(tree.name.name, order, value, tree.span, reach, steal, ladder, cpus, speed)


def _order(tree: ast.Ordering, scope: Scope) -> ir.Order | None:
    name = tree.order.name
    if name == "fifo":
        if tree.arguments:
            scope.findings.add("E0209", "`fifo` takes no arguments", tree.span)
        return ir.Order("fifo", (), (), None, None, tree.span)
    template = scope.module.find(name, ast.Order)
    if template is None and name in scope.findings.broken:
        return None
    if template is None:
        known = (*scope.module.names(ast.Order), "fifo")
        repairs = spelling(did_you_mean(name, known), tree.order.span)
        notes = ("library orders are brought in: `use std.orders.{vruntime}`",)
        message = f"there is no order `{name}`"
        scope.findings.add("E0201", message, tree.order.span, notes=notes, repairs=repairs)
        return None
    arguments = lower_arguments(tree, template, replace(scope, place="an argument"))
    if arguments is None:
        return None
    with scope.findings.used_at(tree.span):
        return lower_order(template, arguments, scope)


def _route(tree: ast.Route, names: QueueNames, scope: Scope) -> ir.Route | None:
    inputs = frozenset((ir.Input.NOW, ir.Input.WOKEN))
    here = replace(scope, place="a route rule", attributes=True, inputs=inputs)
    rules = []
    for rule in tree.rules:
        condition = lower_as(rule.condition, Type.BOOL, here)
        queue = names.index(rule.queue)
        if condition is not None and queue is not None:
            rules.append(ir.Rule(condition, queue, rule.span))
    if tree.otherwise is None:
        note = "end it with `else -> QUEUE`"
        scope.findings.add("E0210", "the route has no `else`", tree.span, notes=(note,))
        return None
    otherwise = names.index(tree.otherwise)
    return None if otherwise is None else ir.Route(tuple(rules), otherwise, tree.span)


def _serve(
    serve: ast.Serve, module: Module, names: QueueNames, numbers: count[int]
) -> ir.Tree | None:
    tree = expand_tree(serve.tree, module, names.findings)
    return None if tree is None else lower_tree(tree, names, serve.tree.span, numbers)


def _accepts(trees: tuple[ast.Accept, ...], names: QueueNames) -> tuple[ir.Accept, ...]:
    accepts: dict[int, ir.Accept] = {}
    for tree in trees:
        queue = names.index(tree.queue)
        if queue is None:
            continue
        if not tree.reason.value.strip():
            names.findings.add("E0210", "the reason is empty", tree.reason.span)
        if queue in accepts:
            names.findings.add("E0202", f"`{tree.queue.name}` is accepted twice", tree.span)
        accepts[queue] = ir.Accept(queue, tree.reason.value, tree.span)
    return tuple(accepts.values())
