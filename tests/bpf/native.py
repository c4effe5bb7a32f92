"""The generated C as a program of this machine, for tests: a fault of the kernel's side fails."""

from __future__ import annotations

import importlib.util

import pytest

from schedlang.ir.nodes import Policy
from schedlang.machine.scenario import TaskSpec
from schedlang.prover.verdict import ProofReport
from schedlang.topology import Topology
from schedlang_bpf.emit import emit
from schedlang_bpf.native import natives

needs_zig = pytest.mark.skipif(
    importlib.util.find_spec("ziglang") is None, reason="the ziglang wheel is not installed"
)


class Host:
    """One machine under one policy. CPUs and tasks are numbers, as in the reference interpreter."""

    def __init__(self, policy: Policy, cpus: int, defect: tuple[str, str] | None = None) -> None:
        """`defect`: a text of the C, and what stands in its place."""
        c = emit(policy, ProofReport(()))
        if defect is not None:
            assert defect[0] in c
            c = c.replace(*defect)
        (self._machine,) = natives([(c, policy)])
        self._machine.start(Topology(cpus), [param.default for param in policy.params])
        self.time = self._machine.time
        self.kicked = self._machine.is_kicked
        self.wake_late = self._machine.wake_late

    def fork(self, spec: TaskSpec, cpu: int) -> int:
        """The task exists; `wake` makes it runnable."""
        number = self._machine.fork(spec, cpu)
        self._check()
        return number

    def wake(self, task: int, cpu: int) -> None:
        self._machine.wake(task, cpu)
        self._check()

    def block(self, cpu: int) -> None:
        self._machine.block(cpu)
        self._check()

    def schedule(self, cpu: int) -> int | None:
        number = self._machine.schedule(cpu)
        self._check()
        return number

    def _check(self) -> None:
        assert not self._machine.fault()
