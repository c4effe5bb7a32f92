"""What a policy's queues, params and states are called in C: decided once, in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from schedlang.ir.nodes import Policy, Queue
from schedlang_bpf.expressions import Scope
from schedlang_bpf.text import c_constants, c_names
from schedlang_bpf.walk import cgroup_paths


@final
@dataclass(frozen=True, slots=True)
class Names:
    """Tuples run parallel to the policy's. `clocks` is empty text where a queue has no clock."""

    ops: str
    queues: tuple[str, ...]
    queue_ids: tuple[str, ...]
    clocks: tuple[str, ...]
    order_states: tuple[tuple[str, ...], ...]
    task_states: tuple[str, ...]
    params: tuple[str, ...]
    param_functions: tuple[str, ...]
    cgroups: tuple[str, ...]
    set_ids: tuple[str, ...]

    def task_scope(self) -> Scope:
        return Scope(self.param_functions, self.task_states, self.cgroups)

    def queue_scope(self, queue: int) -> Scope:
        return Scope(
            params=self.param_functions,
            task_states=self.task_states,
            cgroups=self.cgroups,
            order=self.queues[queue],
            order_states=self.order_states[queue],
        )


def name_policy(policy: Policy) -> Names:
    queues = [queue.name for queue in policy.queues]
    params = [param.name for param in policy.params]
    clocks = c_names(queues, "clock")
    return Names(
        ops=c_names([policy.name])[0],
        queues=c_names(queues, "queue"),
        queue_ids=c_constants(queues, "QUEUE"),
        clocks=tuple(
            clock if has_clock(queue) else ""
            for clock, queue in zip(clocks, policy.queues, strict=True)
        ),
        order_states=tuple(
            c_names(state.name for state in queue.order.states) for queue in policy.queues
        ),
        task_states=c_names(state.name.replace(".", "_") for state in policy.states),
        params=c_names(params),
        param_functions=c_names(params, "param"),
        cgroups=cgroup_paths(policy),
        set_ids=c_constants((cpus.name for cpus in policy.cpusets), "SET"),
    )


def has_clock(queue: Queue) -> bool:
    return queue.order.clock_state is not None
