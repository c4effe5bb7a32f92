"""What is refuted starves in a real kernel, and what is proved waits no longer than was proved.

Of each known trap the broken policy's counterexample becomes a load; the mended policy, of which
everything is proved, gets the same load. Bounds are for as many tasks as the load has.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from schedlang.backend import Built, KernelReport, KernelRun, RunRequest
from schedlang.ir.nodes import Policy, Property
from schedlang.machine.replay import Replay, replay
from schedlang.machine.scenario import Lasso
from schedlang.prover.prove import prove
from schedlang.prover.verdict import ProofReport, Proved, Refuted
from schedlang.topology import Topology
from schedlang.workload.model import Workload
from schedlang_bpf.backend import BpfBackend
from tests.bpf.samples import in_file
from tests.support.fuzz import REFERENCE_TASKS, wait_claim
from tests.support.loads import cpus_of, load_of
from tests.support.machines import MS
from tests.support.policies import compiled

TRAPS = Path(__file__).parents[1] / "prover/traps"
NAMES = ("fallback_last", "favourites", "guards_take_all", "short_bursts_first", "yielder")
QUICK = "favourites"
DURATION_NS = 2000 * MS
ROUNDS = 64
NO_PROOF = ProofReport(())


@dataclass(frozen=True)
class Trap:
    """`load` starves `victim`, a group, under the broken policy."""

    broken: Policy
    mended: Policy
    load: Workload
    cpus: int
    victim: int


def trap(name: str) -> Trap:
    broken, mended = (
        in_file(compiled((TRAPS / f"{name}.{state}.sched").read_text()), f"{name}.sched")
        for state in ("broken", "mended")
    )
    verdicts = (finding.verdict for finding in prove(broken).findings)
    found = next(verdict for verdict in verdicts if isinstance(verdict, Refuted))
    assert isinstance(found.run, Lasso)
    replayed = replay(broken, found.run, ROUNDS)
    assert isinstance(replayed, Replay)
    load = load_of(broken, found.run, replayed, DURATION_NS)
    return Trap(broken, mended, load, cpus_of(found.run), found.run.victim)


def run_of(policy: Policy, trap: Trap) -> KernelRun:
    backend = BpfBackend()
    built = backend.build(backend.emit(policy, NO_PROOF), policy)
    assert isinstance(built, Built)
    request = RunRequest(Topology(trap.cpus), trap.load, seed=1, deterministic=True)
    return KernelRun(request, policy, built.object)


def waits_ns(report: KernelReport) -> tuple[int, ...]:
    assert report.diagnostics == ()
    assert report.attached_throughout
    assert report.ran is not None
    return report.ran.longest_waits_ns


def proved_ns(policy: Policy, load: Workload) -> int:
    """The longest wait in any queue, with so many tasks in each, and of their weights if plain."""
    tasks = sum(group.threads for group in load.groups)
    is_plain = all(group.nice == 0 for group in load.groups) and tasks <= REFERENCE_TASKS
    claims = tuple(wait_claim(queue, tasks) for queue in range(len(policy.queues)))
    findings = prove(policy if is_plain else replace(policy, goals=claims)).findings
    about = (
        [f for f in findings if f.property is Property.STARVATION_FREE]
        if is_plain
        else findings[-len(claims) :]
    )
    bounds = [f.verdict.bound for f in about if isinstance(f.verdict, Proved)]
    assert len(bounds) == len(policy.queues)
    return max(bound.value_ns for bound in bounds if bound is not None)


def hold(names: tuple[str, ...]) -> None:
    traps = [trap(name) for name in names]
    runs = [run_of(policy, t) for t in traps for policy in (t.broken, t.mended)]
    reports = BpfBackend().run_many(runs)
    for name, t, broken, mended in zip(names, traps, reports[::2], reports[1::2], strict=True):
        starved_ns = waits_ns(broken)[t.victim]
        seen_ns, most_ns = max(waits_ns(mended)), proved_ns(t.mended, t.load)
        print(
            f"{name}: starved for {starved_ns / MS:.1f} ms of {DURATION_NS // MS};"
            f" mended {seen_ns / MS:.1f} of {most_ns / MS:.1f} ms, {seen_ns / most_ns:.2f}"
        )
        assert starved_ns > DURATION_NS * 3 // 4, name
        assert seen_ns <= most_ns, name


@pytest.mark.vm
@pytest.mark.usefixtures("toolbox")
def test_a_refuted_policy_starves_and_the_mended_one_keeps_its_bound() -> None:
    hold((QUICK,))


@pytest.mark.vm
@pytest.mark.slow
@pytest.mark.usefixtures("toolbox")
@pytest.mark.parametrize("name", [name for name in NAMES if name != QUICK])
def test_every_other_trap(name: str) -> None:
    hold((name,))


@pytest.mark.parametrize("name", NAMES)
def test_the_load_has_a_group_for_each_task_and_a_victim_that_stays(name: str) -> None:
    t = trap(name)
    assert len(t.load.groups) > 1
    assert t.load.groups[t.victim].threads == 1
    assert proved_ns(t.mended, t.load) > 0
