"""Queues per node, LLC or CPU on real kernels: which CPUs share an instance, and who steals."""

from __future__ import annotations

import pytest

import schedlang_vm.api as vm
from schedlang.backend import Built, KernelRun, RunRequest
from schedlang.cli.workload import GuestTask, task_workload
from schedlang.ir.nodes import Policy
from schedlang.topology import Topology
from schedlang.workload.model import Constant, Fork, Group, Loop, Run, Workload
from schedlang_bpf.backend import BpfBackend
from schedlang_bpf.build import build
from schedlang_bpf.compiler import Compiler
from schedlang_bpf.emit import emit
from tests.bpf.samples import NO_PROOF, scopes
from tests.support.policies import compiled

pytestmark = [pytest.mark.vm, pytest.mark.usefixtures("toolbox")]

CACHES, NODES = Topology(4, llcs=2), Topology(4, llcs=2, nodes=2)
SECONDS = 0.5
# How many CPUs the children of one thread keep busy, which begin where it runs.
BUSY = {
    (CACHES, "global"): 4,
    (CACHES, "per node"): 4,
    (CACHES, "per llc"): 2,
    (CACHES, "per cpu"): 1,
    (CACHES, "per llc  steal"): 4,
    (CACHES, "per cpu  steal node"): 4,
    (NODES, "per node"): 2,
    (NODES, "per llc"): 2,
    (NODES, "per node  steal"): 4,
    (NODES, "per cpu  steal node"): 2,
    (NODES, "per cpu  steal"): 4,
}


HOGS = Workload(
    "children",
    "",
    (
        Group("parent", 1, "parent", "parent", (Fork("hog", 6),)),
        Group("hog", 0, "hog", "hog", (Loop(None, (Run(Constant(10**9)),)),)),
    ),
    duration_ns=round(SECONDS * 10**9),
)


def built(policy: Policy, compiler: Compiler) -> bytes:
    result = build(emit(policy, NO_PROOF), policy, compiler)
    assert isinstance(result, Built), result
    return result.object


def one_queue(clauses: str) -> Policy:
    return compiled(f"""policy p
        use std.orders.{{vruntime}}
        queue a {{ {clauses}  order vruntime(credit: 20ms, fork: 1ms)  slice 2ms }}
        route {{ else -> a }}
        serve a""")


@pytest.fixture(params=["newest", "6.12"])
def kernel(request: pytest.FixtureRequest, toolbox: vm.Toolbox) -> str:
    name = str(request.param)
    if name == "6.12" and toolbox.oldest_kernel is None:
        pytest.skip("the 6.12 kernel is not built")
    return name


def test_tasks_stay_on_their_unit_unless_they_are_stolen(kernel: str, compiler: Compiler) -> None:
    runs = []
    for topology, clauses in BUSY:
        policy = one_queue(clauses)
        request = RunRequest(topology, HOGS, kernel, deterministic=True)
        runs.append(KernelRun(request, policy, built(policy, compiler)))
    for (case, wanted), report in zip(BUSY.items(), BpfBackend().run_many(runs), strict=True):
        assert report.diagnostics == (), case
        assert report.attached_throughout, case
        assert report.ran is not None
        used_s = sum(group.run_ns for group in report.ran.outcome.groups) / 1e9
        assert wanted - 0.2 < used_s / SECONDS < wanted + 0.1, case


@pytest.mark.parametrize("topology", [CACHES, NODES])
def test_every_queue_is_served(topology: Topology, kernel: str, compiler: Compiler) -> None:
    """Tasks that sleep, that are bound, and hogs, in queues of all scopes."""
    policy = scopes()
    tasks = (
        GuestTask("urgent", count=3, nice=-5, run_us=300, sleep_us=5000),
        GuestTask("normal", count=5),
        GuestTask("bound", cpus=(3,), run_us=500, sleep_us=3000),
        GuestTask("batch", count=4, nice=6),
        GuestTask("rest", count=2, nice=15),
    )
    request = RunRequest(topology, task_workload(tasks, 2.0), kernel, deterministic=True)
    report = BpfBackend().run(built(policy, compiler), policy, request)
    assert report.diagnostics == ()
    assert report.attached_throughout
    assert 0 < report.instructions_verified < 50_000
    assert all(queue.dispatches > 20 for queue in report.queues)
    assert report.ran is not None
    used = sum(group.run_ns for group in report.ran.outcome.groups)
    assert used > 0.95 * 2 * 4 * 10**9
    assert all(group.switches > 20 for group in report.ran.outcome.groups)


def test_both_compilers_make_what_the_kernels_accept(
    kernel: str, compiler: Compiler, zig: Compiler
) -> None:
    objects = {one.name: built(scopes(), one) for one in (compiler, zig)}
    toolbox = vm.locate()
    image = toolbox.newest() if kernel == "newest" else toolbox.oldest()
    reports = vm.verify_many(objects, kernel=image, topology=vm.Topology(1), timeout_s=300)
    assert [type(report.outcome) for report in reports] == [vm.Accepted] * len(objects)
