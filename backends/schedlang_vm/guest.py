"""Boots a guest with a job and brings its results back.

Guarantee: `complete` is True only when the job ran to its end and every section came through
intact; anything else carries an explanation.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

from schedlang_vm.frames import parse_frames
from schedlang_vm.initramfs import Entry, archive, plain, program
from schedlang_vm.qemu import Ended, Machine, run_machine
from schedlang_vm.toolbox import Tool, Toolbox

_LIBRARIES = "lib/x86_64-linux-gnu"


@dataclass(frozen=True, slots=True)
class Job:
    """`main` is shell code that /init sources; `files` are carried in, by relative path.

    INVARIANT: no text of a user ever goes into `main`; it travels as a file's content.
    """

    main: str
    files: Mapping[str, Entry]


@dataclass(frozen=True, slots=True)
class GuestResult:
    """`problem` is empty when the job ran to its end and all its sections are intact."""

    sections: Mapping[str, bytes]
    problem: str
    console: str
    wall_s: float
    initramfs_sha256: str

    @property
    def complete(self) -> bool:
        return not self.problem


def run_job(toolbox: Toolbox, machine: Machine, job: Job, timeout_s: float) -> GuestResult:
    """Boot `machine` with busybox, bpftool and the job; never raises for the guest's faults."""
    base = base_archive(toolbox.tool("busybox"), toolbox.tool("bpftool"))
    files = {**job.files, "job/main": plain(job.main.encode())}
    image = base + archive(files)
    ended = run_machine(toolbox.tool("qemu").path, machine, image, timeout_s)
    return _result(ended, hashlib.sha256(image).hexdigest(), timeout_s)


def _result(ended: Ended, image_sha256: str, timeout_s: float) -> GuestResult:
    frames = parse_frames(ended.frames)
    console = ended.console.decode(errors="replace").replace("\r", "")
    problem = ""
    if ended.how == "timed_out":
        problem = f"the guest did not power off within {timeout_s:g} s"
    elif ended.how == "failed":
        problem = f"QEMU failed: {ended.told.strip()}"
    elif frames.damage:
        problem = "the guest's output is damaged: " + "; ".join(frames.damage)
    elif "end" not in frames.sections:
        problem = "the guest powered off before its job was done"
    return GuestResult(frames.sections, problem, console, ended.wall_s, image_sha256)


@lru_cache(maxsize=4)
def base_archive(busybox: Tool, bpftool: Tool) -> bytes:
    """What every guest has."""
    init = resources.files(__package__).joinpath("guest/init").read_bytes()
    entries = {
        "init": program(init),
        "bin/busybox": program(busybox.elf.read_bytes()),
        **host_program(bpftool.elf, "bin/bpftool", bpftool.library_folders),
    }
    mounts = ("proc", "sys", "dev", "tmp", "job")
    return archive(entries | {f"{name}/.keep": plain(b"") for name in mounts})


def host_program(
    elf: Path, guest_path: str, library_folders: tuple[Path, ...] = ()
) -> dict[str, Entry]:
    """A program of this machine under `guest_path`, with the libraries that it names."""
    entries = {guest_path: program(elf.read_bytes())}
    for name, path in _libraries(elf, library_folders).items():
        place = f"lib64/{name}" if name.startswith("ld-linux") else f"{_LIBRARIES}/{name}"
        entries[place] = program(path.read_bytes())
    return entries


def _libraries(elf: Path, library_folders: tuple[Path, ...]) -> dict[str, Path]:
    env = {**os.environ, "LC_ALL": "C"}
    if library_folders:
        env["LD_LIBRARY_PATH"] = ":".join(map(str, library_folders))
    done = subprocess.run(["ldd", str(elf)], capture_output=True, text=True, env=env, check=False)
    found: dict[str, Path] = {}
    for line in done.stdout.splitlines():
        words = line.split()
        path = next((word for word in words if word.startswith("/")), None)
        if path is not None:
            found[Path(words[0]).name] = Path(path)
    return found
