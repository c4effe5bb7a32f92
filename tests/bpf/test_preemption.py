"""What `preempt` does in real kernels: who may cut turns short is on a CPU long before they end."""

from __future__ import annotations

import pytest

import schedlang_vm.api as vm
from schedlang.backend import Built, RunRequest
from schedlang.cli.workload import GuestTask, task_workload
from schedlang.topology import Topology
from schedlang_bpf.backend import BpfBackend
from schedlang_bpf.build import build
from schedlang_bpf.compiler import Compiler
from schedlang_bpf.emit import emit
from tests.bpf.samples import NO_PROOF
from tests.support.policies import compiled

pytestmark = [pytest.mark.vm, pytest.mark.usefixtures("toolbox")]

MS = 1_000_000
TEXT = """policy preempting
use std.orders.{{vruntime}}
queue quick {{ global  order fifo                               slice 1ms }}
queue bulk  {{ global  order vruntime(credit: 20ms, fork: 1ms)  slice 40ms }}
route {{ comm ~ "shell" -> quick  else -> bulk }}
serve strict {{ quick  bulk }}
guard bulk at least 20%
{rules}
"""
RULES = "preempt { quick over bulk after 500us  bulk over bulk earlier after 10ms }"
TASKS = (GuestTask("make", count=4), GuestTask("shell", run_us=300, sleep_us=7_000))


@pytest.fixture(params=["newest", "6.12"])
def kernel(request: pytest.FixtureRequest, toolbox: vm.Toolbox) -> str:
    name = str(request.param)
    if name == "6.12" and toolbox.oldest_kernel is None:
        pytest.skip("the 6.12 kernel is not built")
    return name


def p99_wakeup_ns(rules: str, topology: Topology, kernel: str, compiler: Compiler) -> int:
    policy = compiled(TEXT.format(rules=rules))
    result = build(emit(policy, NO_PROOF), policy, compiler)
    assert isinstance(result, Built), result
    request = RunRequest(topology, task_workload(TASKS, 1), kernel, deterministic=True)
    report = BpfBackend().run(result.object, policy, request)
    assert report.diagnostics == ()
    assert report.attached_throughout
    assert report.ran is not None
    groups = {group.group: group for group in report.ran.outcome.groups}
    assert groups["make"].run_ns > 700 * MS * topology.cpus
    assert groups["shell"].wakeups.count > 15
    return groups["shell"].wakeups.p99_ns


@pytest.mark.parametrize("topology", [Topology(1), Topology(2, llcs=2)], ids=["one", "two"])
def test_who_preempts_does_not_wait_for_slices(
    topology: Topology, kernel: str, compiler: Compiler
) -> None:
    with_rules = p99_wakeup_ns(RULES, topology, kernel, compiler)
    # At most a turn that has not had its 500 us, and the tick after that.
    assert with_rules < 5 * MS
    assert p99_wakeup_ns("", topology, kernel, compiler) > 15 * MS
