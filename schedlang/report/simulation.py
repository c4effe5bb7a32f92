"""A simulated run, as text and as JSON values. Pure."""

from __future__ import annotations

from schedlang.diagnostics.render_json import JsonObject
from schedlang.ir.nodes import Policy
from schedlang.report.outcome import latencies_json, outcome_json, outcome_text
from schedlang.simulate.engine import Setting, Simulation
from schedlang.units import duration


def simulation_text(setting: Setting, simulation: Simulation) -> str:
    outcome, cpus = simulation.outcome, setting.topology.cpus
    machine = f"{cpus} {'CPU' if cpus == 1 else 'CPUs'}, seed {setting.seed}"
    head = f"{outcome.workload} under {outcome.scheduler}, simulated: {machine}, "
    return f"{head}{duration(outcome.makespan_ns)}\n" + outcome_text(
        outcome, cpus, simulation.waits
    )


def simulation_json(policy: Policy, setting: Setting, simulation: Simulation) -> JsonObject:
    topology, events = setting.topology, simulation.events
    named = zip(policy.params, setting.params, strict=True)
    return {
        "machine": {
            "cpus": topology.cpus,
            "llcs": topology.llcs,
            "nodes": topology.nodes,
            "smt": topology.smt,
        },
        "seed": setting.seed,
        "tick_ns": setting.tick_ns,
        "params": {param.name: value for param, value in named},
        "tunes": [
            {"at_ns": tune.at_ns, "param": tune.param, "value": tune.value}
            for tune in setting.tunes
        ],
        "outcome": outcome_json(simulation.outcome),
        "waits": [latencies_json(waits) for waits in simulation.waits],
        "events": {
            "wakeups": events.wakeups,
            "dispatches": events.dispatches,
            "blocks": events.blocks,
            "preemptions": events.preemptions,
        },
        "stuck": simulation.stuck,
    }
