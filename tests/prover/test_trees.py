"""CPUs with trees of their own, and queues that are kept to a set of CPUs."""

from __future__ import annotations

import pytest

from schedlang.ir import nodes as ir
from schedlang.prover.prove import prove
from schedlang.prover.verdict import Finding, Proved, Refuted, Unknown
from tests.support.policies import compiled

STRICT, FAIR = "strict { a  b }", "weighted { a: 1  b: 3 }"
GUARDS = "guard b at least 10%"
FEW, OTHERS = "cpuset some = 0-1", "cpuset some = 2-3"


def policy(*serve: str, more: str = GUARDS, declared: str = "", on: str = "") -> str:
    """With a set, it is that of the first tree."""
    return f"""policy trees
{declared}
queue a {{ global  order fifo  slice 4ms  {on} }}
queue b {{ global  order fifo  slice 8ms }}
route {{ comm ~ "a" -> a  else -> b }}
{" ".join(serve)}
{more}
"""


def findings(text: str) -> tuple[Finding, ...]:
    return prove(compiled(text)).findings


def bound_ns(text: str, queue: int) -> int:
    verdict = findings(text)[queue].verdict
    assert isinstance(verdict, Proved), verdict
    assert verdict.bound is not None
    return verdict.bound.value_ns


@pytest.mark.parametrize("queue", [0, 1])
@pytest.mark.parametrize(("first", "last"), [(STRICT, FAIR), (FAIR, STRICT)])
def test_a_wait_is_that_of_the_worst_tree(queue: int, first: str, last: str) -> None:
    alone = [bound_ns(policy(f"serve {tree}"), queue) for tree in (first, last)]
    both = policy(f"serve on some {first}", f"serve {last}", declared=OTHERS)
    assert bound_ns(both, queue) == max(alone)


def test_what_is_true_of_one_tree_is_not_of_all() -> None:
    """Of the CPU on which runs are played there is a run; of another, it is not known."""
    accepted = 'accept starvation of b because "idle work"'
    trees = (f"serve on some {STRICT}", f"serve {FAIR}")
    found = [
        findings(policy(*trees, more=accepted, declared=declared))[1].verdict
        for declared in (FEW, OTHERS)
    ]
    assert isinstance(found[0], Refuted)
    assert isinstance(found[1], Unknown)
    assert found[1].detail.startswith("on the CPUs of `some`: it stands below another queue")


def test_shares_and_fairness_are_those_of_the_worst_tree() -> None:
    claims = "guarantee {{ share(b) >= {}% when backlogged(b)  fair(a, b) }}"
    for percent, is_proved in ((50, True), (70, False)):
        more = claims.format(percent)
        trees = (f"serve on some {FAIR}", "serve weighted { a: 1  b: 1 }")
        share, fair = findings(policy(*trees, more=more, declared=FEW))[-2:]
        assert isinstance(share.verdict, Proved) is is_proved
        assert isinstance(fair.verdict, Proved)


@pytest.mark.parametrize("on", ["on some", "on big"])
def test_a_queue_that_is_kept_to_a_set_waits_no_longer(on: str) -> None:
    claims = "guarantee { work_conserving  no_lost_task }"
    text = policy(f"serve {STRICT}", more=f"{GUARDS}\n{claims}", declared=OTHERS, on=on)
    for queue in (0, 1):
        assert bound_ns(text, queue) == bound_ns(policy(f"serve {STRICT}"), queue)
    verdicts = {f.property: f.verdict for f in findings(text)}
    for property_ in (ir.Property.WORK_CONSERVING, ir.Property.NO_LOST_TASK):
        assert isinstance(verdicts[property_], Proved)
