"""One task's wait: its queue's turns (`order`) put into the queue's service (`service`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import final

from schedlang.ir import nodes as ir
from schedlang.prover.ahead import Ordering, Turns, turns_ahead
from schedlang.prover.arbiter import Arbitration
from schedlang.prover.corners import Pace
from schedlang.prover.guards import GuardFacts
from schedlang.prover.order import prove_order
from schedlang.prover.service import Service, guard_service, tree_service
from schedlang.prover.solver import Ledger
from schedlang.prover.subject import Subject
from schedlang.prover.terms import Sort, real, variable
from schedlang.prover.verdict import Bound, Reason, Unknown
from schedlang.units import duration

REFERENCE_TASKS = 4
REFERENCE_WEIGHTS = ir.Interval(ir.DEFAULT_WEIGHT, ir.DEFAULT_WEIGHT)


@final
@dataclass(frozen=True, slots=True)
class Wait:
    """How long a task waits at most. `ways` are those in which its queue is served, by tree: on a
    CPU the best of them counts, and of all CPUs the worst. Where tasks `hop` between instances, who
    comes counts like a fork.
    """

    ways: tuple[tuple[Service, ...], ...]
    ordering: Ordering
    turn_ns: int
    weights: ir.Interval
    hop: bool

    def turns(self, tasks: int) -> Turns:
        return turns_ahead(self.ordering, tasks, self.turn_ns)

    def holding(self, tasks: int) -> tuple[tuple[Service, ...], ...]:
        """The ways that are sure for as long as that many tasks can take."""
        service_ns = self.turns(tasks).service_ns
        return tuple(tuple(s for s in way if s.holds_for(service_ns)) for way in self.ways)

    def service(self, tasks: int) -> Service:
        """The best of a CPU with the worst tree."""
        turns = self.turns(tasks)

        def wait_ns(service: Service) -> int:
            return service.wait_ns(turns.count, turns.service_ns)

        return max((min(way, key=wait_ns) for way in self.holding(tasks)), key=wait_ns)

    def wait_ns(self, tasks: int) -> int:
        turns = self.turns(tasks)
        return turns.delay_ns + self.service(tasks).wait_ns(turns.count, turns.service_ns)


def prove_services(
    arbitration: Arbitration, queue: int, facts: GuardFacts, ledger: Ledger
) -> tuple[Service, ...] | Unknown:
    """Every way in which the queue is sure to be served; Unknown if there is none."""
    services: list[Service] = []
    gap: Unknown | None = None
    for guard in arbitration.guards_of(queue):
        found = guard_service(arbitration, guard, facts, ledger)
        if isinstance(found, Unknown):
            gap = gap or found
        else:
            services.append(found)
    # What the tree gives besides may be better, but no proof hangs on it if there is a guard.
    trial = Ledger(ledger.effort)
    by_tree = tree_service(arbitration, queue, facts, trial)
    if not isinstance(by_tree, Unknown):
        ledger.obligations += trial.obligations
        services.append(by_tree)
    elif not services:
        ledger.obligations += trial.obligations
        return gap or by_tree
    return tuple(services)


def prove_ways(
    arbitrations: Sequence[Arbitration], queue: int, facts: GuardFacts, ledger: Ledger
) -> tuple[tuple[Service, ...], ...] | Unknown:
    """By tree, every way in which the queue is sure to be served; Unknown if one tree has none."""
    ways: list[tuple[Service, ...]] = []
    for arbitration in arbitrations:
        found = prove_services(arbitration, queue, facts, ledger)
        if isinstance(found, Unknown):
            return arbitration.located(found)
        ways.append(found)
    return tuple(ways)


def prove_wait(
    policy: ir.Policy,
    arbitration: Arbitration,
    queue: int,
    ways: tuple[tuple[Service, ...], ...],
    weights: ir.Interval,
    ledger: Ledger,
    tasks: int = REFERENCE_TASKS,
    *,
    one_cpu: bool = False,
) -> Wait | Unknown:
    """For any number of tasks; the sum is proved, and the debts are checked, for this many. On any
    machine, or on those that have `one_cpu`."""
    turn_ns = arbitration.max_turn_ns[queue]
    subject = Subject(policy, policy.queues[queue], weights, turn_ns, one_cpu)
    ordering = prove_order(subject, ledger)
    if isinstance(ordering, Unknown):
        return ordering
    wait = Wait(ways, ordering, turn_ns, weights, subject.hop)
    if not all(wait.holding(tasks)):
        return Unknown(Reason.NO_RULE, "the wait may be so long that a `weighted` forgets debts")
    return _prove_sum(wait, tasks, ledger) or wait


def _prove_sum(wait: Wait, tasks: int, ledger: Ledger) -> Unknown | None:
    """The wait for the n-th turn, for as many as can be ahead, is the wait that is reported."""
    turns, service = wait.turns(tasks), wait.service(tasks)
    count, served, waited = (variable(n, Sort.REAL) for n in ("turns", "served", "waited"))
    first, per_turn, per_service = (
        real(x) for x in (service.fixed, service.per_turn, service.per_service)
    )
    hypotheses = (
        real(0) <= count,
        count <= real(turns.count),
        real(0) <= served,
        served <= real(turns.service_ns),
        waited <= real(turns.delay_ns) + first + per_turn * count + per_service * served,
    )
    goal = waited <= real(wait.wait_ns(tasks))
    return ledger.prove("one task's wait is the sum of its parts", hypotheses, [goal])


def bound(policy: ir.Policy, wait: Wait, tasks: int, case: str) -> Bound:
    turns, service = wait.turns(tasks), wait.service(tasks)
    fixed = turns.delay_ns + service.fixed
    terms = [duration(fixed)] if fixed else []
    if service.per_turn:
        terms.append(f"turns * {duration(service.per_turn)}")
    terms.append(
        "service" if service.per_service == 1 else f"service * {_ratio(service.per_service)}"
    )
    formula = f"{' + '.join(terms)}, where {_turns_text(wait)}"
    if service.guard is not None:
        name = policy.queues[policy.guards[service.guard].queue].name
        formula += f" (guard on `{name}`)"
    return Bound(formula, wait.wait_ns(tasks), case)


def _turns_text(wait: Wait) -> str:
    longest = duration(Fraction(wait.turn_ns))
    if not isinstance(wait.ordering, Pace):
        return f"turns <= N - 1 and service <= turns * {longest}, for N tasks"
    each = wait.turns(2)
    plain = turns_ahead(wait.ordering, 2, wait.turn_ns, forks=False)
    weight = f"weight {wait.weights.lo}" if wait.weights.is_single else "any weight"
    text = (
        f"turns <= (N - 1) * {each.count} and service <= (N - 1) * {duration(each.service_ns)}"
        f", for N tasks of {weight}"
    )
    if each == plain:
        return text
    others = "forks and tasks of other instances" if wait.hop else "forks"
    return f"{text}; without {others} service <= (N - 1) * {duration(plain.service_ns)}"


def _ratio(value: Fraction) -> str:
    hundredths = -(-value * 100 // 1)
    return f"{hundredths // 100}.{hundredths % 100:02d}".rstrip("0").rstrip(".")
