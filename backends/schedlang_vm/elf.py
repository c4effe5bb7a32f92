"""As much of ELF as this package needs: sections and symbols of a 64-bit little-endian object."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

NOBITS: Final = 8
_RELA: Final = (4, 9)
_SYMTAB: Final = 2


@dataclass(frozen=True, slots=True)
class Section:
    name: str
    kind: int
    offset: int
    size: int
    link: int
    info: int


@dataclass(frozen=True, slots=True)
class Symbol:
    name: str
    section: int
    value: int
    size: int


@dataclass(frozen=True, slots=True)
class ObjectFile:
    data: bytes
    sections: tuple[Section, ...]
    symbols: tuple[Symbol, ...]

    def content(self, section: Section) -> bytes:
        return self.data[section.offset : section.offset + section.size]

    def relocated(self, section: Section) -> bool:
        """Whether any relocation changes this section."""
        index = self.sections.index(section)
        return any(s.kind in _RELA and s.info == index and s.size for s in self.sections)


def read_object(data: bytes) -> ObjectFile:
    """Raises ValueError for what is not such a file."""
    if data[:6] != b"\x7fELF\x02\x01":
        raise ValueError("not a 64-bit little-endian ELF file")
    try:
        return _read(data)
    except (struct.error, IndexError) as error:
        raise ValueError(f"a damaged ELF file: {error}") from error


def _read(data: bytes) -> ObjectFile:
    (table,) = struct.unpack_from("<Q", data, 0x28)
    size, count, names_index = struct.unpack_from("<HHH", data, 0x3A)
    raw = [struct.unpack_from("<IIQQQQIIQQ", data, table + i * size) for i in range(count)]
    names = raw[names_index][4]
    sections = tuple(Section(_text(data, names + r[0]), r[1], r[4], r[5], r[6], r[7]) for r in raw)
    symbols: list[Symbol] = []
    for section in (s for s in sections if s.kind == _SYMTAB):
        strings = sections[section.link].offset
        for at in range(section.offset, section.offset + section.size, 24):
            name, _, _, index, value, length = struct.unpack_from("<IBBHQQ", data, at)
            symbols.append(Symbol(_text(data, strings + name), index, value, length))
    return ObjectFile(data, sections, tuple(symbols))


def _text(data: bytes, at: int) -> str:
    return data[at : data.index(b"\0", at)].decode(errors="replace")


def with_values(data: bytes, values: Mapping[str, int]) -> bytes:
    """The object with other initial values for integer variables that hold one already.

    Raises ValueError for a variable that the object lacks, that is zero-initialised without a
    place in the file, or that cannot hold its value.
    """
    if not values:
        return data
    obj = read_object(data)
    changed = bytearray(data)
    for name, value in values.items():
        symbol = next((s for s in obj.symbols if s.name == name and s.section), None)
        if symbol is None or symbol.section >= len(obj.sections):
            raise ValueError(f"the object has no variable `{name}`")
        section = obj.sections[symbol.section]
        if section.kind == NOBITS or symbol.size not in (1, 2, 4, 8):
            raise ValueError(f"`{name}` in {section.name} is no initialised integer variable")
        try:
            encoded = value.to_bytes(symbol.size, "little", signed=value < 0)
        except OverflowError:
            raise ValueError(f"{value} does not fit `{name}` of {symbol.size} bytes") from None
        at = section.offset + symbol.value
        changed[at : at + symbol.size] = encoded
    return bytes(changed)
