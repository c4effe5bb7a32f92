"""Generated C as programs of this machine, called back as a kernel would (host/kernel.c).

Nothing is loaded into a kernel. One call of the compiler makes one library of many policies, each
with its variables in sections of its own, so that each machine can be made new again and again.
"""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Final, final

from schedlang.backend import EnvironmentProblem
from schedlang.ir.nodes import Policy
from schedlang.machine.scenario import TaskSpec
from schedlang.topology import Topology
from schedlang_bpf.compiler import zig_clang, zig_command

HOST: Final = Path(__file__).parent / "host"
HEADERS: Final = Path(__file__).parent / "include"
OPTIONS: Final = ("-O0", "-fPIC", "-shared", "-fno-sanitize=undefined", "-w")
# As in kernel.c. There are more than run: who may run everywhere is neither pinned nor restricted.
POSSIBLE_CPUS: Final = 8
MOST_TASKS: Final = 64
_TIMEOUT_S: Final = 600.0
_OPS: Final = re.compile(r"^struct sched_ext_ops (\w+) = \{$", re.MULTILINE)

_UNIT: Final = """\
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
extern char __start_data_{n}[], __stop_data_{n}[], __start_bss_{n}[], __stop_bss_{n}[];
#pragma clang section bss="bss_{n}" data="data_{n}"
#pragma clang attribute push(__attribute__((internal_linkage)), apply_to = function)
#pragma clang attribute push(__attribute__((internal_linkage)), apply_to = variable(is_global))
#include "host.h"
#define DATA data_{n}
#define BSS bss_{n}
#define OPS {ops}
{c}
#define PARAMS {params}
#line 1 "kernel.c"
#include "kernel.c"
#include "table.c"
#pragma clang attribute pop
#pragma clang attribute pop
const struct table table_{n} = {{
    table_start, host_time, host_fork, host_change, host_weigh, host_wake, host_wake_late,
    host_expire, host_tick, host_block, host_touch, table_tune, host_schedule, host_kicked,
    host_ended, host_cpu, host_slice, host_speed, host_fault, table_lookups,
}};
"""

_INT: Final = ctypes.c_int
_TEXT: Final = ctypes.c_char_p
_IDS: Final = ctypes.POINTER(ctypes.c_uint32)


class _Table(ctypes.Structure):
    """As in table.c."""

    _fields_: ClassVar = [
        ("start", ctypes.CFUNCTYPE(None, *(_INT,) * 5, ctypes.POINTER(ctypes.c_int64), _INT)),
        ("time", ctypes.CFUNCTYPE(None, ctypes.c_uint64)),
        (
            "fork",
            ctypes.CFUNCTYPE(
                _INT, _TEXT, _TEXT, _INT, _INT, _TEXT, _INT, _IDS, ctypes.c_uint64, _INT
            ),
        ),
        ("change", ctypes.CFUNCTYPE(None, _INT, _INT, _INT, ctypes.c_uint64)),
        ("weigh", ctypes.CFUNCTYPE(None, _TEXT, _INT)),
        ("wake", ctypes.CFUNCTYPE(None, _INT, _INT, _INT)),
        ("wake_late", ctypes.CFUNCTYPE(None, _INT, _INT)),
        ("expire", ctypes.CFUNCTYPE(None, _INT)),
        ("tick", ctypes.CFUNCTYPE(_INT, _INT)),
        ("block", ctypes.CFUNCTYPE(None, _INT)),
        ("touch", ctypes.CFUNCTYPE(None, _INT)),
        ("tune", ctypes.CFUNCTYPE(None, _INT, ctypes.c_int64)),
        ("schedule", ctypes.CFUNCTYPE(_INT, _INT)),
        ("kicked", ctypes.CFUNCTYPE(_INT, _INT)),
        ("ended", ctypes.CFUNCTYPE(_INT, _INT)),
        ("cpu", ctypes.CFUNCTYPE(_INT, _INT)),
        ("slice", ctypes.CFUNCTYPE(ctypes.c_uint64, _INT)),
        ("speed", ctypes.CFUNCTYPE(_INT, _INT)),
        ("fault", ctypes.CFUNCTYPE(_TEXT)),
        ("lookups", ctypes.CFUNCTYPE(ctypes.c_uint64)),
    ]


@final
class NativeMachine:
    """`schedlang.backend.Twin`. Only one of the same table may be in use at a time."""

    def __init__(self, table: _Table, policy: Policy, library: ctypes.CDLL) -> None:
        self._table = table
        self._policy = policy
        self._library = library  # as long as its functions are called

    def start(self, topology: Topology, params: Sequence[int]) -> None:
        declared = zip(params, self._policy.params, strict=True)
        tunable = [value for value, param in declared if param.tunable]
        shape = (topology.cpus, topology.llcs, topology.nodes, topology.smt, topology.little)
        self._table.start(*shape, (ctypes.c_int64 * len(tunable))(*tunable), len(tunable))

    def time(self, now: int) -> None:
        self._table.time(now)

    def fork(self, spec: TaskSpec, cpu: int) -> int:
        names = (spec.comm.encode(), (spec.process or spec.comm).encode())
        numbers = (spec.nice, spec.weight, spec.cgroup.encode(), int(spec.kthread))
        ids = (ctypes.c_uint32 * 5)(spec.pid, spec.tgid, spec.ppid, spec.uid, spec.gid)
        return int(self._table.fork(*names, *numbers, ids, _mask(spec), cpu))

    def change(self, task: int, spec: TaskSpec) -> None:
        self._table.change(task, spec.nice, spec.weight, _mask(spec))

    def weigh(self, cgroup: str, weight: int) -> None:
        self._table.weigh(cgroup.encode(), weight)

    def wake(self, task: int, cpu: int, *, sync: bool = False) -> None:
        self._table.wake(task, cpu, int(sync))

    def wake_late(self, task: int, cpu: int) -> None:
        self._table.wake_late(task, cpu)

    def expire(self, cpu: int) -> None:
        self._table.expire(cpu)

    def tick(self, cpu: int) -> bool:
        return bool(self._table.tick(cpu))

    def block(self, cpu: int) -> None:
        self._table.block(cpu)

    def touch(self, cpu: int) -> None:
        self._table.touch(cpu)

    def tune(self, param: int, value: int) -> None:
        before = sum(p.tunable for p in self._policy.params[:param])
        self._table.tune(before, value)

    def schedule(self, cpu: int) -> int | None:
        number = int(self._table.schedule(cpu))
        return None if number < 0 else number

    def is_kicked(self, cpu: int) -> bool:
        return bool(self._table.kicked(cpu))

    def is_ended(self, cpu: int) -> bool:
        return bool(self._table.ended(cpu))

    def cpu(self, task: int) -> int:
        return int(self._table.cpu(task))

    def slice_ns(self, task: int) -> int:
        return int(self._table.slice(task))

    def is_slow(self, cpu: int) -> bool:
        return not self._table.speed(cpu)

    def fault(self) -> str:
        told: bytes = self._table.fault()
        return told.decode()

    def lookups(self) -> int:
        """How often the policy's code has looked into a map, since the library was loaded."""
        return int(self._table.lookups())


def _mask(spec: TaskSpec) -> int:
    cpus = range(POSSIBLE_CPUS) if spec.affinity is None else spec.affinity
    return sum(1 << cpu for cpu in cpus)


def natives(policies: Sequence[tuple[str, Policy]]) -> tuple[NativeMachine, ...]:
    """A machine for each policy and its C. Raises EnvironmentProblem without a compiler."""
    if zig_clang() is None:
        raise EnvironmentProblem(
            "there is no C compiler for programs of this machine: no ziglang",
            "make setup, or pip install ziglang",
        )
    with tempfile.TemporaryDirectory(prefix="schedc-") as name:
        library = _library(Path(name), policies)
    return tuple(
        NativeMachine(_Table.in_dll(library, f"table_{n}"), policy, library)
        for n, (_, policy) in enumerate(policies)
    )


def _library(folder: Path, policies: Sequence[tuple[str, Policy]]) -> ctypes.CDLL:
    sources = [folder / f"policy{n}.c" for n in range(len(policies))]
    for n, (c, policy) in enumerate(policies):
        sources[n].write_text(_unit(n, c, policy), encoding="utf-8")
    library = folder / "policies.so"
    command = [*zig_command(), "cc", *OPTIONS, "-I", str(HEADERS), "-I", str(HOST)]
    done = subprocess.run(
        [*command, *map(str, sources), "-o", str(library)],
        env={**os.environ, "LC_ALL": "C", "ZIG_LOCAL_CACHE_DIR": str(folder / "cache")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"the emitted C is no program of this machine: {done.stderr}")
    return ctypes.CDLL(str(library))


def _unit(n: int, c: str, policy: Policy) -> str:
    ops = _OPS.search(c)
    assert ops is not None
    params = "(s64 *)&params" if any(param.tunable for param in policy.params) else "NULL"
    return _UNIT.format(n=n, c=c, ops=ops[1], params=params)
