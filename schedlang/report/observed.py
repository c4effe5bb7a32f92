"""What came of following a kernel's choices on the reference machine. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from schedlang.conform.observed import Followed, Parting
from schedlang.diagnostics.model import Diagnostic, Label
from schedlang.diagnostics.render_json import JsonObject
from schedlang.ir.nodes import Policy
from schedlang.units import duration
from schedlang.workload.model import Workload
from schedlang.workload.trace import Asked


def observed_text(policy: Policy, workload: Workload, kernel: str, followed: Followed) -> str:
    word = "no divergence" if followed.parting is None else "a divergence"
    head = f"{policy.name}: kernel {kernel} against the reference machine, one CPU"
    return f"{head}\n  {workload.name}: {followed.choices} choices agree, {word}\n"


def observed_json(kernel: str, followed: Followed) -> JsonObject:
    parting = followed.parting
    return {
        "kernel": kernel,
        "choices": followed.choices,
        "divergence": None
        if parting is None
        else {
            "what": parting.what,
            "story": [{"at_ns": event.at_ns, "what": _text(event)} for event in _asked(parting)],
            "waiting": [list(names) for names in parting.waiting],
        },
    }


def parting_finding(policy: Policy, parting: Parting) -> Diagnostic:
    """Where a kernel and the policy part: what happened, and what waited then."""
    place = None
    if parting.queue is not None:
        queue = policy.queues[parting.queue]
        place = Label(queue.span, f"the reference machine chooses from `{queue.name}`")
    lines = "\n".join(_lines(policy, parting))
    return Diagnostic("E1102", parting.what, place, notes=(lines,))


def _asked(parting: Parting) -> tuple[Asked, ...]:
    return tuple(event for event in parting.events if isinstance(event, Asked))


def _lines(policy: Policy, parting: Parting) -> Iterator[str]:
    for event in _asked(parting):
        yield f"{duration(event.at_ns):>12}  {_text(event)}"
    for queue, names in zip(policy.queues, parting.waiting, strict=True):
        if names:
            yield f"  waiting in `{queue.name}`: {', '.join(names)}"


def _text(event: Asked) -> str:
    return f"thread {event.tid} {event.step}, at {event.now_ns} ns of the policy's clock"
