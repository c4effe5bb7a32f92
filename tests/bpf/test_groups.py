"""Control groups in a real kernel: their weights, and what a crowd in one of them can take."""

from __future__ import annotations

import pytest

import schedlang_vm.api as vm
from schedlang.backend import Built, RunRequest
from schedlang.shapes import load_workload
from schedlang.topology import Topology
from schedlang_bpf.backend import BpfBackend
from schedlang_bpf.build import build
from schedlang_bpf.compiler import Compiler
from schedlang_bpf.emit import emit
from tests.bpf.samples import NO_PROOF
from tests.support.policies import compiled

pytestmark = [pytest.mark.vm, pytest.mark.usefixtures("toolbox")]

POLICY = """policy groups

order group_fair {
  v : vtime = clock + 1ms
  on join { v = max(v, clock - 20ms) }
  on stop { v = v + used * 100 / group_weight }
  key v
}

queue tasks {
  global  order group_fair  slice clamp(20ms / max(length, cpus), 1ms, 4ms)  frequency min
}

route { else -> tasks }
serve tasks
"""


@pytest.mark.parametrize("kernel", ["newest", "6.12"])
def test_a_tenant_gets_its_part_however_many_tasks_it_has(
    kernel: str, toolbox: vm.Toolbox, compiler: Compiler
) -> None:
    if kernel == "6.12" and toolbox.oldest_kernel is None:
        pytest.skip("the 6.12 kernel is not built")
    policy = compiled(POLICY)
    result = build(emit(policy, NO_PROOF), policy, compiler)
    assert isinstance(result, Built), result
    workload = load_workload("tenants").workload
    assert workload is not None
    request = RunRequest(Topology(cpus=1), workload, kernel, deterministic=True)
    report = BpfBackend().run(result.object, policy, request)
    assert report.diagnostics == ()
    assert report.attached_throughout
    assert report.ran is not None
    ran = {group.group: group.run_ns for group in report.ran.outcome.groups}
    # Two tasks of weight 300 against ten of weight 100.
    assert 2.4 < ran["gold"] / ran["crowd"] < 3.6, ran
