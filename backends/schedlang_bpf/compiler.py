"""The C compilers that make BPF: clang, or the one that the `ziglang` wheel brings along."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, final

_ASK_TIMEOUT_S: Final = 60.0
# A policy may well say what is always true, or leave a param unread: that is no mistake in the C.
_POLICY_MAY: Final = ("-Wno-unused", "-Wno-tautological-compare", "-Wno-constant-logical-operand")
_WARNINGS: Final = ("-Wall", "-Werror", *_POLICY_MAY)
_REPRODUCIBLE: Final = ("-fdebug-compilation-dir=.", "-Wno-unused-command-line-argument")
_MESSAGES: Final = ("-fno-color-diagnostics", "-fno-caret-diagnostics", "-ferror-limit=20")


@final
@dataclass(frozen=True, slots=True)
class Compiler:
    """A command to which the file names are added; `caches` if it keeps things in folders."""

    name: str
    command: tuple[str, ...]
    caches: bool = False

    def arguments(self, source: str, output: str) -> tuple[str, ...]:
        """The whole command; both files, and the folder `include`, lie where it is run."""
        options = ("-O2", "-g", *_WARNINGS, *_REPRODUCIBLE, *_MESSAGES, "-I", "include")
        return (*self.command, *options, "-c", source, "-o", output)


def clang(path: Path, version: str) -> Compiler:
    return Compiler(f"clang {version}", (str(path), "-target", "bpf", "-mcpu=v3"))


def zig_command() -> tuple[str, ...]:
    return (sys.executable, "-m", "ziglang")


@cache
def zig_clang() -> Compiler | None:
    """The clang inside the `ziglang` wheel of this Python, if it has one."""
    if importlib.util.find_spec("ziglang") is None:
        return None
    zig = zig_command()
    try:
        told = subprocess.run(
            (*zig, "version"), capture_output=True, text=True, timeout=_ASK_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if told.returncode != 0:
        return None
    command = (*zig, "cc", "-target", "bpfel-freestanding", "-mcpu=v3")
    return Compiler(f"ziglang {told.stdout.strip()}", command, caches=True)
