"""Other initial values for an object's variables: its tunable params, and what it counts.

The params lie in one structure, in order.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from typing import Final

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from schedlang.ir.nodes import Policy
from schedlang.tuning import Tune, in_order

VARIABLE: Final = "params"
COUNTS: Final = "counts_turns"
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
        start = _start(obj, VARIABLE)
        if start is None:
            raise ValueError("the object has no tunable params")
        struct.pack_into("<q", changed, start + number * _BYTES, value)
    return bytes(changed)


def tuned_words(policy: Policy, tunes: Sequence[Tune]) -> tuple[tuple[int, int, int], ...]:
    """When, at which byte of the params, and what is written, in the order of time.

    Raises ValueError as `with_params` does.
    """
    numbers = {p.name: n for n, p in enumerate(p for p in policy.params if p.tunable)}
    ranges = {param.name: (param.lo, param.hi) for param in policy.params}
    for tune in tunes:
        if tune.param not in numbers:
            raise ValueError(f"the policy has no tunable param `{tune.param}`")
        lo, hi = ranges[tune.param]
        if not lo <= tune.value <= hi:
            raise ValueError(f"param `{tune.param}` is within {lo}..{hi}, not {tune.value}")
    return tuple(
        (tune.at_ns, numbers[tune.param] * _BYTES, tune.value) for tune in in_order(tuple(tunes))
    )


def counting_turns(obj: bytes) -> bytes:
    """The object as one that counts turns and waits by queue, if it can."""
    start = _start(obj, COUNTS)
    return obj if start is None else obj[:start] + b"\1" + obj[start + 1 :]


def _start(obj: bytes, variable: str) -> int | None:
    """Where in the file an initialised variable lies."""
    elf = ELFFile(io.BytesIO(obj))
    for table in elf.iter_sections():
        if isinstance(table, SymbolTableSection):
            for symbol in table.get_symbol_by_name(variable) or ():
                start: int = elf.get_section(symbol["st_shndx"])["sh_offset"] + symbol["st_value"]
                return start
    return None
