"""Objects and what a kernel did with them, as text and as JSON values. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from schedlang.backend import Built, KernelReport
from schedlang.diagnostics.printable import printable
from schedlang.diagnostics.render_json import JsonObject
from schedlang.report.units import duration

_NOTHING: Final = "-"


def object_text(built: Built) -> str:
    """What is in the object: its programs, maps and sizes."""
    figures = built.figures
    lines = [
        f"object: {figures.size_bytes} bytes, licence {printable(figures.licence)}",
        f"struct_ops: {', '.join(map(printable, figures.struct_ops))}",
        f"compiler: {printable(built.compiler)}",
        *_table(
            ("program", "section", "instructions"),
            [(p.name, p.section, str(p.instructions)) for p in figures.programs],
        ),
        *_table(
            ("map", "kind", "key bytes", "value bytes", "entries"),
            [
                (m.name, m.kind, str(m.key_bytes), str(m.value_bytes), str(m.max_entries))
                for m in figures.maps
            ],
        ),
    ]
    return "\n".join(lines) + "\n"


def kernel_text(report: KernelReport, *, was_run: bool) -> str:
    """What the kernel said, and with `was_run` who got how much of it."""
    lines = [f"kernel {printable(report.kernel)}: {_outcome(report)}"]
    if report.instructions_verified:
        lines.append(f"verified: {report.instructions_verified} instructions")
    if was_run:
        lines += _table(
            ("queue", "turns", "mean wait", "longest wait"),
            [
                (
                    q.queue,
                    str(q.dispatches),
                    _mean(q.wait_total_ns, q.dispatches),
                    _ns(q.wait_max_ns),
                )
                for q in report.queues
            ],
        )
        lines += _table(
            ("task", "nice", "ran", "waited", "turns"),
            [
                (t.comm, str(t.nice), _ns(t.run_ns), _ns(t.wait_ns), str(t.turns))
                for t in report.tasks
            ],
        )
    return "\n".join(lines) + "\n"


def _outcome(report: KernelReport) -> str:
    if report.diagnostics:
        return "failed"
    return "loaded, attached to the end" if report.attached_throughout else "did not stay attached"


def _ns(value_ns: int) -> str:
    return duration(value_ns)


def _mean(total_ns: int, count: int) -> str:
    return duration(total_ns // count) if count else _NOTHING


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns aligned, numbers to the right and the rest to the left; nothing if no rows."""
    if not rows:
        return
    shown = [[printable(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[n]) for row in shown) for n in range(len(head))]
    is_number = [all(map(_is_number, (row[n] for row in shown[1:]))) for n in range(len(head))]
    for row in shown:
        columns = zip(row, widths, is_number, strict=True)
        yield ("  " + "  ".join(f"{c:>{w}}" if n else f"{c:<{w}}" for c, w, n in columns)).rstrip()


def _is_number(cell: str) -> bool:
    return cell == _NOTHING or cell.lstrip("-")[:1].isdigit()


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
        "tasks": [
            {
                "comm": t.comm,
                "nice": t.nice,
                "run_ns": t.run_ns,
                "wait_ns": t.wait_ns,
                "turns": t.turns,
            }
            for t in report.tasks
        ],
        "log": report.log,
    }
