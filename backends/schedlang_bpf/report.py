"""A run in the micro-VM as the compiler's `KernelReport`."""

from __future__ import annotations

from collections.abc import Iterator

from schedlang.backend import KernelReport, KernelRun, Provenance, QueueCounts, Ran
from schedlang.ir.nodes import Policy
from schedlang.workload.outcome import Outcome
from schedlang_bpf.outcomes import diagnose
from schedlang_vm.api import Accepted, Json, Played, RunReport

EEVDF = "EEVDF"


def kernel_report(report: RunReport, run: KernelRun) -> KernelReport:
    load, policy = report.load, run.policy
    fine = isinstance(report.outcome, Accepted)
    return KernelReport(
        kernel=load.provenance.kernel_release,
        attached_throughout=fine and (policy is None or report.attached_throughout),
        queues=() if policy is None else tuple(queue_counts(load.stats, policy)),
        ran=_ran(report, report.played, run) if report.played is not None else None,
        instructions_verified=sum(program.verified_insns for program in load.programs),
        diagnostics=diagnose(report.outcome, policy),
        log="\n".join(part for part in (load.log.strip(), load.dmesg.strip()) if part),
    )


def _ran(report: RunReport, played: Played, run: KernelRun) -> Ran:
    return Ran(
        outcome=Outcome(
            workload=run.request.workload.name,
            scheduler=EEVDF if run.policy is None else run.policy.name,
            makespan_ns=played.makespan_ns,
            groups=played.groups,
        ),
        longest_waits_ns=played.longest_wait_ns,
        all_ended=played.all_ended,
        provenance=_provenance(report),
        trace=report.trace,
        command_status=played.command_status,
        said=report.said,
    )


def _provenance(report: RunReport) -> Provenance:
    known = report.load.provenance
    return Provenance(
        kernel=known.kernel_sha256,
        qemu_version=known.qemu_version,
        qemu=known.qemu_sha256,
        image=known.initramfs_sha256,
        index=known.index,
        object=known.object_sha256,
        command=known.command,
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
