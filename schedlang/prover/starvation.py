"""`starvation_free` of one queue: proved with a bound, or unknown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from schedlang.ir import nodes as ir
from schedlang.prover.arbiter import Arbitration
from schedlang.prover.guards import GuardFacts, guard_facts
from schedlang.prover.order import ANY_WEIGHT
from schedlang.prover.rules import Rules
from schedlang.prover.setting import (
    TICK_NS,
    arbitration_of,
    prove_ranges,
)
from schedlang.prover.solver import Effort, Ledger
from schedlang.prover.trees import weighted_nodes
from schedlang.prover.verdict import (
    Obligation,
    Proved,
    Unknown,
)
from schedlang.prover.wait import (
    REFERENCE_TASKS,
    REFERENCE_WEIGHTS,
    Wait,
    bound,
    duration,
    prove_services,
    prove_wait,
)
from schedlang.source import Span


@final
@dataclass(frozen=True, slots=True)
class Ground:
    """What all proofs about a policy share: its numbers, and what its guards are worth."""

    policy: ir.Policy
    rules: Rules
    effort: Effort
    tick_ns: int
    arbitration: Arbitration
    facts: GuardFacts | Unknown
    obligations: tuple[Obligation, ...]

    def ledger(self) -> Ledger:
        return Ledger(self.effort, list(self.obligations))


def ground(policy: ir.Policy, rules: Rules, effort: Effort, tick_ns: int = TICK_NS) -> Ground:
    ledger = Ledger(effort)
    arbitration = arbitration_of(policy, rules, tick_ns)
    facts = prove_ranges(policy, ledger) or guard_facts(arbitration, ledger)
    return Ground(policy, rules, effort, tick_ns, arbitration, facts, tuple(ledger.obligations))


def prove_starvation_free(on: Ground, queue: int, ledger: Ledger) -> Proved | Unknown:
    if isinstance(on.facts, Unknown):
        return on.facts
    services = prove_services(on.arbitration, queue, on.facts, ledger)
    if isinstance(services, Unknown):
        return services
    waits: list[Wait] = []
    for weights in (ANY_WEIGHT, REFERENCE_WEIGHTS):
        wait = prove_wait(on.policy, on.arbitration, queue, services, weights, ledger)
        if isinstance(wait, Unknown):
            return wait
        waits.append(wait)
    case = f"{REFERENCE_TASKS} tasks of weight {ir.DEFAULT_WEIGHT}, tick {duration(on.tick_ns)}"
    reached = bound(on.policy, waits[-1], REFERENCE_TASKS, case)
    return Proved(reached, assumptions(on, queue), _rests_on(on.policy, queue))


def assumptions(on: Ground, queue: int) -> tuple[str, ...]:
    """What a reader must believe besides the solver's answers."""
    texts = [
        f"a turn lasts at most its slice and {duration(on.tick_ns)} until the tick",
        "time that real-time and deadline tasks, interrupts and a hypervisor take is not counted",
        "the wait is counted from the task's last arrival in the queue",
    ]
    if on.policy.queues[queue].order.key is not None:
        texts.append("N tasks use the queue at any time, counting those that are asleep")
    if weighted_nodes(on.policy.serve):
        texts.append("no debt under `weighted` reaches its limit of 2^60 ns")
    return tuple(texts)


def _rests_on(policy: ir.Policy, queue: int) -> tuple[Span, ...]:
    own = policy.queues[queue]
    return (
        own.span,
        own.order.span,
        policy.serve.span,
        *(guard.span for guard in policy.guards),
    )
