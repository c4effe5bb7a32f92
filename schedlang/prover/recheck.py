"""The second opinion: cvc5 decides a certificate's text again.

The one place where cvc5 is called; it is optional, and nothing else depends on it. Effort is
bounded by cvc5's `rlimit`, never by time, so that the answer is the same on every machine.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

RLIMIT: Final = 2_000_000

# Quantifiers over CPUs and tasks: each strategy finds some models or contradictions that the
# others do not. All are sound, so that the first answer counts.
_STRATEGIES: Final[tuple[tuple[str, ...], ...]] = (
    (),
    ("finite-model-find",),
    ("enum-inst",),
    ("mbqi",),
)


# INVARIANT: nothing else reaches cvc5, which has commands that write files.
_COMMANDS: Final = frozenset(
    "set-logic declare-const declare-fun declare-sort define-fun assert check-sat".split()
)


def is_installed() -> bool:
    return find_spec("cvc5") is not None


def second_opinion(smt2: str, rlimit: int = RLIMIT) -> str:
    """What cvc5 says of a script with one `check-sat`: sat, unsat, or unknown."""
    for strategy in _STRATEGIES:
        answer = _ask(smt2, strategy, rlimit)
        if answer in ("sat", "unsat"):
            return answer
    return "unknown"


def _ask(smt2: str, strategy: tuple[str, ...], rlimit: int) -> str:
    import cvc5  # type: ignore[import-untyped, unused-ignore] # it ships no types

    terms = cvc5.TermManager()
    solver = cvc5.Solver(terms)
    solver.setOption("rlimit", str(rlimit))
    for option in strategy:
        solver.setOption(option, "true")
    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, smt2, "certificate")
    symbols = parser.getSymbolManager()
    said = ""
    try:
        while not (command := parser.nextCommand()).isNull():
            if command.getCommandName() not in _COMMANDS:
                return "unknown"
            said += str(command.invoke(solver, symbols))
    except RuntimeError:
        return "unknown"  # what cvc5 cannot read, or gives up on
    return said.strip()
