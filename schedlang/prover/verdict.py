"""What the prover says. `docs/guarantees.md` gives each property's exact statement."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import final

from schedlang.diagnostics.model import Repair
from schedlang.ir.nodes import Property
from schedlang.machine.scenario import Delay, Run
from schedlang.source import Span


@final
@dataclass(frozen=True, slots=True)
class Bound:
    """How long at most. `formula` is for the reader; `value_ns` is its value in the case `case`."""

    formula: str
    value_ns: int
    case: str


@final
@dataclass(frozen=True, slots=True)
class Proved:
    """The solver said unsat to every obligation, and sat to the hypotheses of each.

    `rests_on` are the policy's lines that the proof uses. `attained` is the run that comes nearest
    to the bound of those that were tried, and was replayed.
    """

    bound: Bound | None
    assumptions: tuple[str, ...]
    rests_on: tuple[Span, ...]
    attained: Delay | None = None


@final
@dataclass(frozen=True, slots=True)
class Refuted:
    """`run` was replayed by the reference interpreter before this was built."""

    run: Run
    why: str
    repair: Repair | None


class Reason(StrEnum):
    NO_RULE = "no proof rule covers this construct yet"
    NO_BOUND = "there is no uniform bound"
    INDUCTION_FAILED = "induction failed and no run that breaks it was found"
    SOLVER_LIMIT = "the solver gave up at its resource limit"
    VACUOUS = "the hypotheses cannot all hold"


@final
@dataclass(frozen=True, slots=True)
class Unknown:
    reason: Reason
    detail: str


Verdict = Proved | Refuted | Unknown


@final
@dataclass(frozen=True, slots=True)
class Premise:
    """The hypotheses of a query alone. They have to be sat; `answer` is "" if that was not asked,
    because the query itself was not unsat.
    """

    smt2: str
    answer: str


@final
@dataclass(frozen=True, slots=True)
class Obligation:
    """One solver query, as SMT-LIB text: the property needs it to be unsat.

    `effort` is what z3 counted as `rlimit`, the same on every machine. `any_number`: its three
    queues stand for any number.
    """

    name: str
    smt2: str
    answer: str
    effort: int
    premise: Premise
    any_number: bool = False


@final
@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict on one property, of one queue where the property is a queue's.

    `claimed` is where the policy claims it (None: checked because every policy is); `accepted` is
    the policy's own reason for living without it.
    """

    property: Property
    queue: int | None
    verdict: Verdict
    obligations: tuple[Obligation, ...]
    claimed: Span | None
    accepted: str | None


@final
@dataclass(frozen=True, slots=True)
class ProofReport:
    findings: tuple[Finding, ...]
