"""How tight the bounds are: for small instances Z3 finds the longest wait there can be.

Where a bound is not that wait, `excess_ns` says by how much it is longer, and the comment why. A
bound that is tightened must be told here; one that is below the optimum is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from schedlang.prover.prove import prove
from schedlang.prover.verdict import Proved
from tests.support.adversary import MS
from tests.support.optimum import Instance, longest_wait_ns
from tests.support.optimum_vtime import VtimeInstance, longest_wait_in_vtime_ns
from tests.support.policies import compiled

ROUNDING_NS = 10_000  # deadlines that are missed by 1 ns, turns that are charged 1 us


def bound_ns(text: str) -> int:
    """Of the claim that the policy ends with."""
    verdict = prove(compiled(text)).findings[-1].verdict
    assert isinstance(verdict, Proved), verdict
    assert verdict.bound is not None
    return verdict.bound.value_ns


def claim(queue: str, tasks: int, more: str = "") -> str:
    premises = f"tasks({queue}) <= {tasks} and tick <= 1ms{more}"
    return f"guarantee {{ wait({queue}) <= 1000s when {premises} }}"


def policy(instance: Instance) -> str:
    """Slices that with a tick of 1 ms make the instance's turns."""
    names = [f"q{number}" for number in range(len(instance.turns_ns))]
    lines = ["policy small"]
    for name, turn_ns in zip(names, instance.turns_ns, strict=True):
        lines.append(f"queue {name} {{ global  order fifo  slice {turn_ns - MS}ns }}")
    rules = [f'comm ~ "{name}" -> {name}' for name in names[:-1]]
    lines.append(f"route {{ {'  '.join(rules)}  else -> {names[-1]} }}")
    if instance.weights:
        children = [f"{n}: {w}" for n, w in zip(names, instance.weights, strict=True)]
        lines.append(f"serve weighted {{ {'  '.join(children)} }}")
    else:
        lines.append(f"serve strict {{ {'  '.join(names)} }}")
    for queue, kind, value in instance.guards:
        quantity = f"after {value}ns" if kind == "after" else f"at least {value}%"
        lines.append(f"guard q{queue} {quantity}")
    return "\n".join([*lines, claim(f"q{instance.victim}", instance.tasks)])


@dataclass(frozen=True)
class Case:
    instance: Instance
    optimum_ns: int
    excess_ns: int


LONG, MID, SHORT = 11 * MS, 5 * MS, 3 * MS
AFTER = ((1, "after", 20 * MS),)
AFTERS = (*AFTER, (2, "after", 30 * MS))
SHARE = ((1, "share", 20),)
SHARES = (*SHARE, (2, "share", 30))
CASES = {
    "fifo: tight": Case(Instance((MID,), 0, 4, 6), 15 * MS, 0),
    "after, alone: tight": Case(Instance((LONG, MID), 1, 1, 6, guards=AFTER), 31 * MS, 0),
    "after, two tasks: tight": Case(Instance((LONG, MID), 1, 2, 9, guards=AFTER), 67 * MS, 0),
    "after, its turns the longest: tight": Case(
        Instance((MID, LONG), 1, 2, 12, guards=AFTER), 61 * MS, 0
    ),
    "after, beside another: tight": Case(
        Instance((LONG, MID, SHORT), 2, 1, 8, guards=AFTERS), 46 * MS, 0
    ),
    "after, beside another with the longest turns: tight": Case(
        Instance((MID, LONG, SHORT), 2, 1, 8, guards=AFTERS), 46 * MS, 0
    ),
    # The guards' rate is one of long times; in a short one they serve a turn.
    "head of `strict` beside a guard": Case(
        Instance((LONG, MID), 0, 1, 6, guards=AFTER), MID, 1_250_000
    ),
    # The lag counts what the shares are owed, their own included, at its worst for all at once.
    "share, alone": Case(Instance((LONG, MID), 1, 1, 5, guards=SHARE), 31 * MS, 2_750_000),
    "share, beside another": Case(
        Instance((LONG, MID, SHORT), 2, 1, 5, guards=SHARES), 23 * MS, 16 * MS
    ),
    "weighted, alone: tight": Case(Instance((MID, LONG), 0, 1, 6, weights=(1, 3)), 26 * MS, 0),
    "weighted, two tasks: tight": Case(Instance((MID, LONG), 0, 2, 7, weights=(1, 3)), 46 * MS, 0),
    "weighted, three children: tight": Case(
        Instance((MID, LONG, SHORT), 0, 1, 7, weights=(1, 2, 1)), 29 * MS, 0
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_wait(name: str) -> None:
    case = CASES[name]
    optimum = longest_wait_ns(case.instance)
    assert abs(optimum - case.optimum_ns) <= ROUNDING_NS
    excess = bound_ns(policy(case.instance)) - optimum
    assert excess >= 0
    assert abs(excess - case.excess_ns) <= ROUNDING_NS


def vtime_policy(instance: VtimeInstance, more: str = "") -> str:
    return f"""policy small
order plain {{
  v : vtime = clock + {instance.fork_ns}ns
  on join {{ v = max(v, clock - {instance.credit_ns}ns) }}
  on stop {{ v = v + used }}
  key v
}}
queue q {{ global  order plain  slice {instance.turn_ns - MS}ns }}
route {{ else -> q }}
serve q
{claim("q", instance.tasks, more)}"""


IN_VTIME = {
    "forks only": (VtimeInstance(MID, 0, 5 * MS, 2, 6), 10 * MS),
    "three tasks": (VtimeInstance(MID, 0, 5 * MS, 3, 7), 20 * MS),
    "small forks": (VtimeInstance(MID, 0, 2 * MS, 2, 7), 16 * MS),
    "forks and credit": (VtimeInstance(MID, 2 * MS, 5 * MS, 2, 7), 12 * MS),
}


@pytest.mark.parametrize("name", IN_VTIME)
def test_a_wait_in_virtual_time_is_the_longest_there_can_be(name: str) -> None:
    instance, wanted_ns = IN_VTIME[name]
    optimum = longest_wait_in_vtime_ns(instance)
    assert abs(optimum - wanted_ns) <= ROUNDING_NS
    excess = bound_ns(vtime_policy(instance, " and cpus <= 1")) - optimum
    assert 0 <= excess <= ROUNDING_NS


@pytest.mark.parametrize("name", IN_VTIME)
def test_other_cpus_may_give_each_other_task_one_more_turn(name: str) -> None:
    """Of a task that waits since long ago for this CPU (`test_overtaking`)."""
    instance, _ = IN_VTIME[name]
    alone, anywhere = (bound_ns(vtime_policy(instance, more)) for more in (" and cpus <= 1", ""))
    assert anywhere - alone == (instance.tasks - 1) * instance.turn_ns
