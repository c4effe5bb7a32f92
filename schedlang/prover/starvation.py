"""`starvation_free` of one queue: proved with a bound, refuted by a replayed run, or unknown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import final

from schedlang.diagnostics.model import Edit, Repair
from schedlang.ir import nodes as ir
from schedlang.machine.scenario import Lasso, Turn
from schedlang.prover.arbiter import Arbitration
from schedlang.prover.guards import GuardFacts, guard_facts
from schedlang.prover.order import ANY_WEIGHT
from schedlang.prover.rules import Rules
from schedlang.prover.setting import (
    TICK_NS,
    arbitration_of,
    concrete_arbitration,
    prove_ranges,
    quantity,
)
from schedlang.prover.solver import Effort, Ledger
from schedlang.prover.trees import weighted_nodes
from schedlang.prover.verdict import (
    Obligation,
    Proved,
    Refuted,
    Unknown,
    Verdict,
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

REPAIR_SHARE = 5
REPAIR_DELAYS_NS = (100_000_000, 1_000_000_000)


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


def starvation(on: Ground, queue: int) -> tuple[Verdict, tuple[Obligation, ...]]:
    """The verdict on the queue, after a search for a run and a repair where there is no proof."""
    ledger = on.ledger()
    verdict: Verdict = prove_starvation_free(on, queue, ledger)
    if isinstance(verdict, Unknown):
        lasso = _refute(on, queue)
        if lasso is not None:
            verdict = Refuted(lasso, _why(on.policy, lasso), _repair(on, queue))
    return verdict, tuple(ledger.obligations)


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


def _refute(on: Ground, queue: int) -> Lasso | None:
    from schedlang.prover.lasso import find_starving_run
    from schedlang.prover.witness import hogged, replayed

    for params in _settings(on.policy):
        arbitration = concrete_arbitration(on.policy, on.rules, params)
        if not arbitration.guards_of(queue):
            run = find_starving_run(arbitration, queue, Ledger(on.effort))
            lasso = replayed(on.policy, params, run, queue) if run is not None else None
            if lasso is not None:
                return lasso
        lasso = hogged(on.policy, params, queue, arbitration.max_turn_ns[queue])
        if lasso is not None:
            return lasso
    return None


def _settings(policy: ir.Policy) -> Iterator[tuple[int, ...]]:
    """The params as the policy sets them, all at their least, all at their greatest."""
    options = (
        tuple(param.default for param in policy.params),
        tuple(param.lo for param in policy.params),
        tuple(param.hi for param in policy.params),
    )
    yield from dict.fromkeys(options)


def _why(policy: ir.Policy, lasso: Lasso) -> str:
    victim = policy.queues[lasso.queue].name
    loop = [step for step in lasso.steps[lasso.loop_start :] if isinstance(step, Turn)]
    served = dict.fromkeys(lasso.tasks[step.task].comm for step in loop)
    names = " and ".join(f"`{name}`" for name in served)
    keep = "keeps" if len(served) == 1 else "keep"
    return f"{names} {keep} the CPU, and a task in `{victim}` waits for ever"


def _repair(on: Ground, queue: int) -> Repair | None:
    """A guard that a proof of the mended policy shows to help, at the cost of no other queue."""
    proved = [q for q in on.arbitration.queues if _is_proved(on, q)]
    for guard, words in _remedies(on.policy, queue):
        mended = replace(on.policy, guards=(*on.policy.guards, guard))
        after = ground(mended, on.rules, on.effort, on.tick_ns)
        if all(_is_proved(after, q) for q in (*proved, queue)):
            end = max(node.span.end for node in (on.policy.serve, *on.policy.guards))
            place = Span(end, end, on.policy.serve.span.file)
            return Repair(f"add `{words}`", (Edit(place, f"\n{words}"),))
    return None


def _is_proved(on: Ground, queue: int) -> bool:
    return isinstance(prove_starvation_free(on, queue, Ledger(on.effort)), Proved)


def _remedies(policy: ir.Policy, queue: int) -> Iterator[tuple[ir.Guard, str]]:
    name, span = policy.queues[queue].name, policy.serve.span
    taken = sum(_most(guard) for guard in policy.guards if isinstance(guard, ir.GuardShare))
    if taken + REPAIR_SHARE < 100:
        share = _constant(ir.Type.SHARE, REPAIR_SHARE, span)
        yield ir.GuardShare(queue, share, span), f"guard {name} at least {REPAIR_SHARE}%"
    for delay_ns in REPAIR_DELAYS_NS:
        delay = _constant(ir.Type.DURATION, delay_ns, span)
        yield ir.GuardAfter(queue, delay, span), f"guard {name} after {duration(delay_ns)}"


def _most(guard: ir.Guard) -> int:
    interval = quantity(guard).range
    assert interval is not None
    return interval.hi


def _constant(kind: ir.Type, value: int, span: Span) -> ir.Const:
    return ir.Const(kind, ir.Interval(value, value), span, value)
