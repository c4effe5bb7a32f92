"""scx_layered's layer specification: JSON to layers, with a finding for each mistake. Pure.

A field that scx_layered has and no policy can say is read like the others, and kept with its
place; one that it does not know either is kept too, since scx_layered goes past it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from schedlang.diagnostics.model import Diagnostic
from schedlang.diagnostics.suggest import did_you_mean
from schedlang.importing.fields import MOST, Fields, Findings, as_number, as_whole, say
from schedlang.importing.json_text import Entry, Flag, Items, Number, Record, Text, Value, read_json
from schedlang.importing.layered_spec import (
    MATCH_SHAPES,
    MAX_GROUPS,
    MAX_LAYERS,
    MOST_PERF,
    MOST_WEIGHT,
    UNSAID,
    Common,
    Condition,
    CpusRange,
    Field,
    Kind,
    Layer,
    Match,
    Shape,
)
from schedlang.source import Source, Span

_MOST_NICE: Final = 1000
_MOST_CPUS: Final = 1024


def read_layers(source: Source) -> tuple[Layer, ...] | tuple[Diagnostic, ...]:
    """All layers, or all that is wrong."""
    found = read_json(source, 0, Span(0, len(source.text)))
    if isinstance(found, Diagnostic):
        return (found,)
    findings: Findings = []
    if not isinstance(found, Items):
        say(findings, "a specification is a list of layers", "begin with `[`", found.span)
        return tuple(findings)
    layers = tuple(_layer(v, f"layers[{n}]", findings) for n, v in enumerate(found.values))
    read = tuple(layer for layer in layers if layer is not None)
    if not findings:
        _check_layers(read, found.span, findings)
    return tuple(findings) or read


def _check_layers(layers: tuple[Layer, ...], span: Span, findings: Findings) -> None:
    if not 1 <= len(layers) <= MAX_LAYERS:
        message = f"a specification has 1 to {MAX_LAYERS} layers, and here are {len(layers)}"
        say(findings, message, "put several into one, as alternatives of its `matches`", span)
        return
    for layer in layers[:-1]:
        if any(not group for group in layer.groups):
            message = f"layer `{layer.name}` takes every task, and layers follow it"
            say(findings, message, "put it last", layer.span)
    last = layers[-1]
    if all(last.groups):
        message = f"the last layer takes what no other does, and `{last.name}` has conditions"
        say(findings, message, 'end with a layer that has `"matches": [[]]`', last.span)
    for n, layer in enumerate(layers):
        if any(layer.name == other.name for other in layers[:n]):
            say(findings, f"layer `{layer.name}` is there twice", "rename one", layer.span)


# --- one layer


def _layer(value: Value, where: str, findings: Findings) -> Layer | None:
    if not isinstance(value, Record):
        say(findings, "a layer is an object", "write `{ … }`", value.span)
        return None
    fields = Fields(value, "a layer", findings)
    fields.require("name", '`"name": "…"`')
    name, comment = fields.text("name", "unnamed"), fields.text("comment")
    groups = _groups(fields, where, findings)
    template = _template(fields, where, findings)
    found = fields.require("kind", '`"kind": { "Open": {} }`')
    tagged = _tagged(found, Kind, "kind", findings) if found is not None else None
    if tagged is None:
        return None
    kind, body = Kind(tagged.name.value), tagged.value
    if not isinstance(body, Record):
        say(findings, f"`{kind}` has fields", f'write `{{ "{kind}": {{ … }} }}`', body.span)
        return None
    at = f"{where}.kind.{kind}"
    inner = Fields(body, f"the layer's `{kind}`", findings)
    common, cpus = _common(inner), _cpus(inner, kind, at)
    unsaid = [*_unsaid(inner, at), *(_unknown(e, at) for e in inner.rest())]
    unsaid += [_unknown(e, where) for e in fields.rest()]
    if template is not None:
        groups = tuple((*group, template) for group in groups)
        unsaid.insert(0, Field("template", f"{where}.template", template.span, known=True))
    return Layer(name, comment, where, value.span, groups, kind, common, cpus, tuple(unsaid))


def _template(fields: Fields, where: str, findings: Findings) -> Condition | None:
    found = fields.take("template")
    return None if found is None else _condition(found, f"{where}.template", findings)


def _common(fields: Fields) -> Common:
    return Common(
        slice_us=fields.whole("slice_us", 0),
        min_exec_us=fields.whole("min_exec_us", 0),
        weight=fields.whole("weight", 0, 0, MOST_WEIGHT),
        perf=fields.whole("perf", 0, 0, MOST_PERF),
        fifo=fields.flag("fifo"),
        preempt=fields.flag("preempt"),
        prev_over_idle_core=fields.flag("prev_over_idle_core"),
        skip_remote_node=fields.flag("skip_remote_node"),
    )


def _cpus(fields: Fields, kind: Kind, where: str) -> CpusRange | None:
    """What only layers with CPUs of their own have to say: that is required there."""
    if kind is Kind.OPEN:
        return None
    if fields.require("util_range", '`"util_range": [0.5, 0.8]`') is not None:
        found = fields.pair("util_range")
        if found is not None and found[1] == found[2]:
            fields.say("`util_range` is empty", "write two different numbers", found[0].span)
    whole, part = fields.pair("cpus_range"), fields.pair("cpus_range_frac")
    if whole is None:
        return None
    if part is not None:
        message = "`cpus_range` and `cpus_range_frac` are both there"
        fields.say(message, "keep one of them", part[0].span)
    least, most = (as_whole(value) for value in whole[0].values)
    if least is None or most is None or not 1 <= most <= _MOST_CPUS:
        wanted = f"two whole numbers of CPUs, the second from 1 to {_MOST_CPUS}"
        fields.mistyped("cpus_range", whole[0], wanted)
        return None
    return CpusRange(least, most, f"{where}.cpus_range", whole[0].span)


def _unsaid(fields: Fields, where: str) -> Iterator[Field]:
    for name, shape in UNSAID.items():
        found = fields.take(name)
        if found is None:
            continue
        if not _fits(found, shape):
            fields.mistyped(name, found, shape)
        elif not _is_default(found):
            yield Field(name, f"{where}.{name}", found.span, known=True)


def _unknown(entry: Entry, where: str) -> Field:
    return Field(entry.name.value, f"{where}.{entry.name.value}", entry.name.span, known=False)


def _is_default(value: Value) -> bool:
    """0, false, an empty list, the first of the words."""
    match value:
        case Flag():
            return not value.value
        case Number():
            return as_number(value) == 0
        case Text():
            return value.value in ("Sticky", "Standard")
        case _:
            return isinstance(value, Items) and not value.values


def _fits(value: Value, shape: Shape) -> bool:
    match shape:
        case Shape.TEXT:
            return isinstance(value, Text)
        case Shape.FLAG:
            return isinstance(value, Flag)
        case Shape.WHOLE:
            return as_whole(value) is not None
        case Shape.NUMBER:
            return as_number(value) is not None
        case Shape.PAIR:
            return (
                _fits(value, Shape.NUMBERS) and isinstance(value, Items) and len(value.values) == 2
            )
        case Shape.NUMBERS:
            return isinstance(value, Items) and all(as_number(v) is not None for v in value.values)


# --- what a layer takes


def _groups(fields: Fields, where: str, findings: Findings) -> tuple[tuple[Condition, ...], ...]:
    found = fields.require("matches", '`"matches": [[]]`')
    if found is None:
        return ()
    if not isinstance(found, Items) or not found.values:
        fields.mistyped("matches", found, "a list of lists of conditions: `[[]]` takes every task")
        return ()
    if len(found.values) > MAX_GROUPS:
        message = f"a layer has at most {MAX_GROUPS} alternatives, and here are {len(found.values)}"
        say(findings, message, "divide it into two layers", found.span)
    return tuple(
        _group(value, f"{where}.matches[{n}]", findings) for n, value in enumerate(found.values)
    )


def _group(value: Value, where: str, findings: Findings) -> tuple[Condition, ...]:
    if not isinstance(value, Items):
        say(findings, "an alternative is a list of conditions", "write `[ … ]`", value.span)
        return ()
    read = (_condition(v, f"{where}[{n}]", findings) for n, v in enumerate(value.values))
    return tuple(condition for condition in read if condition is not None)


def _condition(value: Value, where: str, findings: Findings) -> Condition | None:
    entry = _tagged(value, Match, "condition", findings)
    if entry is None:
        return None
    kind, held = Match(entry.name.value), entry.value
    shape = MATCH_SHAPES[kind]
    if not _fits(held, shape):
        say(findings, f"`{kind}` cannot be read", f"write {shape}", held.span)
        return None
    where = f"{where}.{kind}"
    match held:
        case Text():
            return Condition(kind, where, value.span, text=held.value)
        case Flag():
            return Condition(kind, where, value.span, flag=held.value)
        case Items():
            numbers = tuple(as_whole(v) or 0 for v in held.values)
            return _in_range(Condition(kind, where, value.span, numbers=numbers), held, findings)
        case _:
            number = as_whole(held) or 0
            return _in_range(Condition(kind, where, value.span, numbers=(number,)), held, findings)


def _in_range(condition: Condition, value: Value, findings: Findings) -> Condition | None:
    is_nice = condition.kind in (Match.NICE_ABOVE, Match.NICE_BELOW, Match.NICE_EQUALS)
    least, most = (-_MOST_NICE, _MOST_NICE) if is_nice else (0, MOST)
    if all(least <= number <= most for number in condition.numbers):
        return condition
    message = f"`{condition.kind}` is from {least} to {most}"
    say(findings, message, "choose such a number", value.span)
    return None


def _tagged(value: Value, tags: type[Kind | Match], what: str, findings: Findings) -> Entry | None:
    """The one entry of an object that is named after its kind."""
    known = [str(tag) for tag in tags]
    if not isinstance(value, Record) or len(value.entries) != 1:
        example = f'`{{ "{known[-1]}": … }}`'
        say(findings, f"a {what} is an object with one name", f"write {example}", value.span)
        return None
    entry = value.entries[0]
    if entry.name.value in known:
        return entry
    near = did_you_mean(entry.name.value, known)
    repair = f"did you mean `{near}`?" if near else f"they are: {', '.join(known)}"
    say(findings, f"there is no {what} `{entry.name.value}`", repair, entry.name.span)
    return None
