"""The backend that the compiler finds: C for sched_ext, an object of it, a kernel's word on it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, final

import schedlang_vm as vm
from schedlang.backend import (
    Built,
    Check,
    EnvironmentProblem,
    GuestTask,
    KernelReport,
    RunRequest,
)
from schedlang.diagnostics.model import Diagnostic
from schedlang.ir.nodes import Policy
from schedlang.prover.verdict import ProofReport
from schedlang_bpf.build import build
from schedlang_bpf.compiler import Compiler, clang, zig_clang
from schedlang_bpf.emit import EmitOptions, emit
from schedlang_bpf.params import with_params
from schedlang_bpf.report import kernel_report

# Under QEMU's translator a guest's second may take several.
BOOT_LIMIT_S: Final = 120.0
SLOWEST: Final = 20.0


@final
@dataclass(frozen=True, slots=True)
class BpfBackend:
    """`schedlang.backend.Backend` for BPF. Tools are looked up anew at each call."""

    options: EmitOptions = field(default_factory=EmitOptions)

    def emit(self, policy: Policy, proof: ProofReport) -> str:
        return emit(policy, proof, self.options)

    def build(self, c: str, policy: Policy) -> Built | tuple[Diagnostic, ...]:
        compiler = find_compiler()
        if compiler is None:
            raise _no_compiler()
        return build(c, policy, compiler)

    def run(self, obj: bytes | None, policy: Policy, request: RunRequest) -> KernelReport:
        try:
            return _run(obj, policy, request)
        except vm.EnvironmentProblem as problem:
            raise EnvironmentProblem(problem.what, problem.remedy) from problem
        except ValueError as error:
            return _refused(request, str(error))

    def doctor(self) -> tuple[Check, ...]:
        return (_compiler_check(), *_tool_checks(vm.locate()))


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


def find_compiler() -> Compiler | None:
    """clang where there is one, else the wheel's."""
    tool = vm.locate().clang
    return clang(tool.path, tool.version) if tool is not None else zig_clang()


def _no_compiler() -> EnvironmentProblem:
    return EnvironmentProblem(
        "there is no C compiler for BPF: no clang 16 or newer, and no ziglang",
        "make setup, or pip install ziglang",
    )


def _compiler_check() -> Check:
    compiler = find_compiler()
    if compiler is None:
        problem = _no_compiler()
        return Check("compiler", problem.what, problem.remedy)
    return Check("compiler", compiler.name, "")


def _tool_checks(toolbox: vm.Toolbox) -> tuple[Check, ...]:
    """The micro-VM's tools. What only a wider matrix of kernels needs has no remedy."""
    tools = (toolbox.qemu, toolbox.bpftool, toolbox.busybox)
    found = [Check(tool.name, tool.version, "") for tool in tools if tool is not None]
    kernels = (toolbox.kernel, toolbox.oldest_kernel)
    found += [Check("kernel", kernel.release, "") for kernel in kernels if kernel is not None]
    for gap in toolbox.missing():
        if gap.name == "clang":
            continue
        text = gap.why if gap.needed else f"{gap.why}; optional: {gap.remedy}"
        found.append(Check(gap.name, text, gap.remedy if gap.needed else ""))
    return tuple(found)
