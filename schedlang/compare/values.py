"""JSON that was read from a file, taken apart with its types checked. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from schedlang.diagnostics.render_json import JsonValue


@final
class Misread(Exception):
    """The value is not what it should be; the message says so to the user."""


@final
@dataclass(frozen=True, slots=True)
class Value:
    """Each method raises Misread if the value is of another kind. Numbers are whole, of 64 bits."""

    raw: JsonValue

    def get(self, key: str) -> Value:
        if not isinstance(self.raw, dict) or key not in self.raw:
            raise Misread(f"it has no `{key}` where one belongs")
        return Value(self.raw[key])

    def items(self) -> list[Value]:
        if not isinstance(self.raw, list):
            raise Misread("something in it is no list")
        return [Value(item) for item in self.raw]

    def text(self) -> str:
        if not isinstance(self.raw, str):
            raise Misread("something in it is no text")
        return self.raw

    def number(self) -> int:
        if not isinstance(self.raw, int) or isinstance(self.raw, bool):
            raise Misread("something in it is no number")
        if not 0 <= self.raw < 1 << 64:
            raise Misread("a number in it is out of range")
        return self.raw

    def truth(self) -> bool:
        if not isinstance(self.raw, bool):
            raise Misread("something in it is neither true nor false")
        return self.raw

    def is_null(self) -> bool:
        return self.raw is None

    def is_object(self) -> bool:
        return isinstance(self.raw, dict)
