"""What came of a comparison of the emitted C with the reference machine. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from schedlang.conform.check import Checked, Failure, Plan
from schedlang.diagnostics.model import Diagnostic, Label
from schedlang.diagnostics.render_json import JsonObject
from schedlang.ir.nodes import Policy
from schedlang.topology import Topology
from schedlang.units import duration


def conformance_text(policy: Policy, plan: Plan, checked: Checked) -> str:
    count = f"{checked.traces} random traces, {checked.turns} turns compared"
    word = "no divergence" if checked.failure is None else "a divergence"
    head = f"{policy.name}: emitted C against the reference machine, seed {plan.seed}"
    return f"{head}\n  {count}: {word}\n"


def conformance_json(plan: Plan, checked: Checked) -> JsonObject:
    failure = checked.failure
    return {
        "seed": plan.seed,
        "events": plan.events,
        "traces": checked.traces,
        "turns": checked.turns,
        "divergence": None if failure is None else _failure_json(failure),
    }


def _failure_json(failure: Failure) -> JsonObject:
    divergence = failure.divergence
    return {
        "trace": failure.trace,
        "cpus": failure.setting.topology.cpus,
        "llcs": failure.setting.topology.llcs,
        "nodes": failure.setting.topology.nodes,
        "smt": failure.setting.topology.smt,
        "params": list(failure.setting.params),
        "at_ns": divergence.at_ns,
        "what": divergence.what,
        "story": [{"at_ns": step.at_ns, "what": step.text} for step in divergence.story],
        "waiting": [
            {"queue": entry.queue, "task": entry.task, "key": entry.key}
            for entry in divergence.waiting
        ],
    }


def divergence_finding(policy: Policy, failure: Failure) -> Diagnostic:
    """Where the C and the policy part: what happened, and what waited then."""
    divergence = failure.divergence
    place = None
    if divergence.queue is not None:
        queue = policy.queues[divergence.queue]
        place = Label(queue.span, f"the reference machine chooses from `{queue.name}`")
    return Diagnostic(
        "E1101",
        f"the emitted C parts from the policy: {divergence.what}",
        place,
        notes=("\n".join(failure_lines(policy, failure)), "a bug of schedc: please report it"),
    )


def failure_lines(policy: Policy, failure: Failure) -> Iterator[str]:
    setting, divergence = failure.setting, failure.divergence
    yield f"trace {failure.trace}, made short, on {_machine(setting.topology)}"
    for param, value in zip(policy.params, setting.params, strict=True):
        yield f"  {param.name} = {value}"
    for step in divergence.story:
        yield f"{duration(step.at_ns):>12}  {step.text}"
    yield f"{duration(divergence.at_ns):>12}  {divergence.what}"
    for number, queue in enumerate(policy.queues):
        waiting = [entry for entry in divergence.waiting if entry.queue == number]
        tasks = ", ".join(f"task {entry.task} (key {entry.key})" for entry in waiting)
        if tasks:
            yield f"  waiting in `{queue.name}`: {tasks}"


def _machine(topology: Topology) -> str:
    counts = ((topology.cpus, "CPU"), (topology.llcs, "LLC"), (topology.nodes, "node"))
    parts = [
        f"{number} {name}{'s' * (number > 1)}"
        for number, name in counts
        if number > 1 or name == "CPU"
    ]
    return ", ".join(parts + [f"{topology.smt} threads a core"] * (topology.smt > 1))
