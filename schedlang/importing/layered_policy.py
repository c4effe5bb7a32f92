"""Layers as a policy: a queue each, in the order of the specification. Pure.

Layers that preempt are asked first; every other layer then keeps the share that scx_layered gives
its fallback. Otherwise layers share each CPU by their weights. docs/import.md says how each field
is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, final

from schedlang.importing.draft import (
    Draft,
    Gap,
    Loss,
    Names,
    comment,
    duration,
    fit_weights,
    in_order,
)
from schedlang.importing.layered_matches import expression
from schedlang.importing.layered_spec import Condition, Layer
from schedlang.importing.layered_why import why_field, why_match
from schedlang.source import Source
from schedlang.syntax.format import format_policy

SLICE_US: Final = 20_000
MOST_SLICE_US: Final = 100_000
FALLBACK_PERCENT: Final = 5
DEFAULT_WEIGHT: Final = 100
_PROGRESS: Final = "1ms"  # what a turn has done before it is cut
_ORDER: Final = "charged_at_least"
_LADDER: Final = "{ core in any prev cpu in any }"
_PREV_FIRST: Final = "place { prev core in any cpu in any }"


@final
@dataclass(frozen=True, slots=True)
class Queue:
    """A layer that some task can be in, and the conditions of its rules."""

    name: str
    layer: Layer
    rules: tuple[str, ...]


def layered_policy(layers: Sequence[Layer], wanted_name: str, file: str) -> Draft:
    """`file` is what the specification is called. `layers` are at least one; the last takes all."""
    gaps: list[Gap] = []
    names = Names((_ORDER, "vruntime"))
    name = Names().name(wanted_name, "layered")
    queues = [q for layer in layers if (q := _queue(layer, names, gaps)) is not None]
    for queue in queues:
        gaps += map(why_field, queue.layer.unsaid)
    lines = [
        f"## Layers of {_plain(file)}: a queue each, the first that matches takes the task.",
        f"policy {name}",
        *_uses(queues),
        *(line for queue in queues for line in _declaration(queue, gaps)),
        *_route(queues),
        *_serve(queues, gaps),
        *_preempt(queues),
        f"place {_LADDER}",
        "guarantee { starvation_free  no_lost_task  work_conserving }",
    ]
    text = "".join(f"{line}\n" for line in lines)
    return Draft(format_policy(Source(file, text)), in_order(gaps))


def _plain(file: str) -> str:
    (line,) = comment(file, "") or ["a specification"]
    return line.strip()


# --- what a layer takes


def _queue(layer: Layer, names: Names, gaps: list[Gap]) -> Queue | None:
    rules = []
    for group in layer.groups:
        texts = [_condition(condition, gaps) for condition in group]
        said = [text for text in texts if text is not None]
        if len(said) == len(texts):
            rules.append(" and ".join(t for t in said if t != "true") or "true")
    if not rules:
        why = "none of its alternatives can be said: its tasks go on to the layers that follow"
        gaps.append(Gap(layer.where, layer.span, Loss.LEFT_OUT, why))
        return None
    return Queue(names.name(layer.name, "layer"), layer, tuple(dict.fromkeys(rules)))


def _condition(condition: Condition, gaps: list[Gap]) -> str | None:
    text = expression(condition)
    if text is None:
        why = f"{why_match(condition.kind)}; the alternative that it stands in is left out"
        gaps.append(Gap(condition.where, condition.span, Loss.LEFT_OUT, why))
    return text


def _route(queues: Sequence[Queue]) -> Iterator[str]:
    yield "route {"
    *others, last = queues
    for queue in (*others, last):
        yield from (f"{rule} -> {queue.name}" for rule in queue.rules if rule != "true")
        if "true" in queue.rules and queue is not last:
            yield f"true -> {queue.name}"
    yield f"else -> {last.name}"
    yield "}"


# --- queues


def _uses(queues: Sequence[Queue]) -> Iterator[str]:
    keyed = [queue.layer.common for queue in queues if not queue.layer.common.fifo]
    if any(common.min_exec_us == 0 for common in keyed):
        yield "use std.orders.{vruntime}"
    if any(common.min_exec_us > 0 for common in keyed):
        yield "# Weighted virtual runtime that charges a turn at least `least`."
        yield f"order {_ORDER}(credit : duration, fork : duration, least : duration) {{"
        yield "v : vtime = clock + fork"
        yield "on join { v = max(v, clock - credit) }"
        yield "on stop { v = v + max(used, least) * 100 / weight }"
        yield "key v"
        yield "}"


def _declaration(queue: Queue, gaps: list[Gap]) -> Iterator[str]:
    layer, common = queue.layer, queue.layer.common
    yield from comment(layer.comment)
    slice_us = common.slice_us or SLICE_US
    if slice_us > MOST_SLICE_US:
        slice_us = MOST_SLICE_US
        _changed(queue, "slice_us", "a slice is at most 100 ms", gaps)
    order = _order(queue, slice_us)
    clauses = ["global", f"order {order}", f"slice {duration(slice_us)}"]
    clauses += [_PREV_FIRST] if common.prev_over_idle_core else []
    yield f"queue {queue.name} {{ {' '.join(clauses)} }}"
    if common.perf:
        _left_out(queue, "perf", "the language has no hints for a CPU's frequency", gaps)
    if layer.cpus is not None:
        why = "the layer's tasks may run everywhere"
        gaps.append(Gap(layer.cpus.where, layer.cpus.span, Loss.LEFT_OUT, why))


def _order(queue: Queue, slice_us: int) -> str:
    common = queue.layer.common
    if common.fifo:
        return "fifo"
    credit = duration(slice_us)
    if common.min_exec_us == 0:
        return f"vruntime(credit: {credit}, fork: {credit})"
    least = duration(min(common.min_exec_us, MOST_SLICE_US))
    return f"{_ORDER}(credit: {credit}, fork: {credit}, least: {least})"


def _changed(queue: Queue, field: str, why: str, gaps: list[Gap]) -> None:
    where = f"{queue.layer.where}.kind.{queue.layer.kind}.{field}"
    gaps.append(Gap(where, queue.layer.span, Loss.CHANGED, why))


def _left_out(queue: Queue, field: str, why: str, gaps: list[Gap]) -> None:
    where = f"{queue.layer.where}.kind.{queue.layer.kind}.{field}"
    gaps.append(Gap(where, queue.layer.span, Loss.LEFT_OUT, why))


# --- who goes first


def _serve(queues: Sequence[Queue], gaps: list[Gap]) -> Iterator[str]:
    first = [queue for queue in queues if queue.layer.common.preempt]
    others = [queue for queue in queues if not queue.layer.common.preempt]
    if not first or not others:
        yield f"serve {_tree(queues, gaps)}"
        return
    yield f"serve strict {{ {_tree(first, gaps)} {_tree(others, gaps)} }}"
    for queue in others:
        yield f"guard {queue.name} at least {FALLBACK_PERCENT}%"


def _preempt(queues: Sequence[Queue]) -> Iterator[str]:
    """A layer that preempts cuts the turns of those that do not."""
    first = [queue.name for queue in queues if queue.layer.common.preempt]
    others = [queue.name for queue in queues if not queue.layer.common.preempt]
    if first and others:
        rules = (f"{a} over {b} after {_PROGRESS}" for a in first for b in others)
        yield f"preempt {{ {' '.join(rules)} }}"


def _tree(queues: Sequence[Queue], gaps: list[Gap]) -> str:
    if len(queues) == 1:
        return queues[0].name
    wanted = [queue.layer.common.weight or DEFAULT_WEIGHT for queue in queues]
    fitted = fit_weights(wanted)
    for queue, before, weight in zip(queues, wanted, fitted, strict=True):
        if before != weight:
            why = f"{weight} instead of {before}: the weights of all layers need a common multiple"
            _changed(queue, "weight", why, gaps)
    shares = (f"{q.name}: {w}" for q, w in zip(queues, fitted, strict=True))
    return f"weighted {{ {' '.join(shares)} }}"
