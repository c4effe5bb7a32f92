"""One run in the micro-VM: the compiler's request becomes the VM's, its answer the compiler's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import schedlang_vm.api as vm
from schedlang.backend import EnvironmentProblem, GuestTask, KernelReport, RunRequest
from schedlang.diagnostics.model import Diagnostic
from schedlang.ir.nodes import Policy
from schedlang_bpf.params import with_params
from schedlang_bpf.report import kernel_report

# Under QEMU's translator a guest's second may take several.
BOOT_LIMIT_S: Final = 120.0
SLOWEST: Final = 20.0


def run(obj: bytes | None, policy: Policy, request: RunRequest) -> KernelReport:
    """`schedlang.backend.Backend.run`."""
    try:
        return _run(obj, policy, request)
    except vm.EnvironmentProblem as problem:
        raise EnvironmentProblem(problem.what, problem.remedy) from problem
    except ValueError as error:
        return _refused(request, str(error))


def _run(obj: bytes | None, policy: Policy, request: RunRequest) -> KernelReport:
    topology = request.topology
    report = vm.run(
        with_params(obj, policy, request.params) if obj is not None else None,
        policy.name,
        workload=tuple(map(_guest_task, request.tasks)),
        duration_s=request.duration_s,
        kernel=_kernel(request.kernel, vm.locate()),
        topology=vm.Topology(topology.cpus, topology.llcs, topology.nodes, topology.smt),
        timeout_s=BOOT_LIMIT_S + SLOWEST * request.duration_s,
        deterministic_seed=request.seed,
    )
    return kernel_report(report, policy, own=obj is None)


def _refused(request: RunRequest, why: str) -> KernelReport:
    """Nothing was started: the request does not make sense."""
    finding = Diagnostic("E0505", f"this cannot be run in the micro-VM: {why}")
    return KernelReport(request.kernel, False, (), (), 0, (finding,), "")


def _guest_task(task: GuestTask) -> vm.GuestTask:
    body = vm.Sleeper(task.run_us, task.sleep_us) if task.sleep_us else vm.Hog()
    return vm.GuestTask(task.comm, body, task.count, task.nice, task.cpus or None)


def _kernel(name: str, toolbox: vm.Toolbox) -> vm.Kernel:
    if name == "newest":
        return toolbox.newest()
    if name == "6.12":
        return toolbox.oldest()
    image = Path(name)
    if not image.is_file():
        raise EnvironmentProblem(f"there is no kernel image `{name}`", "give a bzImage's path")
    return vm.Kernel(_release(image), image, image.with_name("config"))


def _release(image: Path) -> str:
    """The release that a bzImage carries in its header, or the file's name."""
    head = image.read_bytes()[:0x8000]
    found = re.search(rb"(\d+\.\d+[\w.+~-]*) \([^)]*\) #", head)
    return found[1].decode() if found else image.name
