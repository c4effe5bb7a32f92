"""Sets of CPUs in C: their numbers, and which CPUs are in them."""

from __future__ import annotations

from typing import assert_never

from schedlang.ir.nodes import Builtin, CpuSet, Policy
from schedlang_bpf.naming import Names
from schedlang_bpf.text import comment_text, place_text
from schedlang_bpf.views import ConfinedView, CpuSetsView, CpuSetView


def cpusets_view(policy: Policy, names: Names) -> CpuSetsView:
    return CpuSetsView(
        tuple(
            CpuSetView(
                constant,
                place_text(cpus.span, policy.sources),
                comment_text(cpus.name),
                _test(cpus),
            )
            for constant, cpus in zip(names.set_ids, policy.cpusets, strict=True)
        ),
        tuple(
            ConfinedView(
                constant,
                place_text(queue.span, policy.sources),
                comment_text(queue.name),
                names.set_ids[queue.cpus],
            )
            for constant, queue in zip(names.queue_ids, policy.queues, strict=True)
            if queue.cpus is not None
        ),
    )


def _test(cpus: CpuSet) -> str:
    match cpus.builtin:
        case Builtin.ALL:
            return "true"
        case Builtin.BIG:
            return "!little"
        case Builtin.LITTLE:
            return "little"
        case None:
            tests = [_range(first, last) for first, last in cpus.ranges]
            return tests[0] if len(tests) == 1 else " || ".join(f"({test})" for test in tests)
        case _:
            assert_never(cpus.builtin)


def _range(first: int, last: int) -> str:
    if first == last:
        return f"cpu == {first}"
    return f"cpu <= {last}" if first == 0 else f"cpu >= {first} && cpu <= {last}"
