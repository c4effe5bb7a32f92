"""Finds the tools: on PATH where fit, else in the cache. A pure look-up, never a download."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from schedlang_vm.cache import Cache, default_root
from schedlang_vm.errors import SETUP_COMMAND, EnvironmentProblem
from schedlang_vm.versions import CLANG_MINIMUM, QEMU_MINIMUM, Version, parse_version

BUILD_OLDEST_COMMAND: Final = "python -m schedlang_vm build-kernel-6.12"
ToolName = Literal["qemu", "bpftool", "busybox", "clang", "stress-ng"]


@dataclass(frozen=True, slots=True)
class Tool:
    """A program to start; `library_folders` is where the libraries it brought lie."""

    name: ToolName
    path: Path
    version: str
    library_folders: tuple[Path, ...] = ()
    program: Path | None = None  # the ELF file behind a starter script

    @property
    def elf(self) -> Path:
        return self.program or self.path


@dataclass(frozen=True, slots=True)
class Kernel:
    """A bootable kernel; `release` is what its `uname -r` says."""

    release: str
    image: Path
    config: Path


@dataclass(frozen=True, slots=True)
class Missing:
    """What a look-up did not find; `needed` is False for what only a wider test matrix uses."""

    name: str
    why: str
    remedy: str
    needed: bool = True


@dataclass(frozen=True, slots=True)
class Toolbox:
    """What this machine has; None stands for what `missing()` explains."""

    cache_root: Path
    qemu: Tool | None
    bpftool: Tool | None
    busybox: Tool | None
    clang: Tool | None
    stress_ng: Tool | None
    kernel: Kernel | None
    oldest_kernel: Kernel | None

    def missing(self) -> tuple[Missing, ...]:
        found = {
            "qemu": self.qemu,
            "bpftool": self.bpftool,
            "busybox": self.busybox,
            "clang": self.clang,
            "kernel": self.kernel,
        }
        gaps = [Missing(n, _WHY[n], SETUP_COMMAND) for n, tool in found.items() if tool is None]
        if self.stress_ng is None:
            gaps.append(Missing("stress-ng", _WHY["stress-ng"], SETUP_COMMAND, needed=False))
        if self.oldest_kernel is None:
            gaps.append(Missing("kernel-6.12", _WHY_OLDEST, BUILD_OLDEST_COMMAND, needed=False))
        return tuple(gaps)

    def tool(self, name: ToolName) -> Tool:
        """The tool, or EnvironmentProblem with its remedy."""
        found: dict[ToolName, Tool | None] = {
            "qemu": self.qemu,
            "bpftool": self.bpftool,
            "busybox": self.busybox,
            "clang": self.clang,
            "stress-ng": self.stress_ng,
        }
        tool = found[name]
        if tool is None:
            raise EnvironmentProblem(f"{name} is missing: {_WHY[name]}", SETUP_COMMAND)
        return tool

    def newest(self) -> Kernel:
        if self.kernel is None:
            raise EnvironmentProblem(f"no kernel to boot: {_WHY['kernel']}", SETUP_COMMAND)
        return self.kernel

    def oldest(self) -> Kernel:
        if self.oldest_kernel is None:
            raise EnvironmentProblem(_WHY_OLDEST, BUILD_OLDEST_COMMAND)
        return self.oldest_kernel


_WHY: Final = {
    "qemu": "no qemu-system-x86_64 >= 8.1 on PATH or in the cache",
    "bpftool": "bpftool >= 7.4 is not in the cache",
    "busybox": "busybox-static is not in the cache",
    "clang": "no clang >= 16 with the bpf target on PATH, none in the cache",
    "kernel": "no kernel with sched_ext in the cache",
    "stress-ng": "stress-ng, for the stress tests, is not in the cache",
}
_WHY_OLDEST: Final = "the 6.12 kernel (the oldest with sched_ext) has not been built"


def locate(env: Mapping[str, str] | None = None) -> Toolbox:
    """Look at PATH and the cache; some 50 ms, no network, nothing written."""
    env = os.environ if env is None else env
    cache = Cache(default_root(env))
    path = env.get("PATH", os.defpath)
    return Toolbox(
        cache_root=cache.root,
        qemu=_qemu_on(path) or _unpacked(cache, "qemu", *_QEMU),
        bpftool=_unpacked(cache, "bpftool", "bin/bpftool", "usr/sbin/bpftool"),
        busybox=_busybox(cache),
        clang=_clang_on(path) or _unpacked(cache, "clang", *_CLANG),
        stress_ng=_unpacked(cache, "stress-ng", "usr/bin/stress-ng", "usr/bin/stress-ng"),
        kernel=_kernel(cache, "kernel"),
        oldest_kernel=_kernel(cache, "kernel-6.12"),
    )


_QEMU: Final = ("bin/qemu-system-x86_64", "usr/bin/qemu-system-x86_64")
_CLANG: Final = ("bin/clang-19", "usr/lib/llvm-19/bin/clang")


def _unpacked(cache: Cache, name: ToolName, starter: str, program: str) -> Tool | None:
    stamp = cache.stamp(name)
    if stamp is None:
        return None
    folders = tuple(
        folder
        for part in ("usr/lib", "lib")
        if (folder := stamp.root / part / "x86_64-linux-gnu").is_dir()
    )
    return Tool(name, stamp.root / starter, stamp.version, folders, stamp.root / program)


def _busybox(cache: Cache) -> Tool | None:
    stamp = cache.stamp("busybox")
    if stamp is None:
        return None
    places = (stamp.root / "usr/bin/busybox", stamp.root / "bin/busybox")
    path = next((place for place in places if place.is_file()), None)
    return Tool("busybox", path, stamp.version) if path is not None else None


def _kernel(cache: Cache, name: str) -> Kernel | None:
    stamp = cache.stamp(name)
    if stamp is None:
        return None
    return Kernel(stamp.version, stamp.root / "vmlinuz", stamp.root / "config")


def _qemu_on(path: str) -> Tool | None:
    return _on_path("qemu", "qemu-system-x86_64", path, QEMU_MINIMUM)


def _clang_on(path: str) -> Tool | None:
    for program in ("clang", *(f"clang-{major}" for major in range(24, CLANG_MINIMUM[0] - 1, -1))):
        tool = _on_path("clang", program, path, CLANG_MINIMUM)
        if tool is not None and " bpf " in _output(tool.path, "-print-targets"):
            return tool
    return None


def _on_path(name: ToolName, program: str, path: str, minimum: Version) -> Tool | None:
    found = shutil.which(program, path=path)
    if found is None:
        return None
    said = _output(Path(found), "--version").partition("version ")[2]
    version = parse_version(said)
    if version < minimum:
        return None
    return Tool(name, Path(found), ".".join(map(str, version)))


def _output(program: Path, argument: str) -> str:
    try:
        done = subprocess.run(
            [program, argument], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
