"""The generated C as a program of this machine, called back as the kernel would (host/kernel.c)."""

from __future__ import annotations

import ctypes
import importlib.util
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

import schedlang_bpf
from schedlang.ir.nodes import Policy
from schedlang.machine.scenario import TaskSpec
from schedlang.prover.verdict import ProofReport
from schedlang_bpf.emit import emit

HOST = Path(__file__).parent / "host"
HEADERS = Path(schedlang_bpf.__file__).parent / "include"
# As in kernel.c. There are more than run: who may run everywhere is neither pinned nor restricted.
POSSIBLE_CPUS = 8
OPTIONS = ("-O1", "-fPIC", "-shared", "-fno-sanitize=undefined", "-w")

needs_zig = pytest.mark.skipif(
    importlib.util.find_spec("ziglang") is None, reason="the ziglang wheel is not installed"
)


class Host:
    """One machine under one policy. CPUs and tasks are numbers, as in the reference interpreter."""

    def __init__(self, policy: Policy, cpus: int, params: Sequence[int], folder: Path) -> None:
        self._lib = ctypes.CDLL(str(_compiled(policy, folder)))
        self._lib.host_slice.restype = ctypes.c_uint64
        self._lib.host_fault.restype = ctypes.c_char_p
        tunable = [v for v, p in zip(params, policy.params, strict=True) if p.tunable]
        if tunable:
            values = (ctypes.c_int64 * len(tunable)).in_dll(self._lib, "params")
            for index, value in enumerate(tunable):
                values[index] = value
        self.time(0)
        self._lib.host_start(cpus)

    def time(self, now: int) -> None:
        self._lib.host_time(ctypes.c_uint64(now))

    def fork(self, spec: TaskSpec, cpu: int) -> int:
        """The task exists; `wake` makes it runnable."""
        cpus = range(POSSIBLE_CPUS) if spec.affinity is None else spec.affinity
        mask = sum(1 << cpu for cpu in cpus)
        names = (spec.comm.encode(), (spec.process or spec.comm).encode())
        numbers = (spec.nice, spec.weight, spec.cgroup.encode(), int(spec.kthread))
        number: int = self._lib.host_fork(*names, *numbers, ctypes.c_uint64(mask), cpu)
        self._check()
        return number

    def wake(self, task: int, cpu: int) -> None:
        self._lib.host_wake(task, cpu)
        self._check()

    def expire(self, cpu: int) -> None:
        self._lib.host_expire(cpu)

    def block(self, cpu: int) -> None:
        self._lib.host_block(cpu)
        self._check()

    def touch(self, cpu: int) -> None:
        self._lib.host_touch(cpu)
        self._check()

    def schedule(self, cpu: int) -> int | None:
        number: int = self._lib.host_schedule(cpu)
        self._check()
        return None if number < 0 else number

    def kicked(self, cpu: int) -> bool:
        return bool(self._lib.host_kicked(cpu))

    def slice_ns(self, task: int) -> int:
        left: int = self._lib.host_slice(task)
        return left

    def _check(self) -> None:
        fault: bytes = self._lib.host_fault()
        assert not fault, fault.decode()


def _compiled(policy: Policy, folder: Path) -> Path:
    """A shared library; a new one each time, for its variables are the machine's state."""
    place = Path(tempfile.mkdtemp(dir=folder))
    c = emit(policy, ProofReport(()))
    ops = re.search(r"^struct sched_ext_ops (\w+) = \{$", c, re.MULTILINE)
    assert ops is not None
    kernel = (HOST / "kernel.c").read_text()
    (place / "all.c").write_text(f'{c}\n#define OPS {ops[1]}\n#line 1 "kernel.c"\n{kernel}')
    command = [sys.executable, "-m", "ziglang", "cc", *OPTIONS, "-include", str(HOST / "host.h")]
    command += ["-I", str(HEADERS), str(place / "all.c"), "-o", str(place / "all.so")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return place / "all.so"
