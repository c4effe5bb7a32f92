"""The backend that the compiler finds: C for sched_ext, an object of it, a kernel's word on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import final

from schedlang.backend import (
    Built,
    Check,
    EnvironmentProblem,
    KernelReport,
    KernelRun,
    RunRequest,
    Twin,
)
from schedlang.diagnostics.model import Diagnostic
from schedlang.ir.nodes import Policy
from schedlang.prover.verdict import ProofReport
from schedlang.source import Span
from schedlang_bpf.build import build
from schedlang_bpf.compiler import Compiler, clang, zig_clang
from schedlang_bpf.emit import EmitOptions, emit
from schedlang_bpf.places import c_origins
from schedlang_bpf.uncovered import uncovered
from schedlang_vm.toolbox import Toolbox, locate


@final
@dataclass(frozen=True, slots=True)
class BpfBackend:
    """`schedlang.backend.Backend` for BPF. Tools are looked up anew at each call."""

    options: EmitOptions = field(default_factory=EmitOptions)

    def uncovered(self, policy: Policy) -> tuple[Diagnostic, ...]:
        return uncovered(policy)

    def emit(self, policy: Policy, proof: ProofReport, *, traced: bool = False) -> str:
        return emit(policy, proof, replace(self.options, traced=traced))

    def origins(self, c: str, policy: Policy) -> tuple[Span | None, ...]:
        return tuple(c_origins(c, policy))

    def build(self, c: str, policy: Policy) -> Built | tuple[Diagnostic, ...]:
        compiler = find_compiler()
        if compiler is None:
            raise _no_compiler()
        return build(c, policy, compiler)

    def twins(self, policies: Sequence[tuple[str, Policy]]) -> tuple[Twin, ...]:
        from schedlang_bpf.native import natives

        return natives(policies)

    def run(self, obj: bytes | None, policy: Policy, request: RunRequest) -> KernelReport:
        return self.run_many([KernelRun(request, policy if obj is not None else None, obj)])[0]

    def run_many(self, runs: Sequence[KernelRun]) -> tuple[KernelReport, ...]:
        from schedlang_bpf.trial import run_many

        return run_many(runs)

    def doctor(self) -> tuple[Check, ...]:
        return (_compiler_check(), *_tool_checks(locate()))


def find_compiler() -> Compiler | None:
    """clang where there is one, else the wheel's."""
    tool = locate().clang
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


def _tool_checks(toolbox: Toolbox) -> tuple[Check, ...]:
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
