"""Running a policy on this very machine: only in so many words, and never for longer than asked.

Everything dangerous happens in `guardian`, a process that outlives this one and reverts by itself.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import final

from schedlang.backend import EnvironmentProblem
from schedlang.cli import guardian
from schedlang.cli.passes import digest, has_passed
from schedlang.diagnostics.model import Diagnostic

OBJECT_NAME = "schedc"
"""Of the object's file, after which the kernel's maps of its variables are named."""
_POLL_S = 0.2
_DETACH_S = 10.0


@final
@dataclass(frozen=True, slots=True)
class Host:
    """A machine that schedulers can be loaded on. `bpf` is where its BPF file system should be."""

    sched_ext: Path
    bpf: Path
    has_bpf: bool
    bpftool: str | None
    is_root: bool

    @property
    def state(self) -> str:
        return self._said("state")

    @property
    def scheduler(self) -> str:
        """The name of the one that is loaded, if the kernel tells it."""
        return self._said("root/ops")

    def _said(self, file: str) -> str:
        try:
            return (self.sched_ext / file).read_text().strip()
        except OSError:
            return ""


def this_host() -> Host:
    bpf = Path("/sys/fs/bpf")
    search_path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    bpftool = shutil.which("bpftool", path=search_path)
    sched_ext = Path("/sys/kernel/sched_ext")
    return Host(sched_ext, bpf, os.path.ismount(bpf), bpftool, os.geteuid() == 0)


def require_fit(host: Host, obj: bytes) -> str:
    """The host's bpftool, if `obj` may run here. Raises EnvironmentProblem."""
    if not has_passed(obj):
        raise _refused(
            f"this object (sha256 {digest(obj)[:16]}…) has not passed in the micro-VM",
            "run `schedc verify` on the policy first, as this user",
        )
    if not host.state:
        raise _refused(
            "this kernel has no sched_ext", "boot a kernel with CONFIG_SCHED_CLASS_EXT=y"
        )
    if host.state != "disabled":
        raise _refused(
            f"a sched_ext scheduler is loaded already (state `{host.state}`)", "unload it first"
        )
    if not host.is_root:
        raise _refused("loading a scheduler needs root", "run the same command as root")
    if not host.has_bpf:
        raise _refused(f"no BPF file system at {host.bpf}", f"mount -t bpf bpf {host.bpf}")
    if host.bpftool is None:
        raise EnvironmentProblem("bpftool is not installed", "install bpftool 7.4 or newer")
    return host.bpftool


def _refused(what: str, remedy: str) -> EnvironmentProblem:
    return EnvironmentProblem(f"this host is refused: {what}", remedy, "E0603")


def run_on_host(host: Host, obj: bytes, name: str, seconds: float) -> tuple[Diagnostic, ...]:
    """Hold `obj` attached for `seconds`. Raises EnvironmentProblem; reverts however it ends."""
    bpftool = require_fit(host, obj)
    pins = host.bpf / f"schedc_{name[:32]}_{secrets.token_hex(4)}"
    with tempfile.TemporaryDirectory(prefix="schedc-") as folder:
        file = Path(folder) / f"{OBJECT_NAME}.bpf.o"
        file.write_bytes(obj)
        with _guarded([bpftool, str(file), str(pins), str(seconds)]) as process:
            return _watch(host, process, seconds)


@contextmanager
def _guarded(arguments: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A guardian that detaches as soon as this block is left, by whatever way."""
    process = subprocess.Popen(
        [sys.executable, "-I", guardian.__file__, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.wait(_DETACH_S)
        process.stdout.close()


def _watch(host: Host, process: subprocess.Popen[bytes], seconds: float) -> tuple[Diagnostic, ...]:
    assert process.stdout is not None
    answer = process.stdout.readline().decode(errors="replace").strip()
    if answer != guardian.ATTACHED:
        why = answer.removeprefix(guardian.FAILED).strip() or "no reason was given"
        return (Diagnostic("E0504", f"the scheduler could not be attached: {why}"),)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        if host.state == "disabled":
            note = "`dmesg` says why; the kernel's own scheduler is back"
            return (Diagnostic("E0503", "the kernel ejected the scheduler", notes=(note,)),)
        time.sleep(_POLL_S)
    return ()
