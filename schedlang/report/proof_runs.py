"""The runs of a proof, replayed: what refutes a property, and what comes nearest to a bound. Pure.

Text, JSON and pages draw the same charts of them.
"""

from __future__ import annotations

from typing import assert_never

from schedlang.ir.nodes import Policy
from schedlang.machine.replay import Mismatch, Replay, replay
from schedlang.machine.scenario import Run
from schedlang.machine.timeline import task_names
from schedlang.prover.verdict import Finding, Proved, Refuted, Unknown
from schedlang.report.chart import Chart
from schedlang.report.findings import claim_text
from schedlang.report.run_chart import run_chart
from schedlang.units import duration


def run_of(finding: Finding) -> Run | None:
    """The run that the verdict comes with."""
    match finding.verdict:
        case Proved(attained=run):
            return run
        case Refuted(run=run):
            return run
        case Unknown():
            return None
        case _:
            assert_never(finding.verdict)


def replayed(policy: Policy, run: Run) -> Replay:
    """What the interpreter does in that run."""
    found = replay(policy, run)
    # INVARIANT: no run is part of a verdict unless it was replayed.
    assert not isinstance(found, Mismatch), found.what
    return found


def finding_chart(finding: Finding, policy: Policy) -> Chart | None:
    """The chart of the verdict's run, if it has one."""
    run = run_of(finding)
    if run is None:
        return None
    claim = claim_text(finding, policy)
    if isinstance(finding.verdict, Refuted):
        title = f"a run that breaks {claim}"
    else:
        title = f"a run that comes near the bound of {claim}"
    return run_chart(policy, run, replayed(policy, run), title)


def attained_text(finding: Finding, policy: Policy) -> str | None:
    """How near to the bound a run was found to come."""
    verdict = finding.verdict
    if not isinstance(verdict, Proved) or verdict.attained is None:
        return None
    found = replayed(policy, verdict.attained)
    waited_ns = found.end_ns - found.victim_since_ns
    victim = task_names(verdict.attained)[verdict.attained.victim]
    text = f"attained: a run in which {victim} waits {duration(waited_ns)}"
    if verdict.bound is None or verdict.bound.value_ns == 0:
        return text
    return f"{text}, {waited_ns * 100 // verdict.bound.value_ns}% of the bound"
