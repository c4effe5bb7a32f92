"""What preemption is worth to those who wait: turns of others that are cut short count for less."""

from __future__ import annotations

import pytest

from schedlang.prover.prove import prove
from schedlang.prover.setting import cut_turns
from schedlang.prover.verdict import Proved, Refuted
from tests.prover.build import MS
from tests.support.policies import compiled

TICK = "tick <= 1ms"


def policy(serve: str, preempt: str, claims: str = "", queues: str = "global") -> str:
    return f"""policy cut
queue a {{ {queues}  order fifo  slice 1ms }}
queue b {{ {queues}  order fifo  slice 20ms }}
queue c {{ {queues}  order fifo  slice 10ms }}
route {{ comm ~ "a" -> a  comm ~ "b" -> b  else -> c }}
serve {serve}
guard b after 100ms
guard c after 200ms
{preempt}
guarantee {{ starvation_free when {TICK}  {claims} }}
"""


def bound_ns(text: str, queue: int = 0) -> int:
    found = prove(compiled(text)).findings[queue]
    assert isinstance(found.verdict, Proved), found.verdict
    assert found.verdict.bound is not None
    return found.verdict.bound.value_ns


STRICT = "strict { a  b  c }"
WEIGHTED = "weighted { a: 2  strict { b  c }: 1 }"
BOTH = "preempt { a over b after 2ms  a over c after 3ms }"


@pytest.mark.parametrize("serve", [STRICT, WEIGHTED])
def test_who_preempts_waits_less(serve: str) -> None:
    assert bound_ns(policy(serve, BOTH)) < bound_ns(policy(serve, "")) / 2


@pytest.mark.parametrize("serve", [STRICT, WEIGHTED])
def test_who_is_preempted_waits_no_longer_for_it(serve: str) -> None:
    for queue in (1, 2):
        assert bound_ns(policy(serve, BOTH), queue) == bound_ns(policy(serve, ""), queue)


@pytest.mark.parametrize(
    "preempt", ["preempt { a over b earlier after 2ms }", "preempt { b over c after 2ms }"]
)
def test_rules_about_keys_or_others_are_worth_nothing(preempt: str) -> None:
    keyed = policy(STRICT, preempt).replace("order fifo", "order soon")
    keyed = keyed.replace("queue a", "order soon { key now }\nqueue a", 1)
    assert bound_ns(keyed) == bound_ns(keyed.replace(preempt, ""))


def test_a_queue_that_is_stolen_from_gains_nothing() -> None:
    owned, stolen = "per cpu", "per cpu  steal"
    assert bound_ns(policy(STRICT, BOTH, "", owned)) == bound_ns(policy(STRICT, BOTH))
    assert bound_ns(policy(STRICT, BOTH, "", stolen)) == bound_ns(policy(STRICT, ""))


IDLE_WORK = """
accept starvation of b because "idle work"
accept starvation of c because "idle work"
"""


@pytest.mark.parametrize(("claimed", "verdict"), [("3ms", Proved), ("2999us", Refuted)])
def test_the_bound_is_attained_by_a_run(claimed: str, verdict: type) -> None:
    """One task: the turn of `b` that it cuts short, and the tick."""
    text = policy(STRICT, "preempt { a over b after 2ms  a over c after 2ms }") + IDLE_WORK
    lines = [line for line in text.splitlines() if not line.startswith(("guard ", "guarantee "))]
    lines.append(f"guarantee {{ wait(a) <= {claimed} when tasks(a) <= 1 and {TICK} }}")
    assert isinstance(prove(compiled("\n".join(lines))).findings[-1].verdict, verdict)


def test_the_longest_delay_counts() -> None:
    text = policy(STRICT, "preempt { a over b after delay }")
    text = text.replace("queue a", "param delay : duration = 2ms in 1ms..5ms\nqueue a", 1)
    subject = compiled(text)
    turns = tuple(24 * MS for _ in subject.queues)
    assert cut_turns(subject, turns, 4 * MS)[0] == (24 * MS, 9 * MS, 24 * MS)
