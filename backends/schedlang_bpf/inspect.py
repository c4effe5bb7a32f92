"""Reads from an object file, without loading it, what is in it and whether it can be loaded.

The file may come from anywhere: whatever it holds, the answer is figures or a diagnostic.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Final

from elftools.common.exceptions import ELFError
from elftools.construct import ConstructError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import Section, SymbolTableSection

from schedlang.backend import Map, ObjectFigures, Program
from schedlang.diagnostics.model import Diagnostic
from schedlang_bpf.btf import Btf, BtfError, read_btf

BPF_MACHINE: Final = "EM_BPF"
LICENCE: Final = "GPL"
STRUCT_OPS: Final = ".struct_ops.link"
INSTRUCTION_BYTES: Final = 8
NEEDED: Final = (".BTF", ".BTF.ext", ".maps", "license", STRUCT_OPS)


# What pyelftools runs into when tables lead it astray.
_DAMAGE: Final = (
    *(ValueError, IndexError, KeyError, TypeError, AttributeError),
    *(OverflowError, MemoryError, RecursionError),
)


class _Unusable(Exception):
    """Why the object cannot be used."""


def inspect_object(data: bytes) -> ObjectFigures | Diagnostic:
    try:
        return _figures(data)
    except _Unusable as problem:
        why = str(problem)
    except BtfError as problem:
        why = f"its type information is damaged: {problem}"
    except (ELFError, ConstructError, struct.error) as problem:
        why = f"it is no whole ELF file: {str(problem) or type(problem).__name__}"
    except _DAMAGE:
        why = "its ELF tables are damaged"
    return Diagnostic("E0402", f"the compiled object cannot be used: {why}")


def _figures(data: bytes) -> ObjectFigures:
    if not data:
        raise _Unusable("it is empty")
    elf = ELFFile(io.BytesIO(data))
    if elf["e_machine"] != BPF_MACHINE or not elf.little_endian or elf.elfclass != 64:
        raise _Unusable("it is not made for BPF")
    sections = {section.name: section for section in elf.iter_sections()}
    for section in elf.iter_sections():
        end = section["sh_offset"] + section["sh_size"]
        if section["sh_type"] != "SHT_NOBITS" and end > len(data):
            raise _Unusable("it is cut short")
    for name in NEEDED:
        if name not in sections or not sections[name].data_size:
            raise _Unusable(f"it lacks the section {name}")
    licence = sections["license"].data().split(b"\0")[0].decode("ascii", "replace")
    if licence != LICENCE:
        raise _Unusable(f"its licence is {licence!r}, the kernel's functions need {LICENCE!r}")
    btf = read_btf(sections[".BTF"].data())
    tables = tuple(btf.variables(STRUCT_OPS))
    if not tables:
        raise _Unusable("it defines no scheduler")
    programs = tuple(_programs(elf))
    if not programs:
        raise _Unusable("it has no program")
    return ObjectFigures(programs, tuple(_maps(btf, sections)), licence, tables, len(data))


def _programs(elf: ELFFile) -> Iterator[Program]:
    """The functions in the sections of callbacks, by name."""
    found: list[Program] = []
    for table in elf.iter_sections():
        if not isinstance(table, SymbolTableSection):
            continue
        for symbol in table.iter_symbols():
            index = symbol["st_shndx"]
            if symbol["st_info"]["type"] != "STT_FUNC" or not isinstance(index, int):
                continue
            section = elf.get_section(index).name
            if section.startswith(("struct_ops/", "struct_ops.s/")):
                instructions = symbol["st_size"] // INSTRUCTION_BYTES
                found.append(Program(symbol.name, section, instructions))
    yield from sorted(found, key=lambda program: program.name)


_KINDS: Final = {2: "array", 6: "percpu_array", 29: "task_storage"}


def _maps(btf: Btf, sections: dict[str, Section]) -> Iterator[Map]:
    """The maps that the object defines, and those that libbpf makes of its variables."""
    for name in sorted(btf.variables(".maps")):
        number = btf.map_number(name, "type")
        yield Map(
            name=name,
            kind=_KINDS.get(number, f"type {number}"),
            key_bytes=btf.map_type_size(name, "key"),
            value_bytes=btf.map_type_size(name, "value"),
            max_entries=btf.map_number(name, "max_entries"),
        )
    for name in (".data", ".rodata", ".bss"):
        if name in sections and sections[name].data_size:
            yield Map(name, "array", 4, sections[name].data_size, 1)
