"""What two policies say differently, part by part and in their own words. Pure.

Whether a part differs is decided on the typed policies, so that layout, comments and the order of
declarations that do not matter make no difference, and a changed function or order does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, final

from schedlang.ir.nodes import Param, Policy, Type
from schedlang.ir.text import ladder_text, print_ir
from schedlang.source import Span
from schedlang.units import duration

_HEAD: Final = re.compile(r"(?P<kind>[a-z]+)(?: (?P<name>[a-z_][a-z0-9_]*))?")
_COMMENT: Final = re.compile(r'(?P<string>"[^"\n]*")|#[^\n]*')
_NAMED: Final = frozenset({"param", "const", "queue"})


@final
@dataclass(frozen=True, slots=True)
class PolicyChange:
    """`old` and `new` are the words of each policy, None where it has no such part."""

    part: str
    old: str | None
    new: str | None

    def told(self) -> str:
        if self.old is None:
            return f"{self.part}: new: {self.new}"
        if self.new is None:
            return f"{self.part}: gone; was: {self.old}"
        if self.old == self.new:
            return f"{self.part}: reads the same, but what it uses has changed: {self.new}"
        return f"{self.part}: was: {self.old}; is: {self.new}"


def policy_changes(old: Policy, new: Policy) -> tuple[PolicyChange, ...]:
    """Every part that differs, in the order in which policies are written."""
    before, after = _parts(old), _parts(new)
    first, second = _words(old), _words(new)
    return tuple(
        PolicyChange(part, first.get(part), second.get(part))
        for part in dict.fromkeys((*before, *after))
        if before.get(part) != after.get(part)
    )


def _parts(policy: Policy) -> dict[str, list[str]]:
    """The typed policy's printed form, cut at the parts that begin a line."""
    parts: dict[str, list[str]] = {}
    part = ""
    for line in print_ir(policy).splitlines():
        if not line.startswith(" "):
            part = _part_of(line)
        if part and not line.startswith("  ##"):
            parts.setdefault(part, []).append(line)
    return parts


def _part_of(line: str) -> str:
    """`param x`, `queue x`; the others by their kind alone. Claims are compared elsewhere."""
    head = _HEAD.match(line)
    kind, name = (head["kind"], head["name"]) if head else ("", None)
    if kind in ("guarantee", "accept", "policy", "test"):
        return ""
    if kind == "const":
        kind = "param"
    if kind in _NAMED:
        return f"{kind} {name}"
    return "guards" if kind == "guard" else kind


def _words(policy: Policy) -> dict[str, str]:
    """What the policy's text says of each part."""
    words = {f"param {param.name}": _param(param) for param in policy.params}
    if policy.states or policy.handlers:
        spans = [state.span for state in policy.states]
        spans += [handler.span for handler in policy.handlers]
        words["task"] = _text(policy, spans)
    for queue in policy.queues:
        words[f"queue {queue.name}"] = _text(policy, [queue.span])
    words["route"] = _text(policy, [policy.route.span])
    words["serve"] = _text(policy, [serve.tree.span for serve in policy.serves])
    if policy.guards:
        words["guards"] = _text(policy, [guard.span for guard in policy.guards])
    if policy.placement:
        words["place"] = ladder_text(policy.placement, policy)
    return words


def _param(param: Param) -> str:
    value, lo, hi = (_value(param.type, v) for v in (param.default, param.lo, param.hi))
    return f"{value} in {lo}..{hi}" if param.tunable else value


def _value(type_: Type, value: int) -> str:
    match type_:
        case Type.DURATION:
            return duration(value) if value >= 0 else f"-{duration(-value)}"
        case Type.SHARE:
            return f"{value}%"
        case Type.BOOL:
            return "true" if value else "false"
        case _:
            return str(value)


def _text(policy: Policy, spans: list[Span]) -> str:
    return "; ".join(_excerpts(policy, spans))


def _excerpts(policy: Policy, spans: list[Span]) -> Iterator[str]:
    """Each as one line, its comments left out."""
    for span in spans:
        text = policy.sources[span.file].excerpt(span)
        yield " ".join(_COMMENT.sub(lambda found: found["string"] or "", text).split())
