"""A run in the micro-VM as the compiler's `KernelReport`."""

from __future__ import annotations

from collections.abc import Iterator

from schedlang.backend import KernelReport, QueueCounts, TaskUse
from schedlang.ir.nodes import Policy
from schedlang_bpf.outcomes import diagnose
from schedlang_vm.api import Accepted, Json, RunReport, TaskResult


def kernel_report(run: RunReport, policy: Policy, *, own: bool) -> KernelReport:
    """`own`: the kernel's own scheduler was to run, and nothing to be attached."""
    load = run.load
    fine = isinstance(run.outcome, Accepted)
    return KernelReport(
        kernel=load.provenance.kernel_release,
        attached_throughout=fine and (own or run.attached_throughout),
        queues=() if own else tuple(queue_counts(load.stats, policy)),
        tasks=task_use(run.tasks),
        instructions_verified=sum(program.verified_insns for program in load.programs),
        diagnostics=diagnose(run.outcome, policy),
        log="\n".join(part for part in (load.log.strip(), load.dmesg.strip()) if part),
    )


def queue_counts(stats: Json, policy: Policy) -> Iterator[QueueCounts]:
    """The statistics map as bpftool's JSON has it: by queue the values of every CPU."""
    for element in stats if isinstance(stats, list) else []:
        entry = element.get("formatted") if isinstance(element, dict) else None
        if not isinstance(entry, dict):
            continue
        key, values = entry.get("key"), entry.get("values")
        if not isinstance(key, int) or not isinstance(values, list) or key >= len(policy.queues):
            continue
        cpus = [cpu["value"] for cpu in values if isinstance(cpu, dict) and "value" in cpu]
        yield QueueCounts(
            queue=policy.queues[key].name,
            dispatches=sum(_number(cpu, "dispatches") for cpu in cpus),
            wait_total_ns=sum(_number(cpu, "wait_total_ns") for cpu in cpus),
            wait_max_ns=max((_number(cpu, "wait_max_ns") for cpu in cpus), default=0),
        )


def _number(value: Json, name: str) -> int:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, int) else 0


def task_use(results: tuple[TaskResult, ...]) -> tuple[TaskUse, ...]:
    """Tasks of one name and nice level together, in order of first appearance."""
    kinds = dict.fromkeys((result.name, result.nice) for result in results)
    return tuple(_together(name, nice, results) for name, nice in kinds)


def _together(name: str, nice: int, results: tuple[TaskResult, ...]) -> TaskUse:
    alike = [result for result in results if (result.name, result.nice) == (name, nice)]
    return TaskUse(
        comm=name,
        nice=nice,
        run_ns=sum(result.run_ns for result in alike),
        wait_ns=sum(result.wait_ns for result in alike),
        turns=sum(result.timeslices for result in alike),
    )
