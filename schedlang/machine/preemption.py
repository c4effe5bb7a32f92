"""Which turns end earlier because another queue's task waits: the rules of `preempt`.

A rule `A over B after D` shortens a turn of B that starts while a task of A waits for its CPU, and
lets an arrival in A end one that runs. Either way the turn lasts D, or as long as it takes.
"""

from __future__ import annotations

from typing import final

from schedlang.ir.nodes import Policy
from schedlang.machine.evaluate import constant_values
from schedlang.machine.parts import Cpu, Task, Turn
from schedlang.machine.placement import least
from schedlang.machine.queue import QueueInstance
from schedlang.topology import Topology


@final
class Preemption:
    """A policy's rules on a machine. Sets of CPUs are bits of a number."""

    def __init__(self, policy: Policy, topology: Topology, params: tuple[int, ...]) -> None:
        numbered = tuple(enumerate(policy.preemptions))
        queues = range(len(policy.queues))
        self._by = [[(i, rule) for i, rule in numbered if rule.by == q] for q in queues]
        self._over = [[(i, rule) for i, rule in numbered if rule.over == q] for q in queues]
        self._afters = [rule.after for rule in policy.preemptions]
        self._near = [_nearest_first(topology, cpu) for cpu in range(topology.cpus)]
        self.set_params(params)

    def set_params(self, params: tuple[int, ...]) -> None:
        """From now on the rules' durations are those under `params`."""
        self._delays_ns = constant_values(self._afters, params)

    def shortened(self, task: Task, cpu: int, here: tuple[QueueInstance, ...]) -> int:
        """The slice of a turn of `task` that starts on `cpu` now, which sees the queues `here`."""
        slice_ns = task.slice_ns
        for number, rule in self._over[task.queue]:
            if self._delays_ns[number] < slice_ns:
                least = here[rule.by].least_key(cpu)
                if least is not None and (not rule.earlier or least < task.key):
                    slice_ns = self._delays_ns[number]
        return slice_ns

    def cut(
        self, task: Task, instance: QueueInstance, tasks: list[Task], cpus: list[Cpu], now: int
    ) -> int | None:
        """The CPU whose turn `task`, which has come to wait, cuts short; None: there is none."""
        if not self._by[task.queue]:
            return None
        home = task.cpu if task.eligible >> task.cpu & 1 else least(task.eligible)
        reached = task.eligible & instance.members
        for number, rule in self._by[task.queue]:
            for cpu in self._near[home]:
                turn = cpus[cpu].turn
                if turn is None or turn.queue != rule.over or not reached >> cpu & 1:
                    continue
                is_later = tasks[turn.task].key > task.key
                if (is_later or not rule.earlier) and _cut(turn, self._delays_ns[number], now):
                    return cpu
        return None


def _cut(turn: Turn, delay_ns: int, now: int) -> bool:
    """Let the turn last `delay_ns`, or end at once; whether that is earlier than it would end."""
    ran_ns = now - turn.start
    if turn.is_ended or (ran_ns < delay_ns and turn.granted_ns <= delay_ns):
        return False
    turn.is_ended = ran_ns >= delay_ns
    turn.granted_ns = min(turn.granted_ns, max(delay_ns, ran_ns))
    return True


def _nearest_first(topology: Topology, home: int) -> tuple[int, ...]:
    def distance(cpu: int) -> tuple[bool, bool, bool, int]:
        llc, node = topology.llc_of, topology.node_of
        return cpu != home, llc(cpu) != llc(home), node(cpu) != node(home), cpu

    return tuple(sorted(range(topology.cpus), key=distance))
