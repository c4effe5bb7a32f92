"""Random policies: their C, run natively, against the reference interpreter, on random traces.

A shard is many policies in one call of the compiler, each with several traces. What goes wrong is
told with a trace that was made short; `smallest` makes the policy small as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from schedlang.conform.events import Event, draw_events
from schedlang.conform.pair import Divergence, Pair, Setting, compare
from schedlang.conform.shorten import shorten
from schedlang.conform.twin import Twin
from schedlang.ir.nodes import Policy
from schedlang.machine.compiled import compile_policy
from schedlang.prover.verdict import ProofReport
from schedlang_bpf.emit import emit
from schedlang_bpf.native import natives
from tests.support.policies import compiled, policies, steered_policies
from tests.support.shards import drawn

SHARDS = 20
POLICIES_PER_SHARD = 50
TRACES_PER_POLICY = 12
EVENTS = 120
COMMS = ("hog", "web", "w", "x", "q0", "q1", "q2", "q3", "worker")
CGROUPS = ("/", "/a", "/a/b", "/ab", "/a/b/c")

Defect = tuple[str, str]


@dataclass(frozen=True)
class Trace:
    setting: Setting
    events: tuple[Event, ...]


@dataclass(frozen=True)
class Failure:
    trace: Trace
    divergence: Divergence

    def __str__(self) -> str:
        lines = [f"{self.trace.setting}", *map(str, self.trace.events), f"{self.divergence}"]
        return "\n".join(lines)


@dataclass(frozen=True)
class Tally:
    policies: int
    pairs: int
    turns: int


def drawn_trace(policy: Policy, number: int, events: int = EVENTS) -> Trace:
    """The same trace for the same number."""
    random = Random(number)
    cpus = random.randint(1, 4)
    params = tuple(
        random.choice((p.lo, p.default, p.hi, random.randint(p.lo, p.hi))) for p in policy.params
    )
    happenings = draw_events(random, events, cpus, COMMS, CGROUPS)
    return Trace(Setting(cpus, params), happenings)


def c_of(policy: Policy, defect: Defect | None = None) -> str:
    c = emit(policy, ProofReport(()))
    if defect is None:
        return c
    assert defect[0] in c, defect
    return c.replace(*defect)


def failure(policy: Policy, twin: Twin, traces: Iterable[Trace]) -> Failure | None:
    """The first trace on which the two part, made short."""
    code = compile_policy(policy)
    for trace in traces:
        if compare(policy, twin, trace.setting, trace.events, code) is None:
            continue

        def goes_wrong(events: Sequence[Event], setting: Setting = trace.setting) -> bool:
            return compare(policy, twin, setting, events, code) is not None

        short = shorten(trace.events, goes_wrong)
        divergence = compare(policy, twin, trace.setting, short, code)
        assert divergence is not None
        return Failure(Trace(trace.setting, short), divergence)
    return None


def failure_of(text: str, first: int, traces: int) -> Failure | None:
    policy = compiled(text)
    (twin,) = natives([(c_of(policy), policy)])
    return failure(policy, twin, (drawn_trace(policy, first + n) for n in range(traces)))


def run_shard(shard: int, number: int = POLICIES_PER_SHARD) -> Tally:
    """Raises AssertionError with a small policy and a short trace."""
    texts = drawn(shard, number)
    asked = [compiled(text) for text in texts]
    turns = 0
    for n, (policy, twin) in enumerate(
        zip(asked, natives([(c_of(policy), policy) for policy in asked]), strict=True)
    ):
        traces = [drawn_trace(policy, shard + i) for i in range(TRACES_PER_POLICY)]
        found = failure(policy, twin, traces)
        if found is not None:
            raise AssertionError(f"{texts[n]}\n{found}\n\n{smallest(shard, number, texts[:n])}")
        turns += sum(turns_in(policy, twin, trace) for trace in traces[:1])
    return Tally(len(texts), len(texts) * TRACES_PER_POLICY, turns)


def turns_in(policy: Policy, twin: Twin, trace: Trace) -> int:
    pair = Pair(policy, twin, trace.setting)
    for event in trace.events:
        pair.take(event)
    return pair.turns


def smallest(shard: int, number: int, fine: Sequence[str]) -> str:
    """The shard drawn again up to its first failure, and that policy made small by hypothesis."""
    known = set(fine)

    @seed(shard)
    @settings(
        max_examples=number,
        deadline=None,
        database=None,
        derandomize=False,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.one_of(policies(), steered_policies()))
    def again(text: str) -> None:
        if text not in known:
            found = failure_of(text, shard, TRACES_PER_POLICY)
            assert found is None, f"made small:\n{text}\n{found}"

    try:
        again()
    except AssertionError as error:
        return str(error)
    return "the failure did not come again"
