"""What a policy's queues, params and states are called in C: decided once, in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from schedlang.ir.nodes import Policy, Queue
from schedlang.ir.nodes import Scope as QueueScope
from schedlang_bpf.expressions import Scope
from schedlang_bpf.text import c_constants, c_names
from schedlang_bpf.walk import cgroup_paths


@final
@dataclass(frozen=True, slots=True)
class Names:
    """Tuples run parallel to the policy's. `clocks` is empty text where a queue has no clock.

    `units` are the members that name the instance of a clocked queue, where there are several.
    """

    ops: str
    queues: tuple[str, ...]
    queue_ids: tuple[str, ...]
    clocks: tuple[str, ...]
    units: tuple[str, ...]
    order_states: tuple[tuple[str, ...], ...]
    task_states: tuple[str, ...]
    params: tuple[str, ...]
    param_functions: tuple[str, ...]
    cgroups: tuple[str, ...]
    set_ids: tuple[str, ...]

    def clock_at(self, queue: int) -> str:
        """A pointer to the clock of the instance that task `t` is in; empty if there is none."""
        clock, unit = self.clocks[queue], self.units[queue]
        if not unit:
            return f"&{clock}" if clock else ""
        return f"unit_clock({clock}, t->{self.queues[queue]}.{unit})"

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
    states = [(queue, c_names(_order_members(queue))) for queue in policy.queues]
    return Names(
        ops=c_names([policy.name])[0],
        queues=c_names(queues, "queue"),
        queue_ids=c_constants(queues, "QUEUE"),
        clocks=tuple(
            clock if has_clock(queue) else ""
            for clock, queue in zip(clocks, policy.queues, strict=True)
        ),
        units=tuple(members[-1] if has_unit(queue) else "" for queue, members in states),
        order_states=tuple(
            members[:-1] if has_unit(queue) else members for queue, members in states
        ),
        task_states=c_names(state.name.replace(".", "_") for state in policy.states),
        params=c_names(params),
        param_functions=c_names(params, "param"),
        cgroups=cgroup_paths(policy),
        set_ids=c_constants((cpus.name for cpus in policy.cpusets), "SET"),
    )


def has_clock(queue: Queue) -> bool:
    return queue.order.clock_state is not None


def has_unit(queue: Queue) -> bool:
    """Whether a task's vtime is that of one instance of several."""
    return has_clock(queue) and queue.scope is not QueueScope.GLOBAL


def _order_members(queue: Queue) -> list[str]:
    """What is kept of a task's stay: the order's states, then the unit."""
    names = [state.name for state in queue.order.states]
    return [*names, "unit"] if has_unit(queue) else names
