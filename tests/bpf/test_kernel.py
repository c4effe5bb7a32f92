"""Real kernels' word on generated schedulers: loaded in the micro-VM, run, and sometimes broken."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

import schedlang_vm.api as vm
from schedlang.backend import Built, KernelReport, RunRequest
from schedlang.cli.workload import GuestTask, task_workload
from schedlang.ir.nodes import Policy
from schedlang.topology import Topology
from schedlang.tuning import Tune
from schedlang.workload.model import Workload
from schedlang.workload.trace import Switch
from schedlang_bpf.backend import BpfBackend
from schedlang_bpf.build import build
from schedlang_bpf.compiler import Compiler
from schedlang_bpf.emit import EmitOptions, emit
from tests.bpf.samples import NO_PROOF, everything, example
from tests.support.policies import compiled

pytestmark = [pytest.mark.vm, pytest.mark.usefixtures("toolbox")]

ONE, TWO = Topology(cpus=1), Topology(cpus=2)
KERNELS = ("newest", "6.12")
HOGS = (GuestTask("light", nice=10), GuestTask("heavy"))


def built(c: str, policy: Policy, compiler: Compiler) -> bytes:
    result = build(c, policy, compiler)
    assert isinstance(result, Built), result
    return result.object


def run(policy: Policy, obj: bytes | None, request: RunRequest) -> KernelReport:
    return BpfBackend().run(obj, policy, request)


def lasting(seconds: float, tasks: tuple[GuestTask, ...] = HOGS) -> Workload:
    return task_workload(tasks, seconds)


def used_ns(report: KernelReport) -> dict[str, int]:
    assert report.ran is not None
    return {group.group: group.run_ns for group in report.ran.outcome.groups}


@pytest.fixture(params=KERNELS)
def kernel(request: pytest.FixtureRequest, toolbox: vm.Toolbox) -> str:
    name = str(request.param)
    if name == "6.12" and toolbox.oldest_kernel is None:
        pytest.skip("the 6.12 kernel is not built")
    return name


@pytest.mark.parametrize("scheduler", ["fair", "the kernel's own"])
def test_nice_0_and_nice_10_share_90_to_10(scheduler: str, kernel: str, compiler: Compiler) -> None:
    policy = example("fair")
    is_ours = scheduler == "fair"
    obj = built(emit(policy, NO_PROOF), policy, compiler) if is_ours else None
    report = run(policy, obj, RunRequest(ONE, lasting(5), kernel, deterministic=True))
    assert report.diagnostics == ()
    used = used_ns(report)
    assert 0.88 < used["heavy"] / sum(used.values()) < 0.92
    assert report.attached_throughout
    assert bool(report.queues) is is_ours
    assert not is_ours or report.queues[0].dispatches > 100


TUNED = """policy tuned
param weight_of_none : count = 1 in 1..9
param quantum        : duration = 1ms in 1ms..100ms
queue tasks { global  order fifo  slice quantum }
route { else -> tasks }
serve tasks
"""


def test_a_tune_takes_effect_in_the_middle_of_a_run(kernel: str, compiler: Compiler) -> None:
    policy = compiled(TUNED)
    obj = built(emit(policy, NO_PROOF), policy, compiler)
    tunes = (Tune(10**9, "quantum", 100_000_000),)
    request = RunRequest(
        ONE, lasting(2), kernel, tunes=tunes, seed=1, deterministic=True, trace=True
    )
    report = run(policy, obj, request)
    assert report.diagnostics == ()
    assert report.ran is not None
    assert report.ran.trace is not None
    moments = [event.at_ns for event in report.ran.trace.events if isinstance(event, Switch)]
    first = sum(at < 10**9 for at in moments)
    assert first > 100
    assert len(moments) - first < first / 5


def test_every_queue_is_served(kernel: str, compiler: Compiler) -> None:
    policy = example("web_server")
    obj = built(emit(policy, NO_PROOF), policy, compiler)
    tasks = (
        GuestTask("nginx", count=2, run_us=300, sleep_us=5000),
        GuestTask("compile", count=3),
        GuestTask("backup", count=2, nice=12),
        GuestTask("bound", cpus=(1,), run_us=500, sleep_us=3000),
    )
    params = (("quantum", 2_000_000), ("batch_floor", 15))
    report = run(
        policy, obj, RunRequest(TWO, lasting(4, tasks), kernel, params, deterministic=True)
    )
    assert report.diagnostics == ()
    assert report.attached_throughout
    assert all(queue.dispatches > 20 for queue in report.queues)
    assert report.ran is not None
    assert all(group.switches > 20 for group in report.ran.outcome.groups)
    used = used_ns(report)
    hogs = used["compile"] + used["backup"]
    # 4:1 by the tree, at least 15% by the guard.
    assert 0.15 < used["backup"] / hogs < 0.35


def test_everything_is_accepted(kernel: str, compiler: Compiler, zig: Compiler) -> None:
    """By both compilers, and whatever the language has is cheap to verify."""
    policy = everything()
    for one in (compiler, zig):
        obj = built(emit(policy, NO_PROOF), policy, one)
        report = run(policy, obj, RunRequest(TWO, lasting(1), kernel))
        assert report.diagnostics == (), one.name
        assert report.attached_throughout
        assert 0 < report.instructions_verified < 50_000


def test_the_examples_are_accepted(kernel: str, compiler: Compiler, zig: Compiler) -> None:
    """Those of both compilers; the last is built past its refutation."""
    objects: dict[str, bytes] = {}
    for name in ("fifo", "fair", "web_server", "strict_priority"):
        policy = example(name)
        for label, one in (("clang", compiler), ("zig", zig)):
            objects[f"{name}-{label}"] = built(emit(policy, NO_PROOF), policy, one)
    toolbox = vm.locate()
    image = toolbox.newest() if kernel == "newest" else toolbox.oldest()
    reports = vm.verify_many(objects, kernel=image, topology=vm.Topology(2), timeout_s=300)
    assert [type(report.outcome) for report in reports] == [vm.Accepted] * len(objects)


def test_strict_priority_starves_and_the_watchdog_says_so(compiler: Compiler) -> None:
    policy = example("strict_priority")
    obj = built(emit(policy, NO_PROOF, EmitOptions(timeout_ms=5000)), policy, compiler)
    # The second CPU is the watchdog's, which would starve like the rest.
    tasks = (GuestTask("urgent", nice=-5, cpus=(0,)), GuestTask("starved", cpus=(0,)))
    report = run(policy, obj, RunRequest(TWO, lasting(12, tasks), deterministic=True))
    (finding,) = report.diagnostics
    assert finding.code == "E0503"
    assert "runnable task stall" in finding.message
    assert re.search(r"(starved|kworker/\S+)\[\d+\] failed to run for \d", finding.message)
    assert not report.attached_throughout


def test_strict_priority_gives_the_lower_nothing(compiler: Compiler) -> None:
    policy = example("strict_priority")
    obj = built(emit(policy, NO_PROOF), policy, compiler)
    tasks = (GuestTask("urgent", nice=-5), GuestTask("starved"))
    report = run(policy, obj, RunRequest(ONE, lasting(3, tasks), deterministic=True))
    assert report.attached_throughout
    used = used_ns(report)
    assert used["urgent"] > 2_000_000_000
    # What it runs in its last moments, when the others have been stopped.
    assert used["starved"] < 10_000_000


def test_the_kernels_own_scheduler_can_be_watched() -> None:
    report = BpfBackend().run(None, example("fair"), RunRequest(ONE, lasting(2)))
    assert report.diagnostics == ()
    assert report.attached_throughout
    assert report.queues == ()
    used = used_ns(report)
    assert 0.85 < used["heavy"] / sum(used.values()) < 0.95


SLICE = "t->turn.slice_ns = 1000000;"
BROKEN = {
    "E0501": (SLICE, "t->turn.slice_ns = *(u64 *)t->turn.key;", "the verifier rejects"),
    "E0502": ("scx_bpf_create_dsq(queue, -1)", "scx_bpf_create_dsq(1ULL << 63, -1)", "(-22)"),
    "E0504": ("count_possible_cpus();", "scx_bpf_no_such_function();", "no_such_function"),
}


@pytest.mark.parametrize("code", BROKEN)
def test_a_broken_scheduler_is_reported_as_what_it_is(
    code: str, kernel: str, compiler: Compiler
) -> None:
    old, new, words = BROKEN[code]
    policy = everything()
    c = emit(policy, NO_PROOF)
    assert c.count(old) == 1
    c = 'void scx_bpf_no_such_function(void) __attribute__((section(".ksyms")));\n' + c
    obj = built(c.replace(old, new), policy, compiler)
    report = run(policy, obj, RunRequest(ONE, lasting(1), kernel))
    (finding,) = report.diagnostics
    assert finding.code == code
    assert words in finding.message
    assert not report.attached_throughout
    if code == "E0501":
        assert finding.primary is not None
        span = finding.primary.span
        assert policy.sources[span.file].excerpt(span).startswith("queue urgent {")


def test_a_request_that_makes_no_sense_is_refused(compiler: Compiler) -> None:
    policy = example("fair")
    obj = built(emit(policy, NO_PROOF), policy, compiler)
    request = RunRequest(ONE, lasting(1))
    for wrong in (
        replace(request, params=(("quantum", 1),)),
        replace(request, topology=Topology(cpus=3, llcs=2)),
        replace(request, workload=lasting(1, (GuestTask("a\nb"),))),
    ):
        (finding,) = run(policy, obj, wrong).diagnostics
        assert finding.code == "E0505"
