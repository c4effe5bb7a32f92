"""Makes the guest's static program from C without a linker or a C library.

Guarantee: the program is the object's `.text` and nothing else; code that needs a relocation, and
with it any data, is refused, since nobody would resolve it.
"""

from __future__ import annotations

import struct
import subprocess
from functools import lru_cache
from importlib import resources
from typing import Final

from schedlang_vm.elf import read_object
from schedlang_vm.errors import EnvironmentProblem
from schedlang_vm.toolbox import Tool

_BASE: Final = 0x400000
_HEADERS: Final = 64 + 56
_FLAGS: Final = (
    *("-target", "x86_64-linux-gnu", "-O2", "-ffreestanding", "-fno-builtin", "-mno-sse"),
    *("-fno-jump-tables", "-fno-stack-protector", "-fno-asynchronous-unwind-tables"),
    *("-fpie", "-fcf-protection=none", "-Wall", "-Wextra", "-Werror"),
)


@lru_cache(maxsize=4)
def player_program(clang: Tool) -> bytes:
    """The player, guest/player.c, as an ELF executable."""
    with resources.as_file(resources.files(__package__).joinpath("guest")) as folder:
        command = [str(clang.path), *_FLAGS, "-c", str(folder / "player.c"), "-o", "-"]
        done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode != 0:
        told = done.stderr.decode(errors="replace")[-500:]
        raise EnvironmentProblem(f"clang cannot make the guest's program: {told}", "make setup")
    return executable(done.stdout)


def executable(object_file: bytes) -> bytes:
    """A static executable of one segment, started at `_start`."""
    obj = read_object(object_file)
    text = next(s for s in obj.sections if s.name == ".text")
    start = next(s for s in obj.symbols if s.name == "_start")
    if obj.relocated(text):
        raise ValueError("the code needs relocations")
    code = obj.content(text)
    # The file's headers come first, and keep the code's alignment.
    begin = _HEADERS + (-_HEADERS % 16)
    size = begin + len(code)
    identity = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    entry = _BASE + begin + start.value
    header = struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, entry, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x1000)
    return (identity + header + segment).ljust(begin, b"\0") + code
