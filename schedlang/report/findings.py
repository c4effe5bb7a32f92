"""Verdicts as diagnostics: what is refuted or unknown is an error unless the policy accepts it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, assert_never

from schedlang.diagnostics.model import Diagnostic, Label, Severity
from schedlang.ir.nodes import Policy, Property
from schedlang.machine.scenario import Run
from schedlang.prover.verdict import Finding, ProofReport, Proved, Refuted, Unknown
from schedlang.source import Span
from schedlang.units import duration

WATCHDOG_NS: Final = 30 * 10**9
"""After this long the kernel ejects a scheduler that leaves a runnable task waiting."""


def diagnose(proof: ProofReport, policy: Policy) -> tuple[Diagnostic, ...]:
    """One diagnostic for each finding that is not simply proved."""
    return tuple(d for finding in proof.findings for d in diagnose_finding(finding, policy))


def diagnose_finding(finding: Finding, policy: Policy) -> Iterator[Diagnostic]:
    if finding.accepted is not None and not isinstance(finding.verdict, Proved):
        yield _accepted(finding, finding.accepted, policy)
        return
    match finding.verdict:
        case Proved():
            yield from _long_wait(finding, finding.verdict, policy)
        case Refuted():
            yield _refuted(finding, finding.verdict, policy)
        case Unknown():
            yield _unknown(finding, finding.verdict, policy)
        case _:
            assert_never(finding.verdict)


def claim_text(finding: Finding, policy: Policy) -> str:
    """The property as the policy words it, or would: `starvation_free(batch)`."""
    if finding.claimed is not None and finding.property in _WORDED:
        source = policy.sources[finding.claimed.file]
        return " ".join(source.excerpt(finding.claimed).split())
    queue = f"({_queue(finding, policy)})" if finding.queue is not None else ""
    return f"{finding.property}{queue}"


_WORDED: Final = frozenset({Property.WAIT, Property.SHARE, Property.FAIR})
_NO_WAIT: Final = frozenset({Property.SHARE, Property.FAIR})
"""Properties whose bound is no wait."""


def _queue(finding: Finding, policy: Policy) -> str:
    return policy.queues[finding.queue].name if finding.queue is not None else ""


def _failure(finding: Finding, policy: Policy) -> str:
    """What goes wrong if the property does not hold."""
    queue = f"queue `{_queue(finding, policy)}`" if finding.queue is not None else ""
    match finding.property:
        case Property.STARVATION_FREE:
            return f"{queue or 'a queue'} can starve"
        case Property.NO_LOST_TASK:
            return f"a task {queue and f'of {queue} '}can be lost"
        case Property.BOUNDED_PREEMPTION:
            return f"tasks {queue and f'of {queue} '}can be preempted without getting on"
        case Property.WORK_CONSERVING:
            return "a CPU can stay idle while a task waits"
        case Property.WAIT | Property.SHARE | Property.FAIR:
            return f"`{claim_text(finding, policy)}` does not hold"
        case _:
            assert_never(finding.property)


def _place(finding: Finding, policy: Policy, text: str) -> tuple[Label | None, tuple[Label, ...]]:
    """The queue first and then the claim; the claim alone where it speaks of no queue."""
    claim = Label(finding.claimed, "claimed here") if finding.claimed is not None else None
    if finding.queue is None or finding.property in _WORDED:
        span = finding.claimed or _name_span(policy)
        return (Label(span, text) if span else None), ()
    return Label(_queue_head(policy, finding.queue), text), (claim,) if claim else ()


def _queue_head(policy: Policy, queue: int) -> Span:
    """The words `queue NAME` of its declaration, which may run over several lines."""
    declaration, name = policy.queues[queue].span, policy.queues[queue].name
    text = policy.sources[declaration.file].excerpt(declaration)
    end = declaration.start + text.index(name, len("queue")) + len(name)
    return Span(declaration.start, end, declaration.file)


def _name_span(policy: Policy) -> Span | None:
    """Where the policy says its name; a finding on the whole policy points there."""
    at = policy.sources[0].text.find(policy.name)
    return Span(at, at + len(policy.name)) if at >= 0 else None


def _refuted(finding: Finding, verdict: Refuted, policy: Policy) -> Diagnostic:
    primary, secondary = _place(finding, policy, verdict.why)
    run = "\n".join(("a run that shows it, replayed:", *_timeline(verdict.run, policy)))
    repairs = (verdict.repair,) if verdict.repair else ()
    message = _failure(finding, policy)
    return Diagnostic("E0301", message, primary, secondary, (run,), repairs)


def _timeline(run: Run, policy: Policy) -> list[str]:
    from schedlang.machine.replay import Mismatch, replay
    from schedlang.machine.timeline import timeline_lines

    replayed = replay(policy, run)
    # INVARIANT: no verdict is `Refuted` unless its run was replayed.
    assert not isinstance(replayed, Mismatch), replayed.what
    return timeline_lines(policy, run, replayed)


def _unknown(finding: Finding, verdict: Unknown, policy: Policy) -> Diagnostic:
    primary, secondary = _place(finding, policy, verdict.reason.value)
    message = f"`{claim_text(finding, policy)}` is neither proved nor refuted"
    notes = (verdict.detail,) if verdict.detail else ()
    return Diagnostic("E0302", message, primary, secondary, notes)


def _accepted(finding: Finding, reason: str, policy: Policy) -> Diagnostic:
    accept = next((a for a in policy.accepts if a.queue == finding.queue), None)
    label = Label(accept.span, "accepted here") if accept else None
    notes = (f"the policy's reason: {reason}",)
    message = f"{_failure(finding, policy)}, which the policy accepts"
    return Diagnostic("W0304", message, label, (), notes, severity=Severity.WARNING)


def _long_wait(finding: Finding, verdict: Proved, policy: Policy) -> Iterator[Diagnostic]:
    bound = verdict.bound
    if bound is None or bound.value_ns <= WATCHDOG_NS or finding.property in _NO_WAIT:
        return
    message = f"tasks of queue `{_queue(finding, policy)}` can wait {duration(bound.value_ns)}"
    primary, secondary = _place(finding, policy, f"at most {bound.formula}")
    notes = (
        f"in the case: {bound.case}",
        f"the kernel ejects a scheduler under which a task waits {duration(WATCHDOG_NS)}",
    )
    yield Diagnostic("W0303", message, primary, secondary, notes, severity=Severity.WARNING)
