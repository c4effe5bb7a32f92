"""Objects and what a kernel did with them, as text and as JSON values. Pure."""

from __future__ import annotations

from schedlang.backend import Built, KernelReport, Provenance, Ran
from schedlang.diagnostics.printable import printable
from schedlang.diagnostics.render_json import JsonObject
from schedlang.report.outcome import outcome_json, outcome_text
from schedlang.report.tables import NOTHING, table
from schedlang.units import duration


def object_text(built: Built) -> str:
    """What is in the object: its programs, maps and sizes."""
    figures = built.figures
    lines = [
        f"object: {figures.size_bytes} bytes, licence {printable(figures.licence)}",
        f"struct_ops: {', '.join(map(printable, figures.struct_ops))}",
        f"compiler: {printable(built.compiler)}",
        *table(
            ("program", "section", "instructions"),
            [(p.name, p.section, str(p.instructions)) for p in figures.programs],
        ),
        *table(
            ("map", "kind", "key bytes", "value bytes", "entries"),
            [
                (m.name, m.kind, str(m.key_bytes), str(m.value_bytes), str(m.max_entries))
                for m in figures.maps
            ],
        ),
    ]
    return "\n".join(lines) + "\n"


def kernel_text(report: KernelReport, cpus: int, *, was_run: bool) -> str:
    """What the kernel said, and with `was_run` who got how much of its CPUs."""
    lines = [f"kernel {printable(report.kernel)}: {_outcome(report)}"]
    if report.instructions_verified:
        lines.append(f"verified: {report.instructions_verified} instructions")
    if not was_run:
        return "\n".join(lines) + "\n"
    lines += table(
        ("queue", "turns", "mean wait", "longest wait"),
        [
            (
                q.queue,
                str(q.dispatches),
                _mean(q.wait_total_ns, q.dispatches),
                duration(q.wait_max_ns),
            )
            for q in report.queues
        ],
    )
    text = "\n".join(lines) + "\n"
    return text if report.ran is None else text + _ran_text(report.ran, cpus)


def _ran_text(ran: Ran, cpus: int) -> str:
    outcome = ran.outcome
    waits = zip(ran.longest_waits_ns, outcome.groups, strict=True)
    longest_ns, group = max(waits, key=lambda wait: wait[0])
    ended = "all threads ended" if ran.all_ended else "cut off"
    said = "".join(f"  | {printable(line)}\n" for line in ran.said.splitlines())
    if ran.command_status is not None:
        said += f"the command ended with {ran.command_status}\n"
    return (
        f"{printable(outcome.workload)}: {ended} after {duration(outcome.makespan_ns)}\n"
        f"{outcome_text(outcome, cpus)}"
        f"longest time without a CPU: {duration(longest_ns)}, in {printable(group.group)}\n"
        f"{said}"
    )


def _outcome(report: KernelReport) -> str:
    if report.diagnostics:
        return "failed"
    return "loaded, attached to the end" if report.attached_throughout else "did not stay attached"


def _mean(total_ns: int, count: int) -> str:
    return duration(total_ns // count) if count else NOTHING


def object_json(built: Built) -> JsonObject:
    figures = built.figures
    return {
        "compiler": built.compiler,
        "size_bytes": figures.size_bytes,
        "licence": figures.licence,
        "struct_ops": list(figures.struct_ops),
        "programs": [
            {"name": p.name, "section": p.section, "instructions": p.instructions}
            for p in figures.programs
        ],
        "maps": [
            {
                "name": m.name,
                "kind": m.kind,
                "key_bytes": m.key_bytes,
                "value_bytes": m.value_bytes,
                "max_entries": m.max_entries,
            }
            for m in figures.maps
        ],
    }


def kernel_json(report: KernelReport) -> JsonObject:
    return {
        "kernel": report.kernel,
        "attached_throughout": report.attached_throughout,
        "instructions_verified": report.instructions_verified,
        "queues": [
            {
                "queue": q.queue,
                "dispatches": q.dispatches,
                "wait_total_ns": q.wait_total_ns,
                "wait_max_ns": q.wait_max_ns,
            }
            for q in report.queues
        ],
        "run": _ran_json(report.ran) if report.ran is not None else None,
        "log": report.log,
    }


def _ran_json(ran: Ran) -> JsonObject:
    waits = zip(ran.outcome.groups, ran.longest_waits_ns, strict=True)
    command: JsonObject = {"status": ran.command_status, "said": ran.said}
    return {
        "command": command if ran.said or ran.command_status is not None else None,
        "outcome": outcome_json(ran.outcome),
        "longest_waits_ns": {group.group: wait_ns for group, wait_ns in waits},
        "all_ended": ran.all_ended,
        "provenance": provenance_json(ran.provenance),
    }


def provenance_json(known: Provenance) -> JsonObject:
    return {
        "kernel_sha256": known.kernel,
        "qemu_version": known.qemu_version,
        "qemu_sha256": known.qemu,
        "image_sha256": known.image,
        "index": known.index,
        "object_sha256": known.object,
        "command": list(known.command),
    }
