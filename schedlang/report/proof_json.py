"""A proof report as JSON values: the `proof.json` of a compiled policy. Pure, no times in it.

`smt2` of an obligation is a whole SMT-LIB script: another solver can decide it again.
"""

from __future__ import annotations

from typing import assert_never

from schedlang.diagnostics.render_json import SCHEMA_VERSION, JsonObject, JsonValue, span_json
from schedlang.ir.nodes import Policy
from schedlang.machine.replay import Happening
from schedlang.machine.scenario import Delay, Pass, Run, Step, TaskSpec, Turn, Wake
from schedlang.prover.verdict import Finding, ProofReport, Proved, Refuted, Unknown, Verdict
from schedlang.report.findings import claim_text
from schedlang.report.proof_runs import replayed
from schedlang.report.proof_text import verdict_word


def proof_json(proof: ProofReport, policy: Policy, *, unproved: bool = False) -> JsonObject:
    findings: list[JsonValue] = [_finding(finding, policy) for finding in proof.findings]
    return {
        "schema_version": SCHEMA_VERSION,
        "policy": policy.name,
        "file": policy.sources[0].name,
        "unproved_build": unproved,
        "findings": findings,
    }


def _finding(finding: Finding, policy: Policy) -> JsonObject:
    queue = policy.queues[finding.queue].name if finding.queue is not None else None
    obligations: list[JsonValue] = [
        {"name": o.name, "answer": o.answer, "effort": o.effort, "smt2": o.smt2}
        for o in finding.obligations
    ]
    return {
        "property": finding.property.value,
        "claim": claim_text(finding, policy),
        "queue": queue,
        "verdict": verdict_word(finding),
        "accepted_because": finding.accepted,
        "claimed_at": span_json(finding.claimed, policy.sources) if finding.claimed else None,
        **_verdict(finding.verdict, policy),
        "obligations": obligations,
    }


def _verdict(verdict: Verdict, policy: Policy) -> JsonObject:
    match verdict:
        case Proved():
            bound = verdict.bound
            return {
                "bound": {"formula": bound.formula, "value_ns": bound.value_ns, "case": bound.case}
                if bound
                else None,
                "assumptions": list(verdict.assumptions),
                "rests_on": [span_json(span, policy.sources) for span in verdict.rests_on],
                "attained": _run(verdict.attained, policy) if verdict.attained else None,
            }
        case Refuted():
            return {
                "why": verdict.why,
                "run": _run(verdict.run, policy),
                "repair": verdict.repair.text if verdict.repair else None,
            }
        case Unknown():
            return {"reason": verdict.reason.value, "detail": verdict.detail}
        case _:
            assert_never(verdict)


def _run(run: Run, policy: Policy) -> JsonObject:
    """`loop_start`, `period_ns` and `served_ns` are None for a run that has an end.

    `happenings` are what the interpreter did, up to the end of the loop's first pass.
    """
    replay = replayed(policy, run)
    return {
        "tasks": [_task(task) for task in run.tasks],
        "steps": [_step(step) for step in run.steps],
        "loop_start": None if isinstance(run, Delay) else run.loop_start,
        "victim": run.victim,
        "queue": policy.queues[run.queue].name,
        "params": {p.name: v for p, v in zip(policy.params, run.params, strict=True)},
        "happenings": [_happening(happening, policy) for happening in replay.happenings],
        "waited_ns": replay.end_ns - replay.victim_since_ns,
        "period_ns": replay.period_ns,
        "served_ns": replay.served_ns,
        "tick_ns": run.tick_ns,
    }


def _happening(happening: Happening, policy: Policy) -> JsonObject:
    queue = happening.queue
    return {
        "at_ns": happening.at_ns,
        "what": happening.what.value,
        "task": happening.task,
        "queue": policy.queues[queue].name if queue is not None else None,
        "ns": happening.ns,
    }


def _task(task: TaskSpec) -> JsonObject:
    return {
        "comm": task.comm,
        "process": task.process,
        "nice": task.nice,
        "weight": task.weight,
        "cgroup": task.cgroup,
        "kthread": task.kthread,
        "affinity": sorted(task.affinity) if task.affinity is not None else None,
    }


def _step(step: Step) -> JsonObject:
    match step:
        case Wake():
            return {"step": "wake", "task": step.task, "early": step.early}
        case Turn():
            return {"step": "turn", "task": step.task, "ran_ns": step.ran_ns, "blocks": step.blocks}
        case Pass():
            return {"step": "pass", "ns": step.ns}
        case _:
            assert_never(step)
