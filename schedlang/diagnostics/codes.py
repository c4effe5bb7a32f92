"""The registry of diagnostic codes: one entry per code, and a code never changes its meaning.

Every code that any part of the compiler uses is here (a test reads the sources), has an explain
page in `explain/`, and is listed in `docs/errors`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, final


class Phase(StrEnum):
    """The part of the compiler that speaks. Its value names it to the reader."""

    INPUT = "reading the policy"
    SYNTAX = "syntax"
    TYPES = "names and types"
    PROOF = "proofs"
    BACKEND = "C compiler and object"
    KERNEL = "kernel"
    ENVIRONMENT = "environment"
    WORKLOAD = "workloads"
    TESTS = "tests of policies"
    INTERNAL = "our own bugs"
    COMPARISON = "comparisons"
    CONFORMANCE = "conformance"
    IMPORT = "imports"


@final
@dataclass(frozen=True, slots=True)
class Code:
    """`title` states the finding in general, without the names that a message fills in."""

    code: str
    title: str
    phase: Phase


_ENTRIES: Final = (
    (
        Phase.INPUT,
        {
            "E0001": "the file is missing or cannot be read",
            "E0002": "the file is not UTF-8 text",
            "E0003": "the file is too large",
        },
    ),
    (
        Phase.SYNTAX,
        {
            "E0101": "the text does not follow the grammar here",
            "E0102": "a construct that is reserved for a later version",
            "E0103": "the text ends too early",
            "E0104": "a character that no policy contains",
            "E0105": "nested too deep",
            "E0106": "a number is too large",
        },
    ),
    (
        Phase.TYPES,
        {
            "E0201": "unknown name",
            "E0202": "a name is defined twice",
            "E0203": "wrong type",
            "E0204": "a value can leave its range",
            "E0205": "a divisor can be zero",
            "E0206": "a numerator can be negative",
            "E0207": "points are not numbers",
            "E0208": "a name cannot be used here",
            "E0209": "wrong arguments",
            "E0210": "a declaration is missing or there twice",
            "E0211": "the tree does not name every queue exactly once",
            "E0212": "a guard cannot hold",
            "E0213": "a slice is out of range",
            "E0214": "a vtime state starts without a gap to the clock",
            "E0215": "a vtime state is not clamped when a task joins",
            "E0216": "a key that cannot order a queue",
            "E0217": "a turn is charged nothing, or too little",
            "E0218": "a pattern that cannot match",
            "E0219": "a function calls itself",
            "E0220": "no such library",
            "E0222": "a literal is out of range",
            "E0223": "weights that cannot be served",
            "E0224": "an expression is too large",
            "E0225": "a condition that its claim cannot have",
            "W0226": "a queue that no rule leads to",
            "E0227": "a test that cannot be run",
            "E0228": "an expectation that nothing can meet or fail",
            "E0229": "a preemption rule that cannot be",
            "E0230": "a file that is no proper library",
            "E0231": "libraries that use each other",
            "E0232": "stealing that has nothing to steal from",
            "E0233": "a claim that needs stealing",
        },
    ),
    (
        Phase.PROOF,
        {
            "E0301": "a property does not hold",
            "E0302": "a property could not be decided",
            "W0303": "a bound exceeds the kernel's watchdog",
            "W0304": "the policy accepts that a queue can starve",
            "E0305": "a certificate is not what was written",
            "E0306": "a second solver contradicts a certificate",
            "E0307": "a second solver cannot decide a certificate",
        },
    ),
    (
        Phase.BACKEND,
        {
            "E0401": "the C compiler failed",
            "E0402": "the compiled object cannot be used",
            "E0403": "a construct that the backend cannot compile",
        },
    ),
    (
        Phase.KERNEL,
        {
            "E0501": "the kernel's verifier rejected the program",
            "E0502": "the scheduler failed to initialise",
            "E0503": "the kernel ejected the scheduler while it ran",
            "E0504": "the kernel could not load the object",
            "E0505": "the micro-VM failed",
            "E0506": "a workload did not come to its end in the micro-VM",
        },
    ),
    (
        Phase.ENVIRONMENT,
        {
            "E0601": "a tool is missing",
            "E0602": "the output cannot be written",
            "E0603": "this host was refused",
        },
    ),
    (
        Phase.WORKLOAD,
        {
            "E0701": "the workload is not TOML",
            "E0702": "a key of a workload is unknown, missing or cannot be read",
            "E0703": "a phase that cannot be read",
            "E0704": "a value of a workload is out of range",
            "E0705": "a name in a workload that leads nowhere, or is there twice",
            "E0706": "phases that do not pair",
            "E0707": "a wait that would never end",
            "E0708": "a workload that never ends, or never starts",
        },
    ),
    (
        Phase.TESTS,
        {
            "E0801": "an expectation of a test is not met",
        },
    ),
    (
        Phase.INTERNAL,
        {
            "E0901": "internal error",
        },
    ),
    (
        Phase.COMPARISON,
        {
            "E1001": "a run of a comparison does not count",
            "E1002": "the control of a comparison shows a difference",
            "E1003": "a file of samples cannot be used",
        },
    ),
    (
        Phase.CONFORMANCE,
        {
            "E1101": "the emitted C parts from the policy",
            "E1102": "a kernel's choice parts from the policy",
        },
    ),
    (
        Phase.IMPORT,
        {
            "E1201": "what is imported is not JSON",
            "E1202": "what is imported cannot be read as what it is meant to be",
        },
    ),
)

CODES: Final[dict[str, Code]] = {
    code: Code(code, title, phase) for phase, titles in _ENTRIES for code, title in titles.items()
}
