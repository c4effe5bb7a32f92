"""A proof as one page: verdicts, bounds, assumptions and drawn runs, with the policy beside them.

Pure. Each line of the policy that a verdict rests on is marked, and leads to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

from schedlang.diagnostics.render import render_human
from schedlang.ir.nodes import Policy
from schedlang.prover.verdict import Finding, ProofReport, Proved
from schedlang.report.chart_html import ChartView, Line, Listing, chart_view, render_page
from schedlang.report.findings import claim_text, diagnose_finding
from schedlang.report.proof_runs import attained_text, finding_chart
from schedlang.report.proof_text import numbered_assumptions, summary, verdict_word
from schedlang.source import Span
from schedlang.units import duration


@final
@dataclass(frozen=True, slots=True)
class FindingView:
    """`places` are addresses of lines and their words; `told` are the diagnostic's lines."""

    key: str
    word: str
    claim: str
    lines: tuple[str, ...]
    assumptions: tuple[str, ...]
    places: tuple[tuple[str, str], ...]
    told: tuple[str, ...]
    chart: ChartView | None
    queries: int


def proof_page(proof: ProofReport, policy: Policy) -> str:
    return render_page(
        "proof.html.j2",
        f"policy {policy.name}: {summary(proof)}",
        findings=finding_views(proof, policy),
        assumptions=tuple(numbered_assumptions(proof)),
        listings=policy_listings(proof, policy),
    )


def finding_views(proof: ProofReport, policy: Policy) -> tuple[FindingView, ...]:
    numbers = numbered_assumptions(proof)
    return tuple(
        _view(f"f-{number}", finding, policy, numbers)
        for number, finding in enumerate(proof.findings, 1)
    )


def policy_listings(proof: ProofReport, policy: Policy) -> tuple[Listing, ...]:
    """The policy's files; a marked line is one that a finding rests on."""
    return tuple(
        Listing(f"s{file}", source.name, tuple(_lines(file, proof, policy)))
        for file, source in enumerate(policy.sources)
    )


def _view(key: str, finding: Finding, policy: Policy, numbers: dict[str, str]) -> FindingView:
    chart = finding_chart(finding, policy)
    verdict = finding.verdict
    held = verdict.assumptions if isinstance(verdict, Proved) else ()
    told = render_human(tuple(diagnose_finding(finding, policy)), policy.sources)
    return FindingView(
        key,
        verdict_word(finding),
        claim_text(finding, policy),
        tuple(_bound_lines(finding, policy)),
        tuple(numbers[text] for text in held),
        tuple(_places(finding, policy)),
        tuple(told.splitlines()),
        chart_view(chart) if chart is not None else None,
        len(finding.obligations),
    )


def _bound_lines(finding: Finding, policy: Policy) -> Iterator[str]:
    verdict = finding.verdict
    if isinstance(verdict, Proved) and verdict.bound is not None:
        bound = verdict.bound
        yield f"at most {duration(bound.value_ns)} in the case: {bound.case}"
        yield f"in general: {bound.formula}"
    attained = attained_text(finding, policy)
    if attained is not None:
        yield attained


def _places(finding: Finding, policy: Policy) -> Iterator[tuple[str, str]]:
    for file, line in sorted(_rests_on(finding, policy)):
        yield f"#s{file}-{line}", f"{policy.sources[file].name}:{line}"


def _rests_on(finding: Finding, policy: Policy) -> set[tuple[int, int]]:
    """The lines, by file and number, that the verdict is about."""
    spans: list[Span] = []
    if isinstance(finding.verdict, Proved):
        spans += finding.verdict.rests_on
    else:
        for diagnostic in diagnose_finding(finding, policy):
            labels = (diagnostic.primary, *diagnostic.secondary)
            spans += [label.span for label in labels if label is not None]
    return {(span.file, policy.sources[span.file].line(span)) for span in spans}


def _lines(file: int, proof: ProofReport, policy: Policy) -> Iterator[Line]:
    links: dict[int, list[tuple[str, str]]] = {}
    for number, finding in enumerate(proof.findings, 1):
        for at, line in sorted(_rests_on(finding, policy)):
            if at == file:
                links.setdefault(line, []).append((f"#f-{number}", claim_text(finding, policy)))
    text = policy.sources[file].text.removesuffix("\n")
    for number, line_text in enumerate(text.split("\n"), 1):
        yield Line(line_text.rstrip("\r"), number in links, tuple(links.get(number, ())))
