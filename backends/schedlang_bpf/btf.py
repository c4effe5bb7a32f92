"""As much of BTF, the kernel's type format, as tells what maps an object defines.

Layout: a header, then type records, then strings. A record is name, info, size-or-type, and by its
kind some more. All numbers are little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, final

MAGIC: Final = 0xEB9F
_RECORD_BYTES: Final = 12


class BtfError(Exception):
    """The bytes are no BTF, or refer to what is not there."""


class _Kind:
    INT = 1
    PTR = 2
    ARRAY = 3
    STRUCT = 4
    UNION = 5
    ENUM = 6
    FWD = 7
    TYPEDEF = 8
    VOLATILE = 9
    CONST = 10
    RESTRICT = 11
    FUNC = 12
    FUNC_PROTO = 13
    VAR = 14
    DATASEC = 15
    FLOAT = 16
    DECL_TAG = 17
    TYPE_TAG = 18
    ENUM64 = 19


# By kind: how many bytes follow a record at least, and for each of its `vlen` parts.
_MORE: Final = {
    _Kind.INT: (4, 0),
    _Kind.ARRAY: (12, 0),
    _Kind.STRUCT: (0, 12),
    _Kind.UNION: (0, 12),
    _Kind.ENUM: (0, 8),
    _Kind.FUNC_PROTO: (0, 8),
    _Kind.VAR: (4, 0),
    _Kind.DATASEC: (0, 12),
    _Kind.DECL_TAG: (4, 0),
    _Kind.ENUM64: (0, 12),
}
_ALIASES: Final = (
    _Kind.TYPEDEF,
    _Kind.VOLATILE,
    _Kind.CONST,
    _Kind.RESTRICT,
    _Kind.TYPE_TAG,
)
_SIZED: Final = (_Kind.INT, _Kind.STRUCT, _Kind.UNION, _Kind.ENUM, _Kind.FLOAT, _Kind.ENUM64)


@final
@dataclass(frozen=True, slots=True)
class _Type:
    """A record; `more` are the bytes that follow it."""

    name: str
    kind: int
    vlen: int
    size_or_type: int
    more: bytes


@final
@dataclass(frozen=True, slots=True)
class Btf:
    types: tuple[_Type, ...]
    strings: bytes

    def variables(self, section: str) -> Iterator[str]:
        """The names of the variables in a section."""
        for entry in self.types:
            if entry.kind == _Kind.DATASEC and entry.name == section:
                for number, _, _ in struct.iter_unpack("<III", entry.more):
                    yield self._at(number).name

    def map_number(self, variable: str, member: str) -> int:
        """A number that a map's definition tells as the length of an array; 0 if it does not."""
        pointed = self._member(variable, member)
        if pointed is None or pointed.kind != _Kind.ARRAY:
            return 0
        return _words(pointed.more, 3)[2]

    def map_type_size(self, variable: str, member: str) -> int:
        """The size of a type that a map's definition points to; 0 if it does not."""
        pointed = self._member(variable, member)
        return self._size(pointed, 0) if pointed is not None else 0

    def _member(self, variable: str, member: str) -> _Type | None:
        """What the member of a map's definition points to."""
        definition = self._definition(variable)
        for name, number, _ in struct.iter_unpack("<III", definition.more):
            if _string(self.strings, name) == member:
                return self._at(self._at(number).size_or_type)
        return None

    def _definition(self, variable: str) -> _Type:
        for entry in self.types:
            if entry.kind == _Kind.VAR and entry.name == variable:
                structure = self._at(entry.size_or_type)
                if structure.kind == _Kind.STRUCT:
                    return structure
        raise BtfError(f"{variable} is not defined by a structure")

    def _size(self, entry: _Type, depth: int) -> int:
        if depth > len(self.types):
            raise BtfError("a type contains itself")
        if entry.kind in _SIZED:
            return entry.size_or_type
        if entry.kind == _Kind.PTR:
            return 8
        if entry.kind == _Kind.ARRAY:
            element, _, count = _words(entry.more, 3)
            return self._size(self._at(element), depth + 1) * count
        if entry.kind in _ALIASES:
            return self._size(self._at(entry.size_or_type), depth + 1)
        raise BtfError(f"a type of kind {entry.kind} has no size")

    def _at(self, number: int) -> _Type:
        if number >= len(self.types):
            raise BtfError(f"there is no type {number}")
        return self.types[number]


def read_btf(data: bytes) -> Btf:
    """Parse a whole section. Raises BtfError."""
    try:
        magic, _, _, header = struct.unpack_from("<HBBI", data)
        types_at, types_bytes, strings_at, strings_bytes = struct.unpack_from("<IIII", data, 8)
    except struct.error as error:
        raise BtfError("it is cut short") from error
    if magic != MAGIC:
        raise BtfError("it does not begin as BTF does")
    types = data[header + types_at :][:types_bytes]
    strings = data[header + strings_at :][:strings_bytes]
    if len(types) < types_bytes or len(strings) < strings_bytes:
        raise BtfError("it is cut short")
    void = _Type("", 0, 0, 0, b"")
    return Btf((void, *_read_types(types, strings)), strings)


def _read_types(data: bytes, strings: bytes) -> Iterator[_Type]:
    at = 0
    while at < len(data):
        if at + _RECORD_BYTES > len(data):
            raise BtfError("it is cut short")
        name, info, size_or_type = struct.unpack_from("<III", data, at)
        kind, vlen = (info >> 24) & 0x1F, info & 0xFFFF
        at += _RECORD_BYTES
        fixed, each = _MORE.get(kind, (0, 0))
        more = data[at : at + fixed + each * vlen]
        if len(more) < fixed + each * vlen:
            raise BtfError("it is cut short")
        at += len(more)
        yield _Type(_string(strings, name), kind, vlen, size_or_type, more)


def _string(strings: bytes, at: int) -> str:
    end = strings.find(b"\0", at)
    if end < 0:
        raise BtfError("a name lies outside the strings")
    return strings[at:end].decode("utf-8", "replace")


def _words(data: bytes, count: int) -> tuple[int, ...]:
    return struct.unpack(f"<{count}I", data)
