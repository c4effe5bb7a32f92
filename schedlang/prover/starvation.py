"""`starvation_free` of one queue: proved with a bound, or unknown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from schedlang.ir import nodes as ir
from schedlang.prover.arbiter import Arbitration
from schedlang.prover.guards import GuardFacts, guard_facts
from schedlang.prover.intervals import prove_intervals
from schedlang.prover.routing import prove_unused
from schedlang.prover.rules import Rules
from schedlang.prover.setting import (
    TICK_NS,
    arbitration_of,
)
from schedlang.prover.solver import Effort, Ledger
from schedlang.prover.subject import ANY_WEIGHT
from schedlang.prover.trees import tree_spans
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
    prove_wait,
    prove_ways,
)
from schedlang.source import Span
from schedlang.units import duration


@final
@dataclass(frozen=True, slots=True)
class Ground:
    """What all proofs about a policy share: its numbers, one arbitration for each tree that a CPU
    may have, what its guards are worth, and the queues that no task ever gets into.
    """

    policy: ir.Policy
    rules: Rules
    effort: Effort
    tick_ns: int
    arbitrations: tuple[Arbitration, ...]
    facts: GuardFacts | Unknown
    unused: frozenset[int]
    obligations: tuple[Obligation, ...]

    @property
    def arbitration(self) -> Arbitration:
        """Of a CPU that is in none of the sets that have trees of their own."""
        return self.arbitrations[-1]

    def ledger(self) -> Ledger:
        return Ledger(self.effort, list(self.obligations))


def ground(policy: ir.Policy, rules: Rules, effort: Effort, tick_ns: int = TICK_NS) -> Ground:
    ledger = Ledger(effort)
    unused = prove_unused(policy, ledger)
    arbitrations = tuple(
        arbitration_of(policy, rules, tick_ns, unused, serve) for serve in policy.serves
    )
    # The guards, and so what is proved of them, are those of all CPUs.
    facts = prove_intervals(policy, ledger) or guard_facts(arbitrations[-1], ledger)
    known = tuple(ledger.obligations)
    return Ground(policy, rules, effort, tick_ns, arbitrations, facts, unused, known)


def prove_starvation_free(on: Ground, queue: int, ledger: Ledger) -> Proved | Unknown:
    if isinstance(on.facts, Unknown):
        return on.facts
    if queue in on.unused:
        return Proved(None, ("no task is ever routed to it",), (on.policy.route.span,))
    ways = prove_ways(on.arbitrations, queue, on.facts, ledger)
    if isinstance(ways, Unknown):
        return ways
    waits: list[Wait] = []
    for weights in (ANY_WEIGHT, REFERENCE_WEIGHTS):
        wait = prove_wait(on.policy, on.arbitration, queue, ways, weights, ledger)
        if isinstance(wait, Unknown):
            return wait
        waits.append(wait)
    case = f"{REFERENCE_TASKS} tasks of weight {ir.DEFAULT_WEIGHT}, tick {duration(on.tick_ns)}"
    reached = bound(on.policy, waits[-1], REFERENCE_TASKS, case)
    texts = assumptions(on, queue)
    if waits[-1].service(REFERENCE_TASKS).debts:
        texts += ("no debt under `weighted` reaches half its limit of 2^60 ns while a task waits",)
    return Proved(reached, texts, _rests_on(on.policy, queue))


def assumptions(on: Ground, queue: int) -> tuple[str, ...]:
    """What a reader must believe besides the solver's answers."""
    texts = [
        f"a turn lasts at most its slice and {duration(on.tick_ns)} until the tick",
        "time that real-time and deadline tasks, interrupts and a hypervisor take is not counted",
        "the wait is counted from the task's last arrival in the queue",
    ]
    own = on.policy.queues[queue]
    whole = "the queue" if own.scope is ir.Scope.GLOBAL else "one instance of the queue"
    if own.order.key is not None and own.order.key.type is ir.Type.VTIME:
        texts.append(f"N tasks use {whole} at any time, counting those that are asleep")
        texts.append("a queue's clock goes less than 2^61 while one task waits in it")
    elif own.scope is not ir.Scope.GLOBAL:
        texts.append(f"N counts the tasks of {whole}")
    return tuple(texts)


def _rests_on(policy: ir.Policy, queue: int) -> tuple[Span, ...]:
    own = policy.queues[queue]
    return (
        own.span,
        own.order.span,
        *tree_spans(policy),
        *(guard.span for guard in policy.guards),
        *(rule.span for rule in policy.preemptions if rule.by == queue),
    )
