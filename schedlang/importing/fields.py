"""The fields of one JSON object, each of its type and within its range.

What is wrong goes into the list of findings, and the reading goes on with the default, so that one
run tells of everything. A field that nobody asked for is no finding: `rest` has it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final, final

from schedlang.diagnostics.model import Diagnostic, Label, Repair
from schedlang.importing.json_text import Entry, Flag, Items, Nothing, Number, Record, Text, Value
from schedlang.source import Span

MOST: Final = 2**53
_LONGEST_NUMBER: Final = 32

Findings = list[Diagnostic]


def say(findings: Findings, message: str, repair: str, span: Span) -> None:
    findings.append(Diagnostic("E1202", message, Label(span), repairs=(Repair(repair),)))


@final
class Fields:
    """`what` is the object in words, such as `a layer`."""

    def __init__(self, record: Record, what: str, findings: Findings) -> None:
        self.span = record.span
        self._what = what
        self._findings = findings
        self._entries: dict[str, Entry] = {}
        self._taken: set[str] = set()
        for entry in record.entries:
            if entry.name.value in self._entries:
                self.say(f"`{entry.name.value}` is there twice", "keep one", entry.name.span)
            else:
                self._entries[entry.name.value] = entry

    def say(self, message: str, repair: str, span: Span) -> None:
        say(self._findings, message, repair, span)

    def rest(self) -> Iterator[Entry]:
        """Fields that were not taken, but for those that say null."""
        for name, entry in self._entries.items():
            if name not in self._taken and not isinstance(entry.value, Nothing):
                yield entry

    def take(self, name: str) -> Value | None:
        """None if it is not there, or null."""
        self._taken.add(name)
        entry = self._entries.get(name)
        return None if entry is None or isinstance(entry.value, Nothing) else entry.value

    def require(self, name: str, example: str) -> Value | None:
        found = self.take(name)
        if found is None:
            self.say(f"{self._what} has a `{name}`, and here is none", f"add {example}", self.span)
        return found

    def text(self, name: str, default: str = "") -> str:
        found = self.take(name)
        if found is None or isinstance(found, Text):
            return default if found is None else found.value
        self.mistyped(name, found, "a text in quotes")
        return default

    def flag(self, name: str) -> bool:
        found = self.take(name)
        if found is None or isinstance(found, Flag):
            return found is not None and found.value
        self.mistyped(name, found, "`true` or `false`")
        return False

    def whole(self, name: str, default: int, least: int = 0, most: int = MOST) -> int:
        found = self.take(name)
        if found is None:
            return default
        number = as_whole(found)
        if number is None:
            self.mistyped(name, found, "a whole number")
        elif not least <= number <= most:
            message = f"`{name}` is from {least} to {most}"
            self.say(message, "choose such a number", found.span)
        else:
            return number
        return default

    def pair(self, name: str) -> tuple[Items, float, float] | None:
        """Two numbers, none below 0, the first not above the second, and where they stand."""
        found = self.take(name)
        if found is None:
            return None
        numbers = [as_number(v) for v in found.values] if isinstance(found, Items) else []
        first, second = numbers if len(numbers) == 2 else (None, None)
        if not isinstance(found, Items) or first is None or second is None:
            self.mistyped(name, found, "two numbers: `[1, 4]`")
        elif not 0 <= first <= second:
            message = f"`{name}` begins at 0 or more and does not end below that"
            self.say(message, "write the lesser number first", found.span)
        else:
            return found, first, second
        return None

    def mistyped(self, name: str, found: Value, wanted: str) -> None:
        self.say(f"`{name}` cannot be read", f"write {wanted}", found.span)


def as_number(value: Value) -> float | None:
    """A finite number."""
    if not isinstance(value, Number) or len(value.text) > _LONGEST_NUMBER:
        return None
    number = float(value.text)
    return number if math.isfinite(number) else None


def as_whole(value: Value) -> int | None:
    """Also `10.0`, as those who write JSON with other tools have it."""
    number = as_number(value)
    if number is None or not number.is_integer() or abs(number) > MOST:
        return None
    return int(number)
