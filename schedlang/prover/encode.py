"""The typed policy's expressions and handlers as terms over the mathematical integers.

A `Moment` is one evaluation under the adversary: attributes, patterns and inputs are variables in
their ranges, and every read of a param is a new variable, because a param may change at any time.
`tests/prover/test_encode.py` holds this against the interpreter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import assert_never, final

from schedlang.ir import nodes as ir
from schedlang.prover.terms import (
    TRUE,
    Sort,
    Term,
    all_of,
    any_of,
    between,
    boolean,
    greatest,
    integer,
    least,
    negation,
    variable,
    when,
)

LONGEST_TEXT = 200


@final
@dataclass(slots=True)
class Moment:
    """Where expressions get their terms from; `constraints` are what is known of the new variables.

    `prefix` keeps the variables of two moments apart. `fixed_params` are the values of the params
    in one concrete run; None lets each read differ. `weight` is the task's, None any. `blurs` takes
    what is hard for the solver, a product or a quotient of two unknowns, for any value of its
    interval (which `arithmetic` proves): never less than what can happen.
    """

    prefix: str
    params: tuple[ir.Param, ...]
    task_states: Sequence[Term] = ()
    order_states: Sequence[Term] = ()
    inputs: Mapping[ir.Input, Term] = field(default_factory=dict)
    weight: Term | None = None
    fixed_params: tuple[int, ...] | None = None
    constraints: list[Term] = field(default_factory=list)
    blurs: bool = False
    _named: dict[str, Term] = field(default_factory=dict)
    _reads: int = 0

    def param(self, index: int) -> Term:
        param = self.params[index]
        is_bool = param.type is ir.Type.BOOL
        if self.fixed_params is not None or param.lo == param.hi:
            value = param.lo if self.fixed_params is None else self.fixed_params[index]
            return boolean(bool(value)) if is_bool else integer(value)
        self._reads += 1
        name = f"{self.prefix}{param.name}_{self._reads}"
        return self.named(name, None if is_bool else ir.Interval(param.lo, param.hi))

    def attribute(self, attribute: ir.Attribute) -> Term:
        match attribute:
            case ir.Attribute.WEIGHT if self.weight is not None:
                return self.weight
            case _:
                type_, interval = ir.ATTRIBUTE_TYPES[attribute]
                is_bool = type_ is ir.Type.BOOL
                return self.named(f"{self.prefix}{attribute}", None if is_bool else interval)

    def given(self, given: ir.Input) -> Term:
        """What others may change at any time has another value each time it is read."""
        if given in self.inputs:
            return self.inputs[given]
        assert given in (ir.Input.LENGTH, ir.Input.CPUS)
        self._reads += 1
        return self.named(f"{self.prefix}{given}_{self._reads}", ir.INPUT_TYPES[given][1])

    def named(self, name: str, interval: ir.Interval | None) -> Term:
        """The variable of that name: an integer of the interval, a bool without one."""
        if name not in self._named:
            term = variable(name, Sort.BOOL if interval is None else Sort.INT)
            self._named[name] = term
            if interval is not None:
                self.constraints.append(between(interval.lo, term, interval.hi))
        return self._named[name]

    def anything(self, interval: ir.Interval) -> Term:
        """Any value of the interval."""
        return self.named(f"{self.prefix}any{len(self._named)}", interval)

    def defined(self, term: Term) -> Term:
        """`term` under a name of its own if it is long, so that no text grows exponentially."""
        if len(term.text) < LONGEST_TEXT:
            return term
        name = f"{self.prefix}let{len(self._named)}"
        self._named[name] = variable(name, term.sort)
        self.constraints.append(self._named[name].equals(term))
        return self._named[name]

    def text_test(self, key: str) -> Term:
        """Whether a name or a cgroup is as asked; the same question has the same answer."""
        question = variable(f"{self.prefix}t{len(self._named)}", Sort.BOOL)
        return self._named.setdefault(key, question)


def encode(expr: ir.Expr, at: Moment) -> Term:
    match expr:
        case ir.Const(type=kind, value=value):
            return boolean(bool(value)) if kind is ir.Type.BOOL else integer(value)
        case ir.ParamRef(index=index):
            return at.param(index)
        case ir.StateRef(owner=owner, index=index):
            return at.task_states[index] if owner is ir.Owner.TASK else at.order_states[index]
        case ir.AttributeRef(attribute=attribute):
            return at.attribute(attribute)
        case ir.InputRef(input=machine_input):
            return at.given(machine_input)
        case ir.Match(name=name, kind=kind, text=text):
            return at.text_test(f"{name} {kind} {text}")
        case ir.CgroupUnder(path=path):
            return at.text_test(f"cgroup {path}")
        case ir.Arith() | ir.Compare() | ir.Logic() | ir.If() | ir.Not() | ir.Log2():
            return _encode_operation(expr, at)
        case _:
            assert_never(expr)


def _encode_operation(
    expr: ir.Arith | ir.Compare | ir.Logic | ir.If | ir.Not | ir.Log2, at: Moment
) -> Term:
    match expr:
        case ir.Arith(op=op):
            if at.blurs and expr.range is not None and is_hard(expr):
                return at.anything(expr.range)
            return at.defined(arith_term(op, encode(expr.left, at), encode(expr.right, at)))
        case ir.Compare(op=relation):
            return _compare(relation, encode(expr.left, at), encode(expr.right, at))
        case ir.Logic(op=logic):
            operands = (encode(expr.left, at), encode(expr.right, at))
            return all_of(operands) if logic is ir.LogicOp.AND else any_of(operands)
        case ir.Not(operand=operand):
            return negation(encode(operand, at))
        case ir.If():
            condition = encode(expr.condition, at)
            return when(condition, encode(expr.then, at), encode(expr.orelse, at))
        case ir.Log2(operand=operand):
            return log2_term(encode(operand, at), operand.range)
        case _:
            assert_never(expr)


def is_hard(expr: ir.Arith) -> bool:
    """Whether it is a product or a quotient of two unknowns."""
    known = [part.range is not None and part.range.is_single for part in (expr.left, expr.right)]
    match expr.op:
        case ir.ArithOp.MUL:
            return not any(known)
        case ir.ArithOp.DIV:
            return not known[1]
        case _:
            return False


def arith_term(op: ir.ArithOp, left: Term, right: Term) -> Term:
    match op:
        case ir.ArithOp.ADD:
            return left + right
        case ir.ArithOp.SUB:
            return left - right
        case ir.ArithOp.MUL:
            return left * right
        case ir.ArithOp.DIV:
            return left // right  # INVARIANT: left >= 0 and right >= 1, so this truncates
        case ir.ArithOp.MIN:
            return least(left, right)
        case ir.ArithOp.MAX:
            return greatest(left, right)
        case _:
            assert_never(op)


def _compare(relation: ir.CompareOp, left: Term, right: Term) -> Term:
    match relation:
        case ir.CompareOp.LT:
            return left < right
        case ir.CompareOp.LE:
            return left <= right
        case ir.CompareOp.GT:
            return left > right
        case ir.CompareOp.GE:
            return left >= right
        case ir.CompareOp.EQ:
            return left.equals(right)
        case ir.CompareOp.NE:
            return negation(left.equals(right))
        case _:
            assert_never(relation)


def log2_term(operand: Term, interval: ir.Interval | None) -> Term:
    highest = 62 if interval is None else max(interval.hi, 1).bit_length() - 1
    result = integer(0)
    for power in range(1, highest + 1):
        result = when(operand >= integer(2**power), integer(power), result)
    return result


def saturate(term: Term, state: ir.State) -> Term:
    if state.range is None or state.type is ir.Type.BOOL:
        return term
    if term.literal is not None:
        return integer(min(max(term.literal, state.range.lo), state.range.hi))
    return least(greatest(term, integer(state.range.lo)), integer(state.range.hi))


def free_state(state: ir.State, name: str) -> tuple[Term, Term]:
    """Any value the state can have: a variable, and what is known of it."""
    if state.type is ir.Type.BOOL:
        return variable(name, Sort.BOOL), TRUE
    term = variable(name)
    if state.range is None:
        return term, TRUE
    return term, between(state.range.lo, term, state.range.hi)


def run_handlers(
    handlers: Sequence[ir.Handler],
    states: Sequence[ir.State],
    event: ir.Event,
    at: Moment,
    owner: ir.Owner = ir.Owner.ORDER,
) -> None:
    """What the owner's handlers of `event` do, one after the other, to its states in `at`."""
    for handler in handlers:
        if handler.event is event:
            asked = TRUE if handler.condition is None else encode(handler.condition, at)
            condition = at.defined(asked)
            for assign in handler.assigns:
                _assign(assign, states[assign.index], condition, at, owner)


def _assign(
    assign: ir.Assign, state: ir.State, condition: Term, at: Moment, owner: ir.Owner
) -> None:
    values = list(at.order_states if owner is ir.Owner.ORDER else at.task_states)
    value = saturate(at.defined(encode(assign.value, at)), state)
    values[assign.index] = at.defined(when(condition, value, values[assign.index]))
    if owner is ir.Owner.ORDER:
        at.order_states = values
    else:
        at.task_states = values
