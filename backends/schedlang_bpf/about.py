"""The opening comment: what the policy is, what was proved of it, what it accepts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, assert_never

from schedlang.ir.nodes import Policy
from schedlang.prover.verdict import Bound, Finding, ProofReport, Proved, Refuted, Unknown
from schedlang.report.findings import claim_text
from schedlang.units import duration
from schedlang_bpf.text import comment_lines, source_labels

UNPROVED: Final = "UNPROVED, for the micro-VM only."


def about(policy: Policy, proof: ProofReport) -> tuple[str, ...]:
    """The comment's lines without their ` *`; each is empty or starts with a space."""
    paragraphs = [
        comment_lines(f"{policy.name}: a scheduler generated from {_origin(policy)}, not this."),
        comment_lines(UNPROVED) if _is_unproved(proof) else (),
        comment_lines(policy.documentation),
        tuple(_verdicts(policy, proof)),
        tuple(_accepted(policy)),
    ]
    lines: list[str] = []
    for paragraph in filter(None, paragraphs):
        lines += ["", *paragraph] if lines else paragraph
    return tuple(f" {line}" if line else "" for line in lines)


def _origin(policy: Policy) -> str:
    """Every file that the policy is made of."""
    own, *libraries = source_labels(policy.sources)
    if not libraries:
        return f"{own}. Edit that"
    return f"{own}, which uses {', '.join(libraries)}. Edit those"


def _is_unproved(proof: ProofReport) -> bool:
    """Whether anything failed that the policy itself does not accept."""
    return any(
        finding.accepted is None and not isinstance(finding.verdict, Proved)
        for finding in proof.findings
    )


def _verdicts(policy: Policy, proof: ProofReport) -> Iterator[str]:
    for finding in proof.findings:
        yield from comment_lines(_verdict(finding, policy), rest="  ")
        yield from _assumptions(finding)


def _verdict(finding: Finding, policy: Policy) -> str:
    claim = claim_text(finding, policy)
    match finding.verdict:
        case Proved(bound=bound):
            return f"Proved: {claim}{_within(bound)}."
        case Refuted(why=why):
            return f"Refuted: {claim}: {why}."
        case Unknown(reason=reason, detail=detail):
            return f"Unknown: {claim}: {reason.value}, {detail}."
        case _:
            assert_never(finding.verdict)


def _within(bound: Bound | None) -> str:
    if bound is None:
        return ""
    return f", within {duration(bound.value_ns)} = {bound.formula} ({bound.case})"


def _assumptions(finding: Finding) -> Iterator[str]:
    if isinstance(finding.verdict, Proved):
        for assumption in finding.verdict.assumptions:
            yield from comment_lines(f"assuming {assumption}", "  ", "    ")


def _accepted(policy: Policy) -> Iterator[str]:
    for accept in policy.accepts:
        name = policy.queues[accept.queue].name
        text = f"Accepted: queue {name} may starve, because {accept.reason}"
        yield from comment_lines(text, rest="  ")
