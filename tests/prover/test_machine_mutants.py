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
from tests.support import mutants
from tests.support.attack import Budget, Ran, attack
from tests.support.fuzz import wait_claim
from tests.support.pairs import compare
from tests.support.policies import compiled
from tests.support.reading import Reading
from tests.support.simulated_cpu import SimCpu
from tests.support.simulator import Simulator

MOST_TASKS = 6
SEEDS = 12


def whole(kind: type) -> type[Simulator]:
    return mutants.on(kind) if issubclass(kind, SimCpu) else kind


MUTANTS = {
    name: whole(kind)
    for name, kind in vars(mutants).items()
    if isinstance(kind, type) and kind.__module__ == mutants.__name__
}

# V is the least p of those that are non-empty whenever a child is chosen, or less: a child comes
# back at V at least, and p only grows. So its `max` never decides.
EQUIVALENT = {"VGoesBack"}


@pytest.mark.parametrize("name", sorted(MUTANTS.keys() - EQUIVALENT))
def test_the_comparison_notices(name: str) -> None:
    @settings(
        max_examples=600,
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
    lines = ["policy p", DECLARED]
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
GROWING = "order fifo  slice grown"
POLICIES = {
    "fifo": policy({"q0": FIFO}, "serve q0"),
    "growing": policy({"q0": GROWING}, "serve q0"),
    "plain": policy({"q0": PLAIN}, "serve q0"),
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
    "weights": policy({"q0": SHORT, "q1": SHORT}, "serve weighted { q0: 10  q1: 1 }"),
}


@lru_cache
def bounds(name: str) -> dict[tuple[int, int], int]:
    """The proved wait in each queue, for each number of its tasks."""
    subject = compiled(POLICIES[name])
    claims = [
        wait_claim(queue, tasks)
        for queue in range(len(subject.queues))
        for tasks in range(1, MOST_TASKS + 1)
    ]
    findings = prove(replace(subject, goals=tuple(claims))).findings
    found: dict[tuple[int, int], int] = {}
    for goal, finding in zip(claims, findings[-len(claims) :], strict=True):
        (condition,) = goal.conditions
        assert isinstance(condition, ir.TasksAtMost)
        if isinstance(finding.verdict, Proved):
            assert finding.verdict.bound is not None
            found[condition.queue, condition.count] = finding.verdict.bound.value_ns
    return found


def is_contradicted(name: str, ran: Ran) -> bool:
    if any(ran.forgotten):
        return True
    known = bounds(name)
    return any(ns > known.get((q, ran.tasks[q]), ns) for q, ns in ran.worst.items())


def contradicts(name: str, machine: type[Simulator]) -> bool:
    """Whether a run of the machine contradicts what is proved of the policy."""
    subject, reading = compiled(POLICIES[name]), Reading(POLICIES[name])
    budget = Budget(targets=3, climbs=4, randoms=6, steps=200)
    return any(
        is_contradicted(name, ran)
        for seed in range(SEEDS)
        for ran in attack(subject, reading, Random(seed), budget, machine)
    )
