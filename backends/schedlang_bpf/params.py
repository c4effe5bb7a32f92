"""Other initial values for an object's tunable params: they lie in one structure, in order."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from typing import Final

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from schedlang.ir.nodes import Policy

VARIABLE: Final = "params"
_BYTES: Final = 8


def with_params(obj: bytes, policy: Policy, values: Sequence[tuple[str, int]]) -> bytes:
    """The object as if the params had these values by default.

    Raises ValueError for a name that is no tunable param, and for a value out of its range.
    """
    tunable = [param for param in policy.params if param.tunable]
    changed = bytearray(obj)
    for name, value in values:
        number = next((i for i, param in enumerate(tunable) if param.name == name), None)
        if number is None:
            raise ValueError(f"the policy has no tunable param `{name}`")
        lo, hi = tunable[number].lo, tunable[number].hi
        if not lo <= value <= hi:
            raise ValueError(f"param `{name}` is within {lo}..{hi}, not {value}")
        struct.pack_into("<q", changed, _start(obj) + number * _BYTES, value)
    return bytes(changed)


def _start(obj: bytes) -> int:
    """Where in the file the structure lies."""
    elf = ELFFile(io.BytesIO(obj))
    for table in elf.iter_sections():
        if isinstance(table, SymbolTableSection):
            for symbol in table.get_symbol_by_name(VARIABLE) or ():
                start: int = elf.get_section(symbol["st_shndx"])["sh_offset"] + symbol["st_value"]
                return start
    raise ValueError("the object has no tunable params")
