"""What a real kernel's tasks do, as the statistics see it: who wakes whom, how often, how long."""

from __future__ import annotations

import pytest

import schedlang_vm.api as vm
from schedlang.backend import Built, RunRequest
from schedlang.topology import Topology
from schedlang.workload.model import Constant, Group, Loop, Receive, Run, Send, Tick, Workload
from schedlang_bpf.backend import BpfBackend
from schedlang_bpf.build import build
from schedlang_bpf.compiler import Compiler
from schedlang_bpf.emit import emit
from tests.bpf.samples import NO_PROOF
from tests.support.policies import compiled

pytestmark = [pytest.mark.vm, pytest.mark.usefixtures("toolbox")]

MS = 1_000_000
POLICY = """policy habits

queue server { global  order fifo  slice 2ms }
queue client { global  order fifo  slice 2ms }
queue wrong  { global  order fifo  slice 2ms }
queue rest   { global  order fifo  slice 2ms }

route {
  comm ~ "hog" and (waking_gap < 900ms or wake_gap < 500ms)               -> wrong
  comm ~ "client" and (waking_gap < 900ms or avg_run > 6ms)               -> wrong
  comm ~ "server" and waking_gap < 20ms and wake_gap < 20ms               -> server
  comm ~ "client" and woken and waker.waking_gap < 20ms and avg_run < 2ms -> client
  else                                                                    -> rest
}

serve weighted { server: 4  client: 4  wrong: 1  rest: 4 }
"""


def loop(*phases: Run | Tick | Send | Receive) -> tuple[Loop]:
    return (Loop(None, phases),)


# The timer of the server's tick interrupts the hog, which wakes nobody for that.
LOAD = Workload(
    "habits",
    "",
    (
        Group("server", 1, "server", "server", loop(Tick(5 * MS), Run(Constant(MS)), Send("c"))),
        Group("client", 1, "client", "client", loop(Receive("c"), Run(Constant(MS // 2)))),
        Group("hog", 1, "hog", "hog", loop(Run(Constant(1_000 * MS)))),
    ),
    duration_ns=3_000 * MS,
)


@pytest.mark.parametrize("kernel", ["newest", "6.12"])
def test_wakers_and_sleepers_are_told_apart(
    kernel: str, toolbox: vm.Toolbox, compiler: Compiler
) -> None:
    if kernel == "6.12" and toolbox.oldest_kernel is None:
        pytest.skip("the 6.12 kernel is not built")
    policy = compiled(POLICY)
    result = build(emit(policy, NO_PROOF), policy, compiler)
    assert isinstance(result, Built), result
    request = RunRequest(Topology(cpus=1), LOAD, kernel, deterministic=True)
    report = BpfBackend().run(result.object, policy, request)
    assert report.diagnostics == ()
    assert report.attached_throughout
    starts = {queue.queue: queue.dispatches for queue in report.queues}
    assert starts["wrong"] == 0, starts
    assert starts["server"] > 300, starts
    assert starts["client"] > 300, starts
