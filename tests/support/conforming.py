"""Random policies: their C, run natively, against the reference interpreter, on random traces.

A shard is many policies in one call of the compiler, each with several traces. What goes wrong is
told with a trace that was made short; `smallest` makes the policy small as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from schedlang.conform.check import Failure, Plan, check
from schedlang.ir.nodes import Policy
from schedlang.prover.verdict import ProofReport
from schedlang.report.conformance import failure_lines
from schedlang_bpf.emit import EmitOptions, emit
from schedlang_bpf.native import natives
from tests.support.policies import COMPILED, compiled, policies, steered_policies
from tests.support.shards import drawn

SHARDS = 20
POLICIES_PER_SHARD = 50
TRACES_PER_POLICY = 12
EVENTS = 120

Defect = tuple[str, str]


@dataclass(frozen=True)
class Tally:
    policies: int
    pairs: int
    turns: int


def c_of(policy: Policy, defect: Defect | None = None, *, traced: bool = False) -> str:
    """`defect`: a text of the C, and what stands in its place."""
    c = emit(policy, ProofReport(()), EmitOptions(traced=traced))
    if defect is None:
        return c
    assert defect[0] in c, defect
    return c.replace(*defect)


def run_shard(shard: int, number: int = POLICIES_PER_SHARD) -> Tally:
    """Raises AssertionError with a small policy and a short trace."""
    texts = drawn(shard, number, COMPILED)
    asked = [compiled(text) for text in texts]
    twins = natives([(c_of(policy), policy) for policy in asked])
    plan = Plan(TRACES_PER_POLICY, EVENTS, shard)
    turns = 0
    for n, (policy, twin) in enumerate(zip(asked, twins, strict=True)):
        checked = check(policy, twin, plan)
        if checked.failure is not None:
            told = tell(texts[n], policy, checked.failure)
            raise AssertionError(f"{told}\n\nMade small:\n{smallest(plan, number, texts[:n])}")
        turns += checked.turns
    return Tally(len(texts), len(texts) * TRACES_PER_POLICY, turns)


def tell(text: str, policy: Policy, failure: Failure) -> str:
    return "\n".join([text, *failure_lines(policy, failure)])


def smallest(plan: Plan, number: int, fine: Sequence[str]) -> str:
    """The shard drawn again up to its first failure, and that policy made small by hypothesis."""
    known = set(fine)

    @seed(plan.seed)
    @settings(
        max_examples=number,
        deadline=None,
        database=None,
        derandomize=False,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.one_of(policies(using=COMPILED), steered_policies(using=COMPILED)))
    def again(text: str) -> None:
        if text not in known:
            policy = compiled(text)
            (twin,) = natives([(c_of(policy), policy)])
            failure = check(policy, twin, plan).failure
            assert failure is None, tell(text, policy, failure)

    try:
        again()
    except AssertionError as error:
        return str(error)
    return "the failure did not come again"
