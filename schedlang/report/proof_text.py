"""A proof report as text: the `report.txt` of a compiled policy and the output of `schedc prove`.

Pure. What is proved is told line by line; what is not, as the diagnostic that it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from schedlang.diagnostics.printable import printable
from schedlang.diagnostics.render import Paint, render_human
from schedlang.ir.nodes import Policy
from schedlang.prover.verdict import Finding, ProofReport, Proved, Refuted, Unknown
from schedlang.report.chart import Chart, excerpts
from schedlang.report.findings import claim_text, diagnose_finding
from schedlang.report.proof_runs import attained_text, finding_chart
from schedlang.source import Span
from schedlang.units import duration

UNPROVED = "UNPROVED: built although a property is refuted or unknown; for the micro-VM only"


DRAWN_TURNS: Final = 16
"""More than twice as many turns are drawn in two parts."""

Draw = Callable[[Chart], str]


def proof_text(
    proof: ProofReport,
    policy: Policy,
    *,
    unproved: bool = False,
    colour: bool = False,
    draw: Draw | None = None,
    brief: bool = False,
) -> str:
    """Every finding, in the prover's order, after one line for all of them.

    `draw` shows the runs that refute a property or come near its bound; without it none is drawn.
    `brief` leaves the diagnostics to whoever tells them elsewhere.
    """
    paint = Paint(colour)
    lines = [f"policy {policy.name} ({printable(policy.sources[0].name)}): {summary(proof)}"]
    if unproved:
        lines.append(UNPROVED)
    numbers = numbered_assumptions(proof)
    for finding in proof.findings:
        lines += ["", *_finding(finding, policy, numbers, paint, brief)]
        chart = finding_chart(finding, policy) if draw is not None else None
        if draw is not None and chart is not None:
            for part in excerpts(chart, DRAWN_TURNS):
                lines += ["", *(f"  {line}".rstrip() for line in draw(part).splitlines())]
    if numbers:
        lines += ["", "assumptions:"]
        lines += [f"  {number} {printable(text)}" for text, number in numbers.items()]
    return "\n".join(lines) + "\n"


def numbered_assumptions(proof: ProofReport) -> dict[str, str]:
    """Every assumption of the report once, with the sign by which findings refer to it."""
    verdicts = [f.verdict for f in proof.findings if isinstance(f.verdict, Proved)]
    texts = dict.fromkeys(text for verdict in verdicts for text in verdict.assumptions)
    return {text: f"[{number}]" for number, text in enumerate(texts, 1)}


def summary(proof: ProofReport) -> str:
    counts = dict.fromkeys(("proved", "accepted", "refuted", "unknown"), 0)
    for finding in proof.findings:
        counts[verdict_word(finding)] += 1
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count)


def verdict_word(finding: Finding) -> str:
    match finding.verdict:
        case Proved():
            return "proved"
        case _ if finding.accepted is not None:
            return "accepted"
        case Refuted():
            return "refuted"
        case Unknown():
            return "unknown"


def _finding(
    finding: Finding, policy: Policy, numbers: dict[str, str], paint: Paint, brief: bool
) -> Iterator[str]:
    word, claim = verdict_word(finding), printable(claim_text(finding, policy))
    if isinstance(finding.verdict, Proved):
        yield f"{paint.added(word)}  {paint.strong(claim)}"
        yield from _proved(finding, finding.verdict, policy, numbers)
    else:
        yield f"{paint.removed(word)}  {paint.strong(claim)}"
    if brief:
        return
    told = render_human(tuple(diagnose_finding(finding, policy)), policy.sources, paint.is_on)
    yield from (f"  {line}".rstrip() for line in told.splitlines())


def _proved(
    finding: Finding, verdict: Proved, policy: Policy, numbers: dict[str, str]
) -> Iterator[str]:
    if verdict.bound is not None:
        bound = verdict.bound
        yield f"  at most {duration(bound.value_ns)} in the case: {printable(bound.case)}"
        yield f"  in general: {printable(bound.formula)}"
    attained = attained_text(finding, policy)
    if attained is not None:
        yield f"  {printable(attained)}"
    if verdict.assumptions:
        yield f"  assumes {' '.join(numbers[text] for text in verdict.assumptions)}"
    if verdict.rests_on:
        yield f"  rests on {', '.join(_places(verdict.rests_on, policy))}"


def _places(spans: tuple[Span, ...], policy: Policy) -> Iterator[str]:
    """`fair.sched:4,9`, one file after the other."""
    for number, source in enumerate(policy.sources):
        lines = sorted({source.line(span) for span in spans if span.file == number})
        if lines:
            yield f"{printable(source.name)}:{','.join(map(str, lines))}"
