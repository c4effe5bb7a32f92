"""Terms of SMT-LIB: what the prover's models are written in.

A term is its text, its sort and the variables it reads, so that a query is printed as it is built
and the text that is recorded is the text that is decided (`solver`). Constants fold; nothing else
is rewritten.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import final


class Sort(StrEnum):
    INT = "Int"
    REAL = "Real"
    BOOL = "Bool"


Variables = frozenset[tuple[str, Sort]]


@final
@dataclass(frozen=True, slots=True)
class Term:
    """`literal` is the value of an integer constant. Arithmetic is between terms of one sort."""

    text: str
    sort: Sort
    variables: Variables = frozenset()
    literal: int | None = None

    def __add__(self, other: Term) -> Term:
        if self.literal is not None and other.literal is not None:
            return integer(self.literal + other.literal)
        if other.literal == 0:
            return self
        return other if self.literal == 0 else _apply("+", self.sort, self, other)

    def __sub__(self, other: Term) -> Term:
        if self.literal is not None and other.literal is not None:
            return integer(self.literal - other.literal)
        return self if other.literal == 0 else _apply("-", self.sort, self, other)

    def __mul__(self, other: Term) -> Term:
        if self.literal is not None and other.literal is not None:
            return integer(self.literal * other.literal)
        if other.literal == 1:
            return self
        return other if self.literal == 1 else _apply("*", self.sort, self, other)

    def __floordiv__(self, other: Term) -> Term:
        """Rounds down, for a positive divisor."""
        if self.literal is not None and other.literal:
            return integer(self.literal // other.literal)
        return self if other.literal == 1 else _apply("div", self.sort, self, other)

    def __lt__(self, other: Term) -> Term:
        return _apply("<", Sort.BOOL, self, other)

    def __le__(self, other: Term) -> Term:
        return _apply("<=", Sort.BOOL, self, other)

    def __gt__(self, other: Term) -> Term:
        return other < self

    def __ge__(self, other: Term) -> Term:
        return other <= self

    def equals(self, other: Term) -> Term:
        return _apply("=", Sort.BOOL, self, other)

    def implies(self, other: Term) -> Term:
        return any_of((negation(self), other))


def _apply(operator: str, sort: Sort, *operands: Term) -> Term:
    text = f"({operator} {' '.join(o.text for o in operands)})"
    return Term(text, sort, frozenset[tuple[str, Sort]]().union(*(o.variables for o in operands)))


TRUE = Term("true", Sort.BOOL)
FALSE = Term("false", Sort.BOOL)


def integer(value: int) -> Term:
    return Term(str(value) if value >= 0 else f"(- {-value})", Sort.INT, literal=value)


def real(value: Fraction | int) -> Term:
    fraction = Fraction(value)
    size = f"(/ {abs(fraction.numerator)}.0 {fraction.denominator}.0)"
    return Term(size if fraction >= 0 else f"(- {size})", Sort.REAL)


def boolean(value: bool) -> Term:
    return TRUE if value else FALSE


def variable(name: str, sort: Sort = Sort.INT) -> Term:
    return Term(name, sort, frozenset({(name, sort)}))


def negation(term: Term) -> Term:
    if term in (TRUE, FALSE):
        return FALSE if term == TRUE else TRUE
    return _apply("not", Sort.BOOL, term)


def all_of(terms: Iterable[Term]) -> Term:
    kept = [term for term in terms if term != TRUE]
    if FALSE in kept:
        return FALSE
    if len(kept) < 2:
        return kept[0] if kept else TRUE
    return _apply("and", Sort.BOOL, *kept)


def any_of(terms: Iterable[Term]) -> Term:
    kept = [term for term in terms if term != FALSE]
    if TRUE in kept:
        return TRUE
    if len(kept) < 2:
        return kept[0] if kept else FALSE
    return _apply("or", Sort.BOOL, *kept)


def when(condition: Term, then: Term, orelse: Term) -> Term:
    if condition in (TRUE, FALSE):
        return then if condition == TRUE else orelse
    return then if then == orelse else _apply("ite", then.sort, condition, then, orelse)


def least(left: Term, right: Term) -> Term:
    return when(left <= right, left, right)


def greatest(left: Term, right: Term) -> Term:
    return when(left >= right, left, right)


def total(terms: Sequence[Term], zero: Term) -> Term:
    result = zero
    for term in terms:
        result = result + term
    return result


def between(low: int, term: Term, high: int) -> Term:
    return all_of((integer(low) <= term, term <= integer(high)))


def script(assertions: Iterable[Term], *, preamble: str = "") -> str:
    """The SMT-LIB script that asserts them; variables are declared in the order of their names."""
    kept = tuple(assertions)
    declared = sorted(frozenset[tuple[str, Sort]]().union(*(term.variables for term in kept)))
    lines = [preamble] if preamble else []
    lines += [f"(declare-const {name} {sort})" for name, sort in declared]
    lines += [f"(assert {term.text})" for term in kept]
    return "\n".join(lines) + "\n"
