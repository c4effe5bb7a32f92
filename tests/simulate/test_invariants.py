"""What holds of every run: random policies, random workloads, random machines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from schedlang.ir.nodes import MAX_SLICE_NS, Policy, Scope, Steal
from schedlang.report.simulation import simulation_json
from schedlang.simulate.engine import Setting, simulate
from schedlang.simulate.program import OPERATION_NS
from schedlang.simulate.record import Record, Turned
from schedlang.topology import Topology
from schedlang.workload.check import cpus_of
from schedlang.workload.draws import Stream, stream_start
from schedlang.workload.model import Begin, End, Loop, Phase, Receive, Run, Sleep, Workload
from tests.support.policies import compiled, policies
from tests.support.traces import param_values
from tests.support.workloads import workloads

ROOT = Path(__file__).parents[2]
FEW = settings(max_examples=25)
MACHINES = [Topology(1), Topology(2), Topology(3, 3), Topology(4, smt=2), Topology(6, 2, 2)]


class Case:
    """A run, and what it was a run of."""

    def __init__(self, policy: Policy, workload: Workload, setting: Setting) -> None:
        self.policy = policy
        self.workload = workload
        self.setting = setting
        self.found = simulate(policy, workload, setting, recorded=True)

    @property
    def record(self) -> Record:
        assert self.found.record is not None
        return self.found.record

    def turns_of(self) -> dict[int, list[Turned]]:
        by_thread: dict[int, list[Turned]] = defaultdict(list)
        for turn in self.record.turns:
            by_thread[turn.thread].append(turn)
        return by_thread

    def text(self) -> str:
        return json.dumps(simulation_json(self.policy, self.setting, self.found))


@st.composite
def cases(draw: DrawFn) -> Case:
    policy = compiled(draw(policies()))
    setting = Setting(
        draw(st.sampled_from(MACHINES)),
        draw(param_values(policy)),
        draw(st.integers(0, 2**64 - 1)),
        draw(st.sampled_from([1_000_000, 4_000_000, 10_000_000])),
    )
    return Case(policy, draw(workloads()), setting)


def disjoint(spans: list[tuple[int, int]]) -> bool:
    ordered = sorted(spans)
    return all(a[1] <= b[0] for a, b in pairwise(ordered))


@FEW
@given(cases())
def test_no_cpu_runs_two_threads_and_no_thread_is_on_two_cpus(case: Case) -> None:
    turns = case.record.turns
    for cpu in range(case.setting.topology.cpus):
        assert disjoint([(t.start_ns, t.end_ns) for t in turns if t.cpu == cpu])
    for own in case.turns_of().values():
        assert disjoint([(t.start_ns, t.end_ns) for t in own])


@FEW
@given(cases())
def test_turns_are_where_and_as_long_as_they_may_be(case: Case) -> None:
    most_ns = MAX_SLICE_NS + case.setting.tick_ns
    for turn in case.record.turns:
        group = case.workload.groups[case.record.threads[turn.thread].group]
        assert turn.cpu in cpus_of(group, case.setting.topology.cpus)
        assert 0 <= turn.start_ns < turn.end_ns <= turn.start_ns + most_ns or (
            turn.start_ns == turn.end_ns == case.record.end_ns
        )
        assert turn.end_ns <= case.record.end_ns


@FEW
@given(cases())
def test_cpu_time_is_conserved(case: Case) -> None:
    by_group = [0] * len(case.workload.groups)
    for turn in case.record.turns:
        by_group[case.record.threads[turn.thread].group] += turn.end_ns - turn.start_ns
    outcome = case.found.outcome
    assert [group.run_ns for group in outcome.groups] == by_group
    assert sum(by_group) <= outcome.makespan_ns * case.setting.topology.cpus


@FEW
@given(cases())
def test_waits_lead_to_turns(case: Case) -> None:
    """Each turn begins when a wait of its thread ends; a wait that leads to none is cut off."""
    waits = sorted((w.thread, w.start_ns, w.end_ns) for w in case.record.waits)
    assert all(start <= end for _, start, end in waits)
    ends = sorted((thread, end) for thread, _, end in waits)
    starts = sorted((t.thread, t.start_ns) for t in case.record.turns)
    cut_off = [(thread, end) for thread, end in ends if (thread, end) not in set(starts)]
    assert all(end == case.record.end_ns for _, end in cut_off)
    assert sorted(set(ends) - set(cut_off)) == starts
    by_group = [0] * len(case.workload.groups)
    for thread, start, end in waits:
        by_group[case.record.threads[thread].group] += end - start
    assert [group.wait_ns for group in case.found.outcome.groups] == by_group
    assert [wait.total_ns for wait in case.found.waits] == by_group


@FEW
@given(cases())
def test_no_cpu_is_idle_while_a_thread_waits_that_it_may_run(case: Case) -> None:
    """Where every CPU may take from every instance; else see `tests/machine/test_instances.py`."""
    queues = case.policy.queues
    assume(all(q.scope is Scope.GLOBAL or q.steal is Steal.ANY for q in queues))
    busy: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for turn in case.record.turns:
        busy[turn.cpu].append((turn.start_ns, turn.end_ns))
    for wait in case.record.waits:
        group = case.workload.groups[case.record.threads[wait.thread].group]
        for cpu in cpus_of(group, case.setting.topology.cpus):
            inside = (
                min(end, wait.end_ns) - max(start, wait.start_ns)
                for start, end in busy[cpu]
                if start < wait.end_ns and wait.start_ns < end
            )
            assert sum(inside) == wait.end_ns - wait.start_ns


def work(phases: tuple[Phase, ...], stream: Stream) -> Iterator[int]:
    """The CPU time of each phase, told from the phases alone."""
    for phase in phases:
        match phase:
            case Run(length=length):
                yield stream.draw(length)
            case Loop(times=times):
                assert times is not None
                for _ in range(times):
                    yield from work(phase.phases, stream)
            case Sleep(length=length):
                yield OPERATION_NS
                stream.draw(length)
            case Receive(count=count):
                yield OPERATION_NS * count
            case Begin() | End():
                pass
            case _:
                yield OPERATION_NS


@FEW
@given(cases())
def test_a_thread_that_ended_did_its_work_whatever_the_policy(case: Case) -> None:
    endings = {
        index: group.ended == group.threads for index, group in enumerate(case.found.outcome.groups)
    }
    turns = case.turns_of()
    for number, thread in enumerate(case.record.threads):
        group = case.workload.groups[thread.group]
        if endings[thread.group]:
            stream = Stream(stream_start(case.setting.seed, thread.group, thread.number))
            stream.draw(group.start)
            own = sum(t.end_ns - t.start_ns for t in turns[number])
            assert own == sum(work(group.phases, stream)) + OPERATION_NS


@FEW
@given(cases())
def test_workloads_without_a_duration_come_to_their_end(case: Case) -> None:
    assert not case.found.stuck or case.workload.duration_ns is not None
    if case.workload.duration_ns is None:
        assert all(group.ended == group.threads for group in case.found.outcome.groups)
    else:
        assert case.found.outcome.makespan_ns <= case.workload.duration_ns


@FEW
@given(cases())
def test_the_counts_fit_together(case: Case) -> None:
    outcome, events = case.found.outcome, case.found.events
    turns = len(case.record.turns)
    assert events.dispatches == turns
    assert events.blocks == sum(turn.blocked for turn in case.record.turns)
    assert 0 <= turns - events.blocks - events.preemptions <= case.setting.topology.cpus
    for group, waits in zip(outcome.groups, case.found.waits, strict=True):
        assert group.migrations <= group.switches <= waits.count
        assert group.wakeups.count <= waits.count
        assert group.wakeups.total_ns <= group.wait_ns
        assert group.ended <= group.threads
        for _, taken in group.requests:
            assert taken.p50_ns <= taken.p99_ns <= taken.max_ns <= outcome.makespan_ns


@FEW
@given(cases())
def test_the_same_run_gives_the_same_bytes(case: Case) -> None:
    assert Case(case.policy, case.workload, case.setting).text() == case.text()


# --- determinism between processes, and what the seed does


def sim(seed: int, hash_seed: str, folder: Path) -> dict[str, object]:
    """What the command line says, in a process of its own."""
    files = [f"--html={folder / 'run.html'}", f"--trace={folder / 'run.json'}"]
    argv = ["sim", "examples/web_server.sched", "-w", "tenants", "--cpus=3", f"--seed={seed}"]
    done = subprocess.run(
        [sys.executable, "-m", "schedlang", *argv, *files, "--format=json"],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    files_read = {path.name: path.read_text() for path in sorted(folder.iterdir())}
    assert set(files_read) == {"run.html", "run.json"}
    return {"said": done.stdout, **files_read}


def test_another_process_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    first = sim(7, "1", tmp_path)
    assert sim(7, "2", tmp_path) == first
    other = sim(8, "1", tmp_path)
    assert all(other[key] != first[key] for key in ("said", "run.html", "run.json"))
