"""A kernel's run on one CPU, as its trace tells it, followed on the reference machine.

What happens to the tasks is taken from the trace: when they wake up, and when and why their turns
end. What the CPU chooses then must be what the reference machine chooses. A turn that goes on
after its slice is no event, and taken for one turn. Tasks that are not the workload's (kernel
threads, the guest's own) have a history that nobody knows: they count as a higher class.
"""

from __future__ import annotations

from dataclasses import dataclass

from schedlang.ir.nodes import Policy
from schedlang.machine.machine import Machine, Mode, Phase
from schedlang.machine.scenario import TaskSpec
from schedlang.topology import Topology
from schedlang.workload.model import Workload
from schedlang.workload.trace import Left, Switch, Trace, Wakeup
from schedlang.workload.weights import weight_of

CPU = 0
AROUND = 12


@dataclass(frozen=True)
class Followed:
    """`choices` agreed; `odd` is the first that did not, with what came before it, or empty."""

    choices: int
    odd: str


def follow(policy: Policy, workload: Workload, trace: Trace) -> Followed:
    follower = _Follower(policy, workload)
    for number, event in enumerate(trace.events):
        if isinstance(event, Wakeup):
            follower.wake(event)
        elif isinstance(event, Switch):
            odd = follower.switch(event)
            if odd:
                before = trace.events[max(number - AROUND, 0) : number + 1]
                return Followed(follower.choices, "\n".join([*map(str, before), odd]))
    return Followed(follower.choices, "")


class _Follower:
    def __init__(self, policy: Policy, workload: Workload) -> None:
        self.policy = policy
        self.machine = Machine(policy, Topology(1), tuple(p.default for p in policy.params))
        self.groups = {group.comm: group for group in workload.groups}
        self.tasks: dict[int, int] = {}
        self.choices = 0
        # Before the run the CPU was idle, and then it was the player's.
        self.machine.choose(CPU, 0)
        self.machine.take_away(CPU, 0)

    def wake(self, event: Wakeup) -> None:
        if event.comm not in self.groups:
            return
        task = self.tasks.get(event.tid)
        if task is None:
            self.fork(event.tid, event.comm, event.at_ns)
        elif self.machine.tasks[task].phase is Phase.BLOCKED:
            self.machine.wake(task, event.at_ns)

    def fork(self, tid: int, comm: str, now: int) -> int:
        nice = self.groups[comm].nice
        self.tasks[tid] = self.machine.fork(TaskSpec(comm, comm, nice, weight_of(nice)), now)
        return self.tasks[tid]

    def switch(self, event: Switch) -> str:
        """What is odd about it, or nothing."""
        machine, now = self.machine, event.at_ns
        if machine.cpus[CPU].mode is Mode.RUNNING:
            machine.stop(CPU, now, blocked=event.left is not Left.RUNNABLE)
        elif machine.cpus[CPU].mode is Mode.AWAY:
            machine.give_back(CPU)
        if event.after and event.after_comm not in self.groups:
            machine.take_away(CPU, now)
            return ""
        wanted = self.tasks.get(event.after)
        if event.after and wanted is None:
            wanted = self.fork(event.after, event.after_comm, now)
        waiting = [
            f"{queue.name}: {[machine.tasks[entry.task].spec.comm for entry in instance.entries]}"
            for queue, instance in zip(self.policy.queues, machine.cpus[CPU].here, strict=True)
        ]
        chosen = machine.choose(CPU, now)
        if (None if chosen is None else chosen.task) == wanted:
            self.choices += 1
            return ""
        name = "nothing" if chosen is None else f"task {chosen.task}"
        return f"the reference machine chooses {name}, not task {wanted}; waiting {waiting}"
