"""Every verdict on a random policy, held against runs of the independent simulator.

A bound must hold in each run that its claim is about; a refutation must starve in the simulator as
it does in the interpreter. How near the runs come to the bounds is counted for the reader.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import NamedTuple

from schedlang.ir import nodes as ir
from schedlang.prover.prove import prove
from schedlang.prover.verdict import Finding, Proved, Refuted, Unknown
from schedlang.source import Span
from tests.support.attack import Budget, Ran, attack
from tests.support.follow import breaks
from tests.support.policies import compiled
from tests.support.reading import Reading
from tests.support.simulator import Simulator

FAR_NS = 2**61
REFERENCE_TASKS = 4
ALWAYS = (
    ir.Property.STARVATION_FREE,
    ir.Property.NO_LOST_TASK,
    ir.Property.BOUNDED_PREEMPTION,
)


class Ratio(NamedTuple):
    """How near a run came to a bound: `rule` says which kind of bound, for the table."""

    rule: str
    value: float


@dataclass
class Examined:
    """The verdicts on one policy, as (property, verdict, detail), and the ratios of its bounds."""

    verdicts: list[tuple[str, str, str]] = field(default_factory=list)
    ratios: list[Ratio] = field(default_factory=list)


def examine(text: str, seed: int, budget: Budget, machine: type[Simulator] = Simulator) -> Examined:
    """Raises AssertionError, with the policy, if a run of the machine contradicts a verdict."""
    random = Random(seed)
    policy, reading = compiled(text), Reading(text)
    runs = list(attack(policy, reading, random, budget, machine))
    needed = {(q, n) for ran in runs for q, n in ran.tasks.items()}
    asked = replace(policy, goals=(*policy.goals, *(wait_claim(q, n) for q, n in sorted(needed))))
    findings = prove(asked).findings
    examined = Examined()
    number = len(policy.queues) + 2
    check_general(policy, findings[:number], runs, examined, text)
    goals = [i for i, goal in enumerate(asked.goals) if goal.property not in ALWAYS]
    for i, finding in zip(goals, findings[number:], strict=True):
        assert asked.goals[i].property is finding.property
        if i < len(policy.goals):
            note(examined, finding)
        if isinstance(finding.verdict, Proved):
            check_claim(asked, i, finding.verdict, runs, examined, text)
        if isinstance(finding.verdict, Refuted):
            assert breaks(policy, reading, finding.verdict.run, asked.goals[i].bound), text
    for finding in findings[:number]:
        if isinstance(finding.verdict, Refuted):
            assert breaks(policy, reading, finding.verdict.run, None), text
    return examined


def wait_claim(queue: int, tasks: int) -> ir.Goal:
    nowhere = Span(0, 0)
    interval = ir.Interval(FAR_NS, FAR_NS)
    bound = ir.Const(ir.Type.DURATION, interval, nowhere, FAR_NS)
    conditions = (ir.TasksAtMost(queue, tasks, nowhere),)
    return ir.Goal(ir.Property.WAIT, (queue,), bound, conditions, nowhere)


# --- checks


def note(examined: Examined, finding: Finding) -> None:
    verdict = finding.verdict
    detail = ""
    if isinstance(verdict, Unknown):
        detail = f"{verdict.reason.name}: {verdict.detail}"
    examined.verdicts.append((finding.property.value, type(verdict).__name__, detail))


def check_general(
    policy: ir.Policy,
    findings: Sequence[Finding],
    runs: Sequence[Ran],
    examined: Examined,
    text: str,
) -> None:
    """What is checked of every policy: `starvation_free` of each queue, and `no_lost_task`."""
    for finding in findings:
        note(examined, finding)
        verdict = finding.verdict
        if not isinstance(verdict, Proved):
            continue
        if finding.property is ir.Property.NO_LOST_TASK:
            assert all(ran.forgotten[1] == 0 for ran in runs), text
        if finding.queue is not None and verdict.bound is not None:
            seen = [
                ran.worst.get(finding.queue, 0)
                for ran in runs
                if ran.is_reference and ran.tasks.get(finding.queue, 0) <= REFERENCE_TASKS
            ]
            rule = f"starvation_free {rule_of(policy, finding.queue)}"
            compare(verdict, max(seen, default=0), rule, examined, text)


def check_claim(
    policy: ir.Policy,
    number: int,
    verdict: Proved,
    runs: Sequence[Ran],
    examined: Examined,
    text: str,
) -> None:
    goal = policy.goals[number]
    matching = [ran for ran in runs if all(holds(c, ran) for c in goal.conditions)]
    rule = f"{goal.property} {rule_of(policy, goal.queues[0]) if goal.queues else ''}"
    match goal.property:
        case ir.Property.WAIT:
            seen = max((ran.worst.get(goal.queues[0], 0) for ran in matching), default=0)
            # Where weights matter, those that are thousands apart take runs that are too long.
            is_far = policy.queues[goal.queues[0]].order.clock_state is not None
            compare(verdict, seen, "" if is_far else rule, examined, text)
        case ir.Property.SHARE | ir.Property.FAIR:
            measured = max((ran.measured[number] for ran in matching), default=0)
            compare(verdict, measured, rule, examined, text)
        case ir.Property.WORK_CONSERVING:
            assert all(ran.forgotten[0] == 0 for ran in matching), text
        case _:
            raise AssertionError(f"{goal.property} is not watched")


def holds(condition: ir.Condition, ran: Ran) -> bool:
    match condition:
        case ir.TasksAtMost():
            return ran.tasks.get(condition.queue, 0) <= condition.count
        case ir.TickAtMost():
            return ran.tick_ns <= condition.tick_ns
        case ir.Unrestricted():
            return ran.is_unrestricted
        case ir.CpusAtMost():
            return ran.cpus <= condition.count
        case _:
            return True


def compare(verdict: Proved, seen: float, rule: str, examined: Examined, text: str) -> None:
    """A ratio is noted under the name of the rule, if there is one."""
    assert verdict.bound is not None
    most = verdict.bound.value_ns
    assert seen <= most, f"{rule}: seen {seen} ns, proved {most} ns\n{text}"
    if rule and seen > 0 and most > 0:
        examined.ratios.append(Ratio(rule, seen / most))


def rule_of(policy: ir.Policy, queue: int) -> str:
    """The kind of bound: how the queue is served, whether beside guards, how it is ordered."""
    own = [guard for guard in policy.guards if guard.queue == queue]
    after = [guard for guard in own if isinstance(guard, ir.GuardAfter)]
    served = f"below {weighted_above(policy.serve, queue)} weighted"
    if own:
        served = "guard after" if after else "guard at least"
    beside = ", beside guards" if len(policy.guards) > len(own) else ""
    order = policy.queues[queue].order
    kind = "vtime" if order.clock_state is not None else "fifo" if order.key is None else "time"
    return f"{served}{beside}, {kind}"


def weighted_above(tree: ir.Tree, queue: int) -> int:
    """How many `weighted` nodes stand above the queue; -1 if it is not there."""
    match tree:
        case ir.Leaf():
            return 0 if tree.queue == queue else -1
        case ir.Strict():
            return max(weighted_above(child, queue) for child in tree.children)
        case ir.Weighted():
            below = max(weighted_above(share.child, queue) for share in tree.shares)
            return below + 1 if below >= 0 else -1
