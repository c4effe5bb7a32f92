"""The prover: a typed policy in, a verdict on each of its properties out.

`starvation_free` of every queue, `no_lost_task` and `bounded_preemption` are checked of every
policy, claimed or not; whatever else it claims is checked too. Nothing is proved but by the
solver's unsat.
"""

from __future__ import annotations

from schedlang.ir import nodes as ir
from schedlang.prover.attained import with_run
from schedlang.prover.claims import prove_claim, under
from schedlang.prover.conserving import prove_no_lost_task
from schedlang.prover.reachability import prove_bounded_preemption
from schedlang.prover.refute import refute_claim, refute_starvation_free
from schedlang.prover.rules import DOCUMENTED, Rules
from schedlang.prover.scenes import reference_scene, wait_scene
from schedlang.prover.solver import DEFAULT_EFFORT, Effort, Ledger
from schedlang.prover.starvation import Ground, ground, prove_starvation_free
from schedlang.prover.trees import tree_spans
from schedlang.prover.verdict import Finding, ProofReport, Proved, Unknown, Verdict
from schedlang.source import Span

_OF_EVERY_POLICY = (
    ir.Property.STARVATION_FREE,
    ir.Property.NO_LOST_TASK,
    ir.Property.BOUNDED_PREEMPTION,
)


def prove(
    policy: ir.Policy,
    effort: Effort = DEFAULT_EFFORT,
    rules: Rules = DOCUMENTED,
    *,
    attain: bool = False,
) -> ProofReport:
    """With `attain`, runs that come near to the proved bounds on waits are looked for.

    `rules` is the machine that the proof is about; only tests have another than the real one.
    """
    on = ground(policy, rules, effort)
    claimed = under(on, _goals(policy, ir.Property.STARVATION_FREE))
    findings = [
        _starvation_finding(claimed, queue, attain=attain) for queue in range(len(policy.queues))
    ]
    findings += [_no_lost_task(on), _bounded_preemption(on)]
    for goal in policy.goals:
        if goal.property not in _OF_EVERY_POLICY:
            verdict, obligations = prove_claim(on, goal)
            here = under(on, (goal,))
            if isinstance(verdict, Unknown):
                verdict = refute_claim(here, goal, verdict)
            elif attain and goal.property is ir.Property.WAIT:
                verdict = with_run(verdict, wait_scene(here, goal))
            queue = goal.queues[0] if len(goal.queues) == 1 else None
            findings.append(Finding(goal.property, queue, verdict, obligations, goal.span, None))
    return ProofReport(tuple(findings))


def blocking(report: ProofReport) -> tuple[Finding, ...]:
    """The findings that an object must not be built over: neither proved nor accepted."""
    return tuple(
        f for f in report.findings if not isinstance(f.verdict, Proved) and f.accepted is None
    )


def _starvation_finding(on: Ground, queue: int, *, attain: bool) -> Finding:
    ledger = on.ledger()
    verdict: Verdict = prove_starvation_free(on, queue, ledger)
    if isinstance(verdict, Unknown):
        verdict = refute_starvation_free(on, queue, verdict)
    elif attain:
        verdict = with_run(verdict, reference_scene(on, queue))
    accepted = next((a.reason for a in on.policy.accepts if a.queue == queue), None)
    claimed = _claimed(on.policy, ir.Property.STARVATION_FREE, queue)
    return Finding(
        ir.Property.STARVATION_FREE, queue, verdict, tuple(ledger.obligations), claimed, accepted
    )


def _no_lost_task(on: Ground) -> Finding:
    ledger = Ledger(on.effort)
    gap = prove_no_lost_task(on.policy, on.rules, ledger)
    texts = ("every task may run on some CPU", "a CPU that is woken chooses")
    return _machine_finding(on.policy, ir.Property.NO_LOST_TASK, gap, texts, ledger)


def _bounded_preemption(on: Ground) -> Finding:
    ledger = Ledger(on.effort)
    tick_ns = under(on, _goals(on.policy, ir.Property.BOUNDED_PREEMPTION)).tick_ns
    gap = prove_bounded_preemption(on.policy, tick_ns, ledger)
    texts = ("only higher scheduling classes take a task off its CPU earlier",)
    return _machine_finding(on.policy, ir.Property.BOUNDED_PREEMPTION, gap, texts, ledger)


def _machine_finding(
    policy: ir.Policy,
    kind: ir.Property,
    gap: Unknown | None,
    assumptions: tuple[str, ...],
    ledger: Ledger,
) -> Finding:
    verdict = gap or Proved(None, assumptions, tree_spans(policy))
    return Finding(
        kind, None, verdict, tuple(ledger.obligations), _claimed(policy, kind, None), None
    )


def _claimed(policy: ir.Policy, kind: ir.Property, queue: int | None) -> Span | None:
    """Where the policy claims it: for the queue, or for all of them."""
    goals = _goals(policy, kind)
    return next((g.span for g in goals if not g.queues or queue in g.queues), None)


def _goals(policy: ir.Policy, kind: ir.Property) -> tuple[ir.Goal, ...]:
    return tuple(goal for goal in policy.goals if goal.property is kind)
