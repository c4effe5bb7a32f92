"""Expressions and other parts of one line as text, with no more parentheses than they need."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from schedlang.ir.testing import Measure
from schedlang.syntax import ast

_BINDING = {"or": 1, "and": 2, "+": 5, "-": 5, "*": 6, "/": 6}
_IF, _NOT, _COMPARISON, _ATOM = 0, 3, 4, 7


def expression(expr: ast.Expr) -> str:
    return _bound(expr, _IF)


def limit(expr: ast.Expr) -> str:
    """The bound of a claim, which ends where `when` or the next claim begins."""
    return _bound(expr, _BINDING["+"])


def _bound(expr: ast.Expr, least: int) -> str:
    """`expr`, in parentheses if it binds less than `least`."""
    text, binding = _spelt(expr)
    return text if binding >= least else f"({text})"


def _spelt(expr: ast.Expr) -> tuple[str, int]:
    match expr:
        case ast.Integer(value=value):
            return str(value), _ATOM
        case ast.Duration(count=count, unit=unit):
            return f"{count}{unit}", _ATOM
        case ast.Percent(value=value):
            return f"{value}%", _ATOM
        case ast.Boolean(value=value):
            return ("true" if value else "false"), _ATOM
        case ast.NameUse(name=name):
            return name, _ATOM
        case ast.WakerOf(name=of):
            return f"waker.{of.name}", _ATOM
        case ast.Call(function=function, arguments=arguments):
            return f"{function.name}({', '.join(map(expression, arguments))})", _ATOM
        case ast.Binary():
            return _binary(expr)
        case ast.Negated(operand=operand):
            return f"not {_bound(operand, _NOT)}", _NOT
        case ast.IfThenElse(condition=condition, then=then, orelse=orelse):
            # `if` within `if` would be read right without parentheses, but not by people.
            parts = f"if {_bound(condition, 1)} then {_bound(then, 1)}"
            return f"{parts} else {expression(orelse)}", _IF
        case ast.Match(name=name, pattern=pattern):
            return f'{name.name} ~ "{pattern.value}"', _COMPARISON
        case ast.Under(path=path):
            return f'cgroup under "{path.value}"', _COMPARISON
        case _:
            assert_never(expr)


def _binary(expr: ast.Binary) -> tuple[str, int]:
    binding = _BINDING.get(expr.operator, _COMPARISON)
    left = _bound(expr.left, binding + (binding == _COMPARISON))
    return f"{left} {expr.operator} {_bound(expr.right, binding + 1)}", binding


def bounds(range_: ast.Range) -> str:
    return f"in {expression(range_.lo)}..{expression(range_.hi)}"


def formals(items: tuple[ast.Formal, ...]) -> str:
    return ", ".join(f"{formal.name.name} : {formal.type.name}" for formal in items)


def clause(item: ast.Clause) -> str:
    match item:
        case ast.Scope(scope=scope):
            return str(scope)
        case ast.Ordering(order=order, arguments=arguments):
            given = ", ".join(f"{a.name.name}: {expression(a.value)}" for a in arguments)
            return f"order {order.name}({given})" if given else f"order {order.name}"
        case ast.Slice(value=value):
            return f"slice {expression(value)}"
        case ast.Hint(frequency=frequency):
            return f"frequency {frequency}"
        case ast.Stealing(steal=steal):
            return str(steal)
        case ast.Confine(cpus=cpus):
            return f"on {cpus.name}"
        case ast.PlaceBy(ladder=ladder):
            return f"place {ladder.name}"
        case ast.Place(rungs=rungs):
            return f"place {{ {'  '.join(map(rung, rungs))} }}"
        case _:
            assert_never(item)


def rung(item: ast.Rung) -> str:
    return f"{item.kind} in {item.within.name}" if item.within else f"{item.kind}"


def names(items: Iterable[ast.Ident]) -> str:
    return ", ".join(item.name for item in items)


def tree(item: ast.Tree) -> str:
    """On one line, as an argument stands."""
    match item:
        case ast.Leaf(queue=queue):
            return queue.name
        case ast.Strict(children=children):
            return f"strict {{ {' '.join(map(tree, children))} }}"
        case ast.Weighted(shares=shares):
            parts = (f"{tree(share.child)}: {share.weight.value}" for share in shares)
            return f"weighted {{ {'  '.join(parts)} }}"
        case ast.Apply(template=template, arguments=arguments):
            return f"{template.name}({', '.join(map(tree, arguments))})"
        case _:
            assert_never(item)


def premises(items: tuple[ast.Premise, ...]) -> str:
    return f"when {' and '.join(map(_premise, items))}"


def _premise(item: ast.Premise) -> str:
    subject = f"{item.kind}({item.queue.name})" if item.queue else f"{item.kind}"
    return f"{subject} <= {expression(item.limit)}" if item.limit else subject


def machine(item: ast.Machine) -> str:
    parts = [f"machine {item.cpus.value} cpus"]
    parts += [f"{item.llcs.value} llcs"] if item.llcs else []
    parts += [f"{item.nodes.value} nodes"] if item.nodes else []
    parts += [f"smt {item.smt.value}"] if item.smt else []
    return " ".join(parts)


def spawn(item: ast.Spawn) -> tuple[str, ...]:
    """The columns: how many of what, its name, the rest if there is any."""
    rest = [_trait(trait) for trait in item.traits]
    rest += [f"runs {expression(item.runs)}"] if item.runs else []
    rest += [f"every {expression(item.every)}"] if item.every else []
    head = (f"spawn {item.count.value} {item.shape}", f'as "{item.comm.value}"')
    return (*head, " ".join(rest)) if rest else head


def _trait(item: ast.Trait) -> str:
    match item:
        case ast.Process(name=name):
            return f'process "{name.value}"'
        case ast.InCgroup(path=path):
            return f'in "{path.value}"'
        case ast.Niceness(level=level):
            return f"nice {level.value}"
        case ast.OnCpus(cpus=cpus):
            return f"on {cpu_list(cpus)}"
        case ast.Later(delay=delay):
            return f"after {expression(delay)}"
        case _:
            assert_never(item)


def cpu_list(items: Iterable[ast.Cpus]) -> str:
    return ", ".join(map(_cpus, items))


def _cpus(item: ast.Cpus) -> str:
    first, last = item.first.value, item.last.value
    return f"{first}" if first == last else f"{first}-{last}"


def expect(item: ast.Expect) -> str:
    statistic = (f"{item.statistic}",) if item.statistic else ()
    subject = (f'"{item.subject.value}"',) if item.subject else ()
    limit = f'"{item.limit.value}"' if isinstance(item.limit, ast.Text) else expression(item.limit)
    if item.measure is Measure.BEFORE:
        words = (*subject, "before", limit)
    else:
        words = (*statistic, f"{item.measure}", *subject, f"{item.relation}", limit)
    return " ".join(("expect", *words))
