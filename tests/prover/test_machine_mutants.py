"""Every rule of docs/machine.md is looked at: a machine that breaks one is noticed.

By the comparison of interpreter and simulator, whatever the rule; and by the bounds, where a proof
rests on it. A mutant that the bounds do not notice is told with the reason.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from schedlang.ir import nodes as ir
from schedlang.prover.prove import prove
from schedlang.prover.verdict import Proved
from tests.support import mutants, unit_mutants
from tests.support.attack import Budget, Ran, attack
from tests.support.fuzz import wait_claim
from tests.support.pairs import compare
from tests.support.policies import compiled
from tests.support.reading import Reading
from tests.support.simulated_cpu import SimCpu
from tests.support.simulated_units import Units
from tests.support.simulator import Simulator

MOST_TASKS = 6
MOST_SEEDS = 40
LONG_SEARCH = Budget(targets=3, climbs=4, randoms=6, steps=200)
SHORT_SEARCH = Budget(targets=1, climbs=2, randoms=3, steps=200)


def whole(kind: object) -> type[Simulator] | None:
    """The machine that a class of the module makes, if it is one."""
    modules = {mutants.__name__, unit_mutants.__name__}
    if not isinstance(kind, type) or kind.__module__ not in modules:
        return None
    if issubclass(kind, SimCpu):
        return mutants.on(kind)
    if issubclass(kind, Units):
        return unit_mutants.on(kind)
    return kind if issubclass(kind, Simulator) else None


ALL = {name: whole(kind) for name, kind in (vars(mutants) | vars(unit_mutants)).items()}
MUTANTS = {name: machine for name, machine in ALL.items() if machine is not None}

# V is the least p of those that are non-empty whenever a child is chosen, or less: a child comes
# back at V at least, and p only grows. So its `max` never decides.
EQUIVALENT = {"VGoesBack"}


@pytest.mark.parametrize("name", sorted(MUTANTS.keys() - EQUIVALENT))
def test_the_comparison_notices(name: str) -> None:
    @settings(
        max_examples=3000,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def search(data: st.DataObject) -> None:
        compare(data, MUTANTS[name])

    with pytest.raises(AssertionError):
        search()


def policy(queues: dict[str, str], rest: str) -> str:
    """Queues by name, with their orders and slices; tasks go to the queue that is their comm."""
    names = list(queues)
    lines = ["policy p", "use std.orders.{vruntime}", DECLARED]
    lines += [f"queue {name} {{ global  {text} }}" for name, text in queues.items()]
    rules = [f'comm ~ "{name}" -> {name}' for name in names[:-1]]
    lines.append(f"route {{ {'  '.join(rules)}  else -> {names[-1]} }}")
    return "\n".join([*lines, rest])


DECLARED = """task {
  grown : duration = 1ms in 1ms..4ms
  on stop { grown = grown + 4ms }
}
order plain(credit : duration) {
  v : vtime = clock + 5ms
  on join { v = max(v, clock - credit) }
  on stop { v = v + used }
  key v
}"""
FIFO = "order fifo  slice 4ms"
LONG = "order fifo  slice 10ms"
SHORT = "order fifo  slice 1ms"
PLAIN = "order plain(credit: 0ms)  slice 4ms"
VRUNTIME = "order vruntime(credit: 20ms, fork: 1ms)  slice 4ms"
GROWING = "order fifo  slice grown"
POLICIES = {
    "fifo": policy({"q0": FIFO}, "serve q0"),
    "growing": policy({"q0": GROWING}, "serve q0"),
    "plain": policy({"q0": PLAIN}, "serve q0"),
    "fair": policy({"q0": VRUNTIME}, "serve q0  guarantee { fair(q0) when cpus <= 1 }"),
    "pair": policy({"q0": FIFO, "q1": FIFO}, "serve weighted { strict { q0  q1 }: 1 }"),
    "after": policy({"q0": LONG, "q1": FIFO}, "serve strict { q0  q1 }  guard q1 after 40ms"),
    "afters": policy(
        {"q0": LONG, "q1": FIFO, "q2": FIFO},
        "serve strict { q0  q1  q2 }  guard q1 after 4ms  guard q2 after 40ms",
    ),
    "crowd": policy(
        {"q0": FIFO, "q1": FIFO, "q2": FIFO, "q3": FIFO},
        "serve strict { q0  q1  q2  q3 }\n"
        "guard q1 after 1ms  guard q2 after 1ms  guard q3 after 20ms",
    ),
    "share": policy({"q0": LONG, "q1": FIFO}, "serve strict { q0  q1 }  guard q1 at least 40%"),
    "shares": policy(
        {"q0": LONG, "q1": FIFO, "q2": SHORT},
        "serve strict { q0  q1  q2 }  guard q1 at least 40%  guard q2 at least 10%\n"
        "place { cpu in any }",
    ),
    "weighted": policy(
        {"q0": FIFO, "q1": SHORT, "q2": LONG},
        "serve weighted { q0: 1  q1: 4  q2: 2 }  place { prev  cpu in any }",
    ),
    "preempt": policy(
        {"q0": SHORT, "q1": LONG},
        "serve strict { q0  q1 }  guard q1 after 20ms  preempt { q0 over q1 after 1ms }",
    ),
    "weights": policy({"q0": SHORT, "q1": SHORT}, "serve weighted { q0: 10  q1: 1 }"),
}


@lru_cache
def bounds(name: str) -> dict[tuple[int, int], int]:
    """The proved wait in each queue, for each number of its tasks; at (-1, -1) the claim's own."""
    subject = compiled(POLICIES[name])
    claims = [
        *subject.goals,
        *(wait_claim(q, n) for q in range(len(subject.queues)) for n in range(1, MOST_TASKS + 1)),
    ]
    findings = prove(replace(subject, goals=tuple(claims))).findings
    found: dict[tuple[int, int], int] = {}
    for goal, finding in zip(claims, findings[-len(claims) :], strict=True):
        if isinstance(finding.verdict, Proved):
            assert finding.verdict.bound is not None
            (condition,) = goal.conditions
            key = (-1, -1)
            if isinstance(condition, ir.TasksAtMost):
                key = (condition.queue, condition.count)
            found[key] = finding.verdict.bound.value_ns
    return found


def is_contradicted(name: str, ran: Ran) -> bool:
    if any(ran.forgotten):
        return True
    known = bounds(name)
    measured = max(ran.measured.values(), default=0) if ran.cpus == 1 else 0
    return measured > known.get((-1, -1), measured) or any(
        ns > known.get((queue, ran.tasks[queue]), ns) for queue, ns in ran.worst.items()
    )


def contradicts(
    name: str, machine: type[Simulator], seeds: int = MOST_SEEDS, budget: Budget = LONG_SEARCH
) -> bool:
    """Whether a run of the machine contradicts what is proved of the policy."""
    subject, reading = compiled(POLICIES[name]), Reading(POLICIES[name])
    return any(
        is_contradicted(name, ran)
        for seed in range(seeds)
        for ran in attack(subject, reading, Random(seed), budget, machine)
    )


def test_the_machine_of_the_page_contradicts_nothing() -> None:
    assert [name for name in POLICIES if contradicts(name, Simulator, 1, SHORT_SEARCH)] == []


NOTICED_IN = {
    "AfterNeverSettles": "after",
    "ClockStandsStill": "plain",
    "ComesBackWhereItWas": "weighted",
    "ComesBackWithoutDebt": "weighted",
    "ForgivesShare": "shares",
    "GreatestFirst": "weighted",
    "GuardsInOrderOfText": "crowd",
    "HandsNothingOn": "pair",
    "IgnoresKeys": "fair",
    "KeepsSurplus": "share",
    "LastInFirstOut": "fifo",
    "LastOfStrict": "after",
    "NeverCuts": "preempt",
    "NeverSeesEmptyShare": "share",
    "NeverStops": "plain",
    "NewestFirst": "crowd",
    "NoRest": "share",
    "NoWalkForPlaced": "weighted",
    "RestartsFromDue": "after",
    "ServiceIsFree": "weighted",
    "ShareCostsTwice": "share",
    "ShareIsFree": "share",
    "StartsAtLength": "preempt",
    "TreeFirst": "after",
    "Unbounded": "growing",
    "VStandsStill": "weighted",
    "WakesNobody": "fifo",
    "WeightsUpsideDown": "weighted",
}


@pytest.mark.parametrize("name", NOTICED_IN)
def test_a_bound_notices(name: str) -> None:
    assert contradicts(NOTICED_IN[name], MUTANTS[name])


# Mutants that keep all bounds, or break them only in runs that are too long to play.
KEEPS_BOUNDS = {
    "ChargesWhatWasUsed": "a turn under 1 us counts for what it is: time is shared as before",
    "ClockGoesBack": "the state that moves the clock is the least but for newcomers and sleepers",
    "CutsAgain": "a turn that is ended has stopped before anybody else arrives",
    "CutsForWhoComesBack": "bounds hold for turns of any length",
    "CutsTheFarthest": "a turn that may be cut short is cut short on any CPU",
    "CutsWhoeverIsNear": "bounds hold for turns of any length",
    "ForgetsTheQueue": "every task is a newcomer, and newcomers start behind those who wait",
    "HomeIsTheLeast": "bounds hold for any instance that a CPU of the task sees",
    "IgnoresTheWaker": "bounds hold for any placement",
    "KnowsNoCaches": "bounds hold for any placement",
    "LastRuleDecides": "a bound is about those who are in the queue, whoever sent them there",
    "LlcsAreNodes": "bounds hold for any topology",
    "LeavesNothing": "bounds hold for turns of any length",
    "NeverPlaces": "bounds hold for any placement",
    "NeverSeesEmptyAfter": "the guard serves at once, and still only once in each delay",
    "OrderJoinsFirst": "the bounds of these orders read no state that both kinds of handlers set",
    "PlacesAnywhere": "bounds hold for any placement",
    "PlacesRequeued": "bounds hold for any placement",
    "RoundsDown": "it takes millions of turns of 1 ns until a guard has a turn too much",
    "RunsAnywhere": "with more CPUs a task waits less",
    "StealsFromAfar": "thieves only take tasks away, from wherever",
    "StealsInOrderOfNumbers": "thieves only take tasks away, from wherever",
    "StopsOrderFirst": "the bounds of these orders read no state that both kinds of handlers set",
    "WakesAtEachArrival": "the orders that these bounds are about have no `wake` handlers",
    "WakesThievesFirst": "a thief that takes another task hands its wake-up on",
}


# In runs that random ones do not come upon, and are in `test_instances`, or that do not end.
NOTICED_ELSEWHERE = {
    "HandsOnOnce": "a wake-up goes to a CPU that does not see the task which it was meant for",
    "NeverRebases": "who comes from where the clock is far ahead waits for all of that",
    "RegainsCredit": "two tasks that go to and fro keep out a third one",
    "StealsForFree": "a queue that was stolen from often is far behind V",
    "StealsNothing": "a CPU that is woken to steal hands its wake-up on for ever",
    "WakesStrangers": "a CPU that may not take the task hands its wake-up on for ever",
}


def test_every_mutant_is_accounted_for() -> None:
    told = NOTICED_IN.keys() | KEEPS_BOUNDS.keys() | EQUIVALENT | NOTICED_ELSEWHERE.keys()
    assert told == MUTANTS.keys()
    assert not NOTICED_IN.keys() & (KEEPS_BOUNDS.keys() | NOTICED_ELSEWHERE.keys())
