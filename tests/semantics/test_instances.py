"""Scopes and stealing: what the compiler makes of them, and what it does not take."""

from __future__ import annotations

import pytest

from schedlang.ir.nodes import Scope, Steal
from schedlang.semantics.lower import Lowered, lower
from schedlang.source import Source
from schedlang.syntax.parse import parse


def lowered(clauses: str, more: str = "") -> Lowered:
    text = f"policy p\nqueue a {{ {clauses}  order fifo  slice 4ms }}\n"
    source = Source("p.sched", f"{text}route {{ else -> a }}\nserve a\n{more}\n")
    tree, findings = parse(source)
    assert tree is not None, findings
    return lower(tree, source)


@pytest.mark.parametrize(
    ("clauses", "scope", "steal"),
    [
        ("global", Scope.GLOBAL, None),
        ("per node", Scope.NODE, None),
        ("per node steal", Scope.NODE, Steal.ANY),
        ("per llc steal any", Scope.LLC, Steal.ANY),
        ("steal node per llc", Scope.LLC, Steal.NODE),
        ("per cpu", Scope.CPU, None),
        ("per cpu steal node", Scope.CPU, Steal.NODE),
    ],
)
def test_a_queue_has_a_scope_and_may_steal(clauses: str, scope: Scope, steal: Steal | None) -> None:
    policy = lowered(clauses).policy
    assert policy is not None
    assert (policy.queues[0].scope, policy.queues[0].steal) == (scope, steal)


def test_the_words_are_names_elsewhere() -> None:
    states = "steal : count = 0 in 0..9  node : count = 0 in 0..9  llc : count = 0 in 0..9"
    handler = "on join { llc = steal + 1  steal = node  node = llc }"
    assert lowered("global", f"task {{ {states}  {handler} }}").policy is not None


@pytest.mark.parametrize("clauses", ["global steal", "global steal node", "per node steal node"])
def test_there_is_something_to_steal_from(clauses: str) -> None:
    assert [finding.code for finding in lowered(clauses).findings] == ["E0232"]


@pytest.mark.parametrize("clauses", ["per cpu", "per llc", "per node", "per llc steal node"])
def test_a_cpu_that_keeps_to_itself_conserves_no_work(clauses: str) -> None:
    (finding,) = lowered(clauses, "guarantee { work_conserving }").findings
    assert finding.code == "E0233"
    alone = lowered(clauses, "guarantee { work_conserving when cpus <= 1 }")
    assert alone.policy is not None


def test_the_repair_mends_it() -> None:
    more = "guarantee { work_conserving }"
    (finding,) = lowered("per llc", more).findings
    (edit,) = finding.repairs[0].edits
    text = "policy p\nqueue a { per llc  order fifo  slice 4ms }\n"
    mended = text[: edit.span.start] + edit.text + text[edit.span.end :]
    tree, findings = parse(Source("p.sched", f"{mended}route {{ else -> a }}\nserve a\n{more}\n"))
    assert tree is not None, findings
    assert lower(tree, Source("p.sched", mended)).policy is not None


def test_a_scope_is_said_once() -> None:
    assert [finding.code for finding in lowered("per llc global").findings] == ["E0210"]
    assert [finding.code for finding in lowered("").findings] == ["E0210"]
