"""Holds a scheduler on this host for a limited time: a process of its own, standard library only.

It attaches the object, and detaches it when the time is up, when its standard input ends (whoever
started it is gone, for whatever reason), or when attaching failed half-way. It ignores the signals
that end a session, and runs in a real-time class so that no scheduler can starve it.

    python guardian.py BPFTOOL OBJECT PIN_FOLDER SECONDS
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

ATTACHED = "attached"
FAILED = "failed"


def main(bpftool: str, obj: str, pins: Path, seconds: float) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    _become_urgent()
    try:
        # INVARIANT: the deadline runs from before the attachment, so that a bpftool that hangs
        # cannot prolong it.
        deadline = time.monotonic() + seconds
        pins.mkdir(mode=0o700)
        problem = _attach(bpftool, obj, pins, seconds)
        _say(f"{FAILED} {problem}" if problem else ATTACHED)
        while not problem and (left := deadline - time.monotonic()) > 0:
            ready, _, _ = select.select([0], [], [], left)
            if ready and not os.read(0, 1):
                break
    finally:
        detach(pins)


def _become_urgent() -> None:
    try:
        policy = os.SCHED_FIFO | os.SCHED_RESET_ON_FORK
        os.sched_setscheduler(0, policy, os.sched_param(1))
    except OSError:
        pass  # the kernel's own watchdog is then the last resort


def _attach(bpftool: str, obj: str, pins: Path, seconds: float) -> str:
    """What went wrong, in one line; empty if the object is attached."""
    command = [bpftool, "struct_ops", "register", obj, str(pins)]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bpftool: {error}"
    if done.returncode == 0:
        return ""
    lines = (done.stderr or done.stdout).decode(errors="replace").split("\n")
    return next((line for line in lines if line.strip()), f"bpftool ended with {done.returncode}")


def _say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


def detach(pins: Path) -> None:
    """Remove the pinned links, which is what detaches the scheduler."""
    if pins.is_dir():
        for link in pins.iterdir():
            link.unlink()
        pins.rmdir()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), float(sys.argv[4]))
