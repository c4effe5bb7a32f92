"""Layers as a policy: a queue each, in the order of the specification. Pure.

Layers share each CPU by their weights, but for those that preempt, which are asked first, and for
those that own CPUs: see `layered_trees`. docs/import.md says how each field is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
from schedlang.importing.layered_spec import Condition, Kind, Layer
from schedlang.importing.layered_trees import choice
from schedlang.importing.layered_why import why_field, why_match
from schedlang.source import Source
from schedlang.syntax.format import format_policy

SLICE_US: Final = 20_000
MOST_SLICE_US: Final = 100_000
DEFAULT_WEIGHT: Final = 100
_ORDER: Final = "charged_at_least"
_LADDER: Final = "{ core in any prev cpu in any }"


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
    sets = _sets(queues, names, gaps)
    owned = {queue: name for queue, (name, _) in sets.items()}
    lines = [
        f"## Layers of {_plain(file)}: a queue each, the first that matches takes the task.",
        f"policy {name}",
        *_uses(queues),
        *(f"cpuset {set_} = {cpus}" for set_, cpus in sets.values()),
        *(line for queue in queues for line in _declaration(queue, owned.get(queue.name), gaps)),
        *_route(queues),
        *_choice(queues, owned, gaps),
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


def _declaration(queue: Queue, cpus: str | None, gaps: list[Gap]) -> Iterator[str]:
    layer, common = queue.layer, queue.layer.common
    yield from comment(layer.comment)
    slice_us = common.slice_us or SLICE_US
    if slice_us > MOST_SLICE_US:
        slice_us = MOST_SLICE_US
        _changed(queue, "slice_us", "a slice is at most 100 ms", gaps)
    order = _order(queue, slice_us)
    clauses = ["global", f"order {order}", f"slice {duration(slice_us)}"]
    if cpus is not None and layer.kind is Kind.CONFINED:
        clauses.append(f"on {cpus}")
    clauses += _ladder(common.prev_over_idle_core, cpus if layer.kind is Kind.GROUPED else None)
    yield f"queue {queue.name} {{ {' '.join(clauses)} }}"
    if common.perf:
        _left_out(queue, "perf", "frequency hints are `max` or `min` only", gaps)


def _ladder(prev_first: bool, cpus: str | None) -> list[str]:
    """What differs from the policy's own ladder."""
    own = f"core in {cpus} cpu in {cpus} " if cpus else ""
    if not own and not prev_first:
        return []
    rest = "prev core in any cpu in any" if prev_first else "core in any prev cpu in any"
    return [f"place {{ {own}{rest} }}"]


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


def _choice(queues: Sequence[Queue], sets: Mapping[str, str], gaps: list[Gap]) -> Iterator[str]:
    wanted = [queue.layer.common.weight or DEFAULT_WEIGHT for queue in queues]
    fitted = fit_weights(wanted)
    for queue, before, weight in zip(queues, wanted, fitted, strict=True):
        if before != weight:
            why = f"{weight} instead of {before}: the weights of all layers need a common multiple"
            _changed(queue, "weight", why, gaps)
    weights = {queue.name: weight for queue, weight in zip(queues, fitted, strict=True)}
    first = [queue.name for queue in queues if queue.layer.common.preempt]
    yield from choice(weights, first, sets)


def _sets(queues: Sequence[Queue], names: Names, gaps: list[Gap]) -> dict[str, tuple[str, str]]:
    """Of queues that own a number of CPUs that does not change: the set's name, and its CPUs."""
    found, start = {}, 0
    for queue in queues:
        cpus = queue.layer.cpus
        if cpus is None:
            continue
        if cpus.least != cpus.most:
            why = "CPU sets sized by utilisation are no part of a policy: it may run everywhere"
            gaps.append(Gap(cpus.where, cpus.span, Loss.LEFT_OUT, why))
            continue
        end = start + cpus.most - 1
        text = f"{start}-{end}" if start < end else f"{start}"
        found[queue.name] = names.name(f"{queue.name}_cpus", "cpus"), text
        start = end + 1
        why = f"which CPUs these are is fixed: {text}"
        gaps.append(Gap(cpus.where, cpus.span, Loss.CHANGED, why))
    return found
