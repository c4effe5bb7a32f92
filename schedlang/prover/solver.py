"""The one place where Z3 is called: SMT-LIB text in, an answer and its effort out.

Every query is decided in a solver of its own, from its text alone, so its effort does not depend
on what was asked before, and anyone can ask another solver. Effort is bounded by Z3's `rlimit`,
never by time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import final

from schedlang.prover.terms import Term, all_of, negation, script
from schedlang.prover.verdict import Obligation, Premise, Reason, Unknown

Model = Mapping[str, int]


@final
@dataclass(frozen=True, slots=True)
class Effort:
    """How hard the solver tries: `rlimit` for each query, and the length of runs searched for."""

    rlimit: int = 3_000_000
    lasso_steps: int = 7


DEFAULT_EFFORT = Effort()


@final
@dataclass(frozen=True, slots=True)
class Decision:
    """`answer` is sat, unsat or unknown; `model` gives integer and bool (0, 1) variables if sat."""

    answer: str
    effort: int
    model: Model


@lru_cache(maxsize=8192)
def decide(smt2: str, rlimit: int) -> Decision:
    import z3  # type: ignore[import-untyped, unused-ignore] # it ships no types

    context = z3.Context()
    solver = z3.SimpleSolver(ctx=context)
    solver.set("rlimit", rlimit)
    solver.from_string(smt2)
    answer = str(solver.check())
    statistics = solver.statistics()
    spent = int(statistics.get_key_value("rlimit count"))
    model: dict[str, int] = {}
    if answer == "sat":
        found = solver.model()
        for declaration in found.decls():
            value = found[declaration]
            if z3.is_int_value(value):
                model[declaration.name()] = value.as_long()
            elif z3.is_true(value) or z3.is_false(value):
                model[declaration.name()] = int(z3.is_true(value))
    return Decision(answer, spent, MappingProxyType(model))


@final
@dataclass(slots=True)
class Ledger:
    """What was asked for one finding, in order."""

    effort: Effort
    obligations: list[Obligation] = field(default_factory=list)
    any_number: bool = False

    def of_roles(self) -> Ledger:
        """The same ledger, for lemmas in which three queues stand for any number (`roles`)."""
        return Ledger(self.effort, self.obligations, any_number=True)

    def prove(
        self, name: str, hypotheses: Sequence[Term], goals: Sequence[Term], *, preamble: str = ""
    ) -> Unknown | None:
        """Record and decide: the hypotheses imply every goal. None if so, else what is missing."""
        refutation = negation(all_of(goals))
        smt2 = script((*hypotheses, refutation), preamble=preamble)
        supposed = script(hypotheses, preamble=preamble)
        decision = decide(smt2, self.effort.rlimit)
        # INVARIANT: an implication from nothing proves nothing.
        answer = decide(supposed, self.effort.rlimit).answer if decision.answer == "unsat" else ""
        premise = Premise(supposed, answer)
        self.obligations.append(
            Obligation(name, smt2, decision.answer, decision.effort, premise, self.any_number)
        )
        if decision.answer == "sat":
            return Unknown(Reason.INDUCTION_FAILED, f"not inductive: {name}")
        if decision.answer != "unsat":
            return Unknown(Reason.SOLVER_LIMIT, name)
        if premise.answer == "unsat":
            return Unknown(Reason.VACUOUS, name)
        return (
            None if premise.answer == "sat" else Unknown(Reason.SOLVER_LIMIT, f"vacuity of: {name}")
        )

    def find(self, constraints: Sequence[Term]) -> Model | None:
        """Values that satisfy all constraints; None if there are none, or none was found."""
        decision = decide(script(constraints), self.effort.rlimit)
        return decision.model if decision.answer == "sat" else None
