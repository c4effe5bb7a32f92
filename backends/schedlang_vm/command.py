"""A program of this machine, with what it takes to run in the guest."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from schedlang_vm.guest import host_program
from schedlang_vm.initramfs import Entry

_FOLDER = "command"
_ELF = b"\x7fELF"


@dataclass(frozen=True, slots=True)
class Command:
    """`texts` are the program's place in the guest and its arguments; `files` are carried in."""

    texts: tuple[str, ...]
    files: Mapping[str, Entry]


def host_command(words: tuple[str, ...]) -> Command:
    """The program that `words` start on this machine, and the libraries that ldd names.

    Nothing else is carried: no file that it reads, no program that it starts. Raises ValueError
    for what is no program, or a script.
    """
    found = shutil.which(words[0])
    if found is None:
        raise ValueError(f"there is no program `{words[0]}` on this machine")
    path = Path(found).resolve()
    with path.open("rb") as file:
        if file.read(4) != _ELF:
            raise ValueError(
                f"`{words[0]}` is a script; name its interpreter, which must be a program"
            )
    place = f"{_FOLDER}/{Path(found).name}"
    return Command((f"/{place}", *words[1:]), host_program(path, place))
