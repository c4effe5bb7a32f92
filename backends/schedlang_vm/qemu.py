"""Starts QEMU and sees to its end.

Guarantees: QEMU never outlives the call nor this process: its group is killed on time-out,
on any exception and on SIGTERM, and the kernel kills it when this process dies. There are no
temporary files: image and serial output are memory files that vanish with their last user, so
runs side by side share nothing.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import BinaryIO, Final, Literal

from schedlang_vm.topology import Topology, qemu_topology

_MEMORY_MIB: Final = 1024
# Crypto self-tests run in threads of their own and would make the first seconds irregular. The
# timer's check counts a CPU's cycles, and fails if a loaded host does not let QEMU run meanwhile.
_KERNEL_ARGUMENTS: Final = (
    "console=ttyS0 quiet panic=-1 rdinit=/init cryptomgr.notests no_timer_check"
)
_FIXED_TIME: Final = "2025-01-01T00:00:00"


@dataclass(frozen=True, slots=True)
class Machine:
    """What to boot. With a `seed`, virtual time follows executed instructions alone."""

    kernel: Path
    topology: Topology
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Serial:
    """The three memory files that QEMU sees, as paths."""

    initramfs: str
    console: str
    frames: str


def arguments(machine: Machine, files: Serial) -> tuple[str, ...]:
    """QEMU's command line after the program's name."""
    return (
        *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-cpu", "max"),
        *(_free_running() if machine.seed is None else _deterministic(machine.seed)),
        *qemu_topology(machine.topology, _MEMORY_MIB),
        *("-kernel", str(machine.kernel), "-initrd", files.initramfs),
        *("-append", _KERNEL_ARGUMENTS),
        *("-serial", f"file:{files.console}", "-serial", f"file:{files.frames}"),
    )


def _free_running() -> tuple[str, ...]:
    return ("-accel", "tcg,thread=multi")


def _deterministic(seed: int) -> tuple[str, ...]:
    """INVARIANT: each of these was found by a run that diverged without it."""
    return (
        *("-accel", "tcg,thread=single", "-icount", "shift=1,sleep=off"),
        *("-rtc", f"base={_FIXED_TIME},clock=vm", "-seed", str(seed)),
        # A virtual timer on the host's side, which caps the virtual CPUs' turns at 100 us.
        *("-netdev", "hubport,id=n0,hubid=0"),
        *("-object", "filter-buffer,id=f0,netdev=n0,interval=100"),
    )


@dataclass(frozen=True, slots=True)
class Ended:
    """How QEMU ended and what it left; `told` is its own standard error."""

    how: Literal["powered_off", "timed_out", "failed"]
    console: bytes
    frames: bytes
    told: str
    wall_s: float


def run_machine(qemu: Path, machine: Machine, initramfs: bytes, timeout_s: float) -> Ended:
    """Boot, wait for the power-off at most `timeout_s`, and return all output."""
    begun_s = time.monotonic()
    with ExitStack() as stack:
        image, console, frames, told = (
            stack.enter_context(_memory_file(name))
            for name in ("initramfs", "console", "frames", "told")
        )
        image.write(initramfs)
        image.flush()
        serial = Serial(_path(image), _path(console), _path(frames))
        command = [str(qemu), *arguments(machine, serial)]
        descriptors = tuple(f.fileno() for f in (image, console, frames))
        code = _run(command, descriptors, told, timeout_s)
        how: Literal["powered_off", "timed_out", "failed"] = (
            "timed_out" if code is None else "powered_off" if code == 0 else "failed"
        )
        contents = [_content(file) for file in (console, frames, told)]
    wall_s = time.monotonic() - begun_s
    return Ended(how, contents[0], contents[1], contents[2].decode(errors="replace"), wall_s)


@contextmanager
def _memory_file(name: str) -> Iterator[BinaryIO]:
    with open(os.memfd_create(name), "r+b") as file:
        yield file


def _path(file: BinaryIO) -> str:
    return f"/proc/self/fd/{file.fileno()}"


def _content(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read()


def _run(
    command: list[str], descriptors: tuple[int, ...], told: BinaryIO, timeout_s: float
) -> int | None:
    """The exit code, or None after the time limit."""
    with _sigterm_unwinds():
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *command],
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=told,
            pass_fds=descriptors,
            start_new_session=True,
        )
        try:
            return process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def _sigterm_unwinds() -> Iterator[None]:
    """Let SIGTERM unwind the stack here, unless the program already handles it."""
    ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    )
    if ours:
        signal.signal(signal.SIGTERM, _leave)
    try:
        yield
    finally:
        if ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
