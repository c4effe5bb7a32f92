"""Sets of CPUs on real kernels: who is kept to them, who spills, and whom each CPU prefers."""

from __future__ import annotations

import pytest

import schedlang_vm.api as vm
from schedlang.backend import Built, KernelReport, RunRequest
from schedlang.cli.workload import GuestTask, task_workload
from schedlang.topology import Topology
from schedlang_bpf.backend import BpfBackend
from schedlang_bpf.build import build
from schedlang_bpf.compiler import Compiler
from schedlang_bpf.emit import emit
from tests.bpf.samples import NO_PROOF
from tests.support.policies import compiled

pytestmark = [pytest.mark.vm, pytest.mark.usefixtures("toolbox")]

SECONDS = 0.5
CONFINED = """policy confined
use std.orders.{vruntime}
cpuset left = 0-1
cpuset absent = 9
queue a { global  order vruntime(credit: 20ms, fork: 1ms)  slice 2ms  on left }
queue b { global  order fifo  slice 2ms  on absent }
route { comm ~ "other" -> b  else -> a }
serve weighted { a: 1  b: 1 }
place { prev  core in left  cpu in left  cpu in any }"""
SHARED = """policy shared
cpuset left = 0-1
queue a { global  order fifo  slice 2ms }
queue b { global  order fifo  slice 2ms }
route { comm ~ "a" -> a  else -> b }
serve on left weighted { a: 3  b: 1 }
serve weighted { a: 1  b: 3 }"""


@pytest.fixture(params=["newest", "6.12"])
def kernel(request: pytest.FixtureRequest, toolbox: vm.Toolbox) -> str:
    name = str(request.param)
    if name == "6.12" and toolbox.oldest_kernel is None:
        pytest.skip("the 6.12 kernel is not built")
    return name


def ran(text: str, tasks: tuple[GuestTask, ...], kernel: str, compiler: Compiler) -> KernelReport:
    policy = compiled(text)
    built = build(emit(policy, NO_PROOF), policy, compiler)
    assert isinstance(built, Built), built
    workload = task_workload(tasks, SECONDS)
    request = RunRequest(Topology(4, llcs=2), workload, kernel, deterministic=True)
    report = BpfBackend().run(built.object, policy, request)
    assert report.diagnostics == ()
    assert report.attached_throughout
    return report


def busy(report: KernelReport) -> dict[str, float]:
    """How many CPUs each group kept busy."""
    assert report.ran is not None
    return {group.group: group.run_ns / 1e9 / SECONDS for group in report.ran.outcome.groups}


def test_tasks_are_kept_to_their_set_or_spill(kernel: str, compiler: Compiler) -> None:
    tasks = (
        GuestTask("hog", count=5),
        GuestTask("bound", cpus=(3,)),  # not in the set
        GuestTask("sleeper", count=2, run_us=300, sleep_us=3000),
    )
    used = busy(ran(CONFINED, tasks, kernel, compiler))
    assert 1.5 < used["hog"] + used["sleeper"] < 2.1
    assert 0.8 < used["bound"] < 1.1


def test_a_set_of_absent_cpus_keeps_nobody(kernel: str, compiler: Compiler) -> None:
    used = busy(ran(CONFINED, (GuestTask("other", count=4),), kernel, compiler))
    assert 3.6 < used["other"] < 4.1


def test_each_cpu_is_served_by_its_tree(kernel: str, compiler: Compiler) -> None:
    tasks = tuple(GuestTask(name, count=2, cpus=(cpu,)) for name, cpu in (("a", 0), ("b", 0)))
    used = busy(ran(SHARED, tasks, kernel, compiler))
    assert 0.65 < used["a"] / (used["a"] + used["b"]) < 0.85
    tasks = tuple(GuestTask(name, count=2, cpus=(cpu,)) for name, cpu in (("a", 2), ("b", 2)))
    used = busy(ran(SHARED, tasks, kernel, compiler))
    assert 0.15 < used["a"] / (used["a"] + used["b"]) < 0.35
