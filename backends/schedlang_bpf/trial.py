"""Runs in the micro-VM: the compiler's requests become the VM's, its answers the compiler's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import schedlang_vm.api as vm
from schedlang.backend import EnvironmentProblem, KernelReport, KernelRun, RunRequest
from schedlang.diagnostics.model import Diagnostic
from schedlang.workload.check import check, check_cpus
from schedlang.workload.problem import Problem
from schedlang_bpf.params import counting_turns, tuned_words, with_params
from schedlang_bpf.report import EEVDF, kernel_report


def run_many(runs: Sequence[KernelRun]) -> tuple[KernelReport, ...]:
    """`schedlang.backend.Backend.run_many`. What makes no sense is refused and does not run."""
    try:
        toolbox = vm.locate()
        planned = [_plan(run, toolbox) for run in runs]
        reports = iter(vm.run_many([plan for plan in planned if isinstance(plan, vm.Plan)]))
    except vm.EnvironmentProblem as problem:
        raise EnvironmentProblem(problem.what, problem.remedy) from problem
    return tuple(
        kernel_report(next(reports), run) if isinstance(plan, vm.Plan) else plan
        for run, plan in zip(runs, planned, strict=True)
    )


def _plan(run: KernelRun, toolbox: vm.Toolbox) -> vm.Plan | KernelReport:
    request = run.request
    problems: tuple[Problem, ...] = ()
    if request.workload.groups or not request.command:
        problems = (*check(request.workload), *check_cpus(request.workload, request.topology.cpus))
    if problems:
        findings = (Diagnostic(problem.code, problem.message) for problem in problems)
        return _refused(request, tuple(findings))
    try:
        return _possible(run, toolbox)
    except ValueError as error:
        told = f"this cannot be run in the micro-VM: {error}"
        return _refused(request, (Diagnostic("E0505", told),))


def _possible(run: KernelRun, toolbox: vm.Toolbox) -> vm.Plan:
    """Raises ValueError for what does not fit the micro-VM."""
    request, topology = run.request, run.request.topology
    obj = run.obj
    tunes: tuple[vm.Tuned, ...] = ()
    if obj is not None and run.policy is not None:
        obj = counting_turns(with_params(obj, run.policy, request.params))
        tunes = tuned_words(run.policy, request.tunes)
    plan = vm.Plan(
        name=EEVDF if run.policy is None else run.policy.name,
        obj=obj,
        workload=request.workload,
        kernel=_kernel(request.kernel, toolbox),
        topology=vm.Topology(topology.cpus, topology.llcs, topology.nodes, topology.smt),
        seed=request.seed,
        boot_seed=request.boot_seed,
        limit_ns=request.limit_ns,
        tunes=tunes,
        trace=request.trace,
        command=vm.host_command(request.command) if request.command else None,
    )
    vm.check_plan(plan)
    return plan


def _refused(request: RunRequest, findings: tuple[Diagnostic, ...]) -> KernelReport:
    """Nothing was started: the request does not make sense."""
    return KernelReport(request.kernel, False, (), None, 0, findings, "")


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
