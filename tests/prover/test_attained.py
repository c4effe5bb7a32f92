"""Runs that come near to proved bounds: within them, for their case, and the same every time."""

from __future__ import annotations

from random import Random

import pytest

from schedlang.ir import nodes as ir
from schedlang.machine.replay import Replay, replay
from schedlang.machine.scenario import Delay, Turn, Wake
from schedlang.prover.prove import prove
from schedlang.prover.verdict import Finding, Proved
from schedlang.resources import data_root
from tests.prover.build import MS, policy, queue, random_policy, strict
from tests.support.policies import compiled

EXAMPLES = sorted(data_root("examples").glob("*.sched"))


def attained(subject: ir.Policy) -> list[tuple[Finding, Delay]]:
    return [
        (finding, finding.verdict.attained)
        for finding in prove(subject, attain=True).findings
        if isinstance(finding.verdict, Proved) and finding.verdict.attained is not None
    ]


def waited_ns(subject: ir.Policy, run: Delay) -> int:
    found = replay(subject, run, 1)
    assert isinstance(found, Replay)
    return found.end_ns - found.victim_since_ns


def bound_ns(finding: Finding) -> int:
    assert isinstance(finding.verdict, Proved)
    assert finding.verdict.bound is not None
    return finding.verdict.bound.value_ns


def most_alive(run: Delay) -> int:
    """How many tasks like the victim there are at a time; one that blocks for good has ended."""
    last = {step.task: at for at, step in enumerate(run.steps) if isinstance(step, Wake | Turn)}
    alive, most = set[int](), 0
    for at, step in enumerate(run.steps):
        if isinstance(step, Wake) and run.tasks[step.task].comm == run.tasks[run.victim].comm:
            alive.add(step.task)
            most = max(most, len(alive))
        if isinstance(step, Turn) and step.blocks and last[step.task] == at:
            alive.discard(step.task)
    return most


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_proved_wait_of_the_examples_has_a_run(path: object) -> None:
    subject = compiled(data_root("examples").joinpath(str(path)).read_text())
    found = attained(subject)
    proved = [
        f
        for f in prove(subject).findings
        if f.property is ir.Property.STARVATION_FREE and isinstance(f.verdict, Proved)
    ]
    assert len(found) >= len(proved)
    for finding, run in found:
        assert waited_ns(subject, run) <= bound_ns(finding)


@pytest.mark.parametrize("queues", [1, 2])
def test_the_first_of_a_strict_waits_exactly_as_long_as_its_bound(queues: int) -> None:
    names = "ab"[:queues]
    subject = policy([queue(name, 5 * MS) for name in names], strict(*range(queues)))
    finding, run = attained(subject)[0]
    assert finding.queue == 0
    assert waited_ns(subject, run) == bound_ns(finding)


@pytest.mark.parametrize("seed", range(6))
def test_no_run_is_longer_than_the_bound(seed: int) -> None:
    subject = random_policy(Random(seed))
    for finding, run in attained(subject):
        assert 0 < waited_ns(subject, run) <= bound_ns(finding)
        assert run.queue == finding.queue
        assert most_alive(run) <= 4


def test_runs_are_the_same_every_time() -> None:
    subject = random_policy(Random(2))
    assert attained(subject) == attained(subject)


def test_a_wait_is_tried_with_the_tasks_and_the_tick_of_its_claim() -> None:
    text = """\
policy claims
queue tasks { global  order fifo  slice 4ms }
route { else -> tasks }
serve tasks
guarantee { wait(tasks) <= 1s when tasks(tasks) <= 9 and tick <= 1ms }
"""
    subject = compiled(text)
    (run,) = [run for finding, run in attained(subject) if finding.property is ir.Property.WAIT]
    assert run.tick_ns == MS
    assert most_alive(run) == 9
    assert waited_ns(subject, run) == 8 * 5 * MS


def test_nobody_looks_for_runs_unasked() -> None:
    subject = policy([queue("a")], strict(0))
    verdicts = [f.verdict for f in prove(subject).findings]
    assert all(v.attained is None for v in verdicts if isinstance(v, Proved))
