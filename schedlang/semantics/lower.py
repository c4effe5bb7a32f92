"""A syntax tree becomes a typed policy, or findings say, all at once, why not."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import final

from schedlang.diagnostics.model import Diagnostic, Severity
from schedlang.diagnostics.suggest import did_you_mean
from schedlang.ir import nodes as ir
from schedlang.ir.nodes import Type
from schedlang.semantics.claims import lower_goal
from schedlang.semantics.declarations import Declarations, sort_declarations
from schedlang.semantics.expressions import lower_as, lower_constant
from schedlang.semantics.library import load_libraries
from schedlang.semantics.members import lower_arguments, lower_order, lower_range, lower_task
from schedlang.semantics.preempting import lower_preempt
from schedlang.semantics.rules import check_rules
from schedlang.semantics.scope import Findings, Module, Scope, Template, spelling
from schedlang.semantics.serving import QueueNames, lower_guards, lower_tree
from schedlang.semantics.testing import lower_tests
from schedlang.semantics.types import read_type
from schedlang.source import Source, Sources, Span
from schedlang.syntax import ast

PARAM_TYPES = (Type.BOOL, Type.COUNT, Type.DURATION, Type.SHARE)
MAX_QUEUES = 64
_DOC = re.compile(r"\A(?:[ \t]*(?:#[^\n]*)?\n)*")


@final
@dataclass(frozen=True, slots=True)
class Lowered:
    """`policy` is None if there are errors among `findings`, whose spans are those of `sources`."""

    policy: ir.Policy | None
    findings: tuple[Diagnostic, ...]
    sources: Sources


def lower(tree: ast.File, source: Source) -> Lowered:
    """Resolve, type-check and inline the policy `tree`, which was parsed from `source`."""
    findings = Findings()
    end = Span(max(len(source.text.rstrip()) - 1, 0), len(source.text.rstrip()))
    name = _policy_name(tree, end, findings)
    declared = sort_declarations(tree, end, findings)
    libraries = load_libraries(declared.uses, source, findings)
    module, params = _module(declared, findings)
    templates = _templates(declared, libraries.orders, module, findings)
    scope = Scope("a policy", params, module, findings)
    states, handlers = lower_task(declared.tasks, scope)
    task_scope = replace(scope, task_states={s.name: (i, s) for i, s in enumerate(states)})
    queues = tuple(_queue(queue, templates, task_scope) for queue in declared.queues)
    names = QueueNames({q.name.name: i for i, q in enumerate(declared.queues)}, findings)
    route = declared.route and _route(declared.route, names, task_scope)
    serve = declared.serve and lower_tree(declared.serve.tree, names)
    guards = lower_guards(declared.guards, names, scope)
    preemptions = lower_preempt(declared.preempt, queues, names, scope)
    goals = tuple(lower_goal(goal, names, scope) for goal in declared.goals)
    accepts = _accepts(declared.accepts, names)
    tests = lower_tests(declared.tests, scope)
    rungs = declared.place.rungs if declared.place else ()
    known = tuple(queue for queue in queues if queue is not None)
    if route is None or serve is None or len(known) < len(queues) or _failed(findings):
        return Lowered(None, tuple(findings.items), libraries.sources)
    policy = ir.Policy(
        name,
        documentation(source.text),
        params,
        states,
        handlers,
        known,
        route,
        serve,
        guards,
        tuple(rung.rung for rung in rungs),
        tuple(goal for goal in goals if goal is not None),
        accepts,
        libraries.sources,
        tests,
        preemptions,
    )
    check_rules(policy, findings)
    return Lowered(None if _failed(findings) else policy, tuple(findings.items), libraries.sources)


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


# --- params and templates


def _module(declared: Declarations, findings: Findings) -> tuple[Module, tuple[ir.Param, ...]]:
    functions = {function.name.name: function for function in declared.functions}
    scope = Scope("a param", (), Module(functions=functions), findings)
    params = {param.name.name: _param(param, scope) for param in declared.params}
    findings.broken.update(name for name, param in params.items() if param is None)
    known = tuple(param for param in params.values() if param is not None)
    return Module({param.name: i for i, param in enumerate(known)}, functions), known


def _param(tree: ast.Param, scope: Scope) -> ir.Param | None:
    type_ = read_type(tree.type, PARAM_TYPES, scope.findings)
    if type_ is None:
        return None
    default = lower_constant(tree.default, type_, scope)
    if default is None:
        return None
    name = tree.name.name
    if tree.range is None:
        return ir.Param(name, type_, default, default, default, False, tree.span)
    bounds = lower_range(tree.range, type_, scope)
    if bounds is None:
        return None
    if not bounds.lo <= default <= bounds.hi:
        scope.findings.add("E0222", f"the default of `{name}` lies outside its range", tree.span)
        return None
    return ir.Param(name, type_, default, bounds.lo, bounds.hi, True, tree.span)


def _templates(
    declared: Declarations,
    used: dict[str, tuple[Template, ast.Ident]],
    module: Module,
    findings: Findings,
) -> dict[str, Template]:
    templates = {name: template for name, (template, _) in used.items()}
    for tree in declared.orders:
        name = tree.name
        if name.name in templates:
            findings.add("E0202", f"`{name.name}` is also brought in by `use`", name.span)
        templates[name.name] = Template(tree, module)
    return templates


# --- queues


def _queue(tree: ast.Queue, templates: dict[str, Template], scope: Scope) -> ir.Queue | None:
    clauses: dict[type[ast.Clause], ast.Clause] = {}
    for clause in tree.clauses:
        if type(clause) in clauses:
            message = f"queue `{tree.name.name}` says this twice"
            scope.findings.add("E0210", message, clause.span)
        clauses[type(clause)] = clause
    ordering, slice_ = clauses.get(ast.Ordering), clauses.get(ast.Slice)
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
    order = _order(ordering, templates, scope)
    here = replace(scope, place="a slice", attributes=True)
    value = lower_as(slice_.value, Type.DURATION, here)
    if order is None or value is None:
        return None
    return ir.Queue(tree.name.name, order, value, tree.span)


def _order(tree: ast.Ordering, templates: dict[str, Template], scope: Scope) -> ir.Order | None:
    name = tree.order.name
    if name == "fifo":
        if tree.arguments:
            scope.findings.add("E0209", "`fifo` takes no arguments", tree.span)
        return ir.Order("fifo", (), (), None, None, tree.span)
    template = templates.get(name)
    if template is None:
        repairs = spelling(did_you_mean(name, (*templates, "fifo")), tree.order.span)
        notes = ("library orders are brought in: `use std.orders.{vruntime}`",)
        message = f"there is no order `{name}`"
        scope.findings.add("E0201", message, tree.order.span, notes=notes, repairs=repairs)
        return None
    arguments = lower_arguments(tree, template, replace(scope, place="an argument"))
    return None if arguments is None else lower_order(template, arguments, scope)


def _route(tree: ast.Route, names: QueueNames, scope: Scope) -> ir.Route | None:
    here = replace(scope, place="a route rule", attributes=True, inputs=frozenset((ir.Input.NOW,)))
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
