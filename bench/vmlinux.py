"""The vmlinux.h of the micro-VM's kernel: what a hand-written scheduler includes."""

from __future__ import annotations

import re
import struct
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

_SETUP_SECTORS: Final = 0x1F1
_PAYLOAD: Final = 0x248  # offset and length, of the boot protocol since 2.08
_SECTOR: Final = 512
_DECOMPRESSORS: Final = {
    b"\x28\xb5\x2f\xfd": ("zstd", "-dc"),
    b"\xfd7zXZ\x00": ("xz", "-dc"),
    b"\x1f\x8b": ("gzip", "-dc"),
    b"\x02\x21\x4c\x18": ("lz4", "-dc"),
}


def unpack_kernel(image: Path, vmlinux: Path) -> None:
    """Write the ELF file inside a bzImage."""
    data = image.read_bytes()
    offset, length = struct.unpack_from("<II", data, _PAYLOAD)
    start = (data[_SETUP_SECTORS] + 1) * _SECTOR + offset
    # The payload's last four bytes are its unpacked size, which is not the decompressor's.
    payload = data[start : start + length - 4]
    with open(vmlinux, "wb") as output:
        subprocess.run(_decompressor(payload), input=payload, stdout=output, check=True)


def _decompressor(payload: bytes) -> tuple[str, ...]:
    for magic, command in _DECOMPRESSORS.items():
        if payload.startswith(magic):
            return command
    raise ValueError(f"the kernel is packed in an unknown way ({payload[:4].hex()})")


def write_header(image: Path, bpftool: Path, header: Path) -> None:
    """`vmlinux.h` of the kernel `image`."""
    vmlinux = header.with_suffix(".elf")
    unpack_kernel(image, vmlinux)
    with open(header, "wb") as output:
        dump = [str(bpftool), "btf", "dump", "file", str(vmlinux), "format", "c"]
        subprocess.run(dump, stdout=output, check=True)
    vmlinux.unlink()


def write_shield(sources: Iterable[Path], vmlinux: Path, header: Path) -> None:
    """A header that can go before `sources`: vmlinux.h, with their own names kept free.

    Generated C declares the few kernel types that it needs itself; the same types of vmlinux.h get
    other names, and cost the same to read.
    """
    names = sorted({name for path in sources for name in _declared(path.read_text())})
    lines = [
        "#define BPF_NO_KFUNC_PROTOTYPES",
        *(f"#define {name} vmlinux_{name}" for name in names),
        f'#include "{vmlinux}"',
        *(f"#undef {name}" for name in names),
    ]
    header.write_text("\n".join(lines) + "\n")


def _declared(text: str) -> Iterator[str]:
    """The tags and enumerators that a C text declares."""
    yield from re.findall(r"\b(?:struct|union|enum) (\w+) \{", text)
    for body in re.findall(r"\benum(?: \w+)? \{(.*?)\}", text, re.DOTALL):
        yield from re.findall(r"\b([A-Z][A-Z0-9_]+)\b(?=\s*[=,\n}])", body)
