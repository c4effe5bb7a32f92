"""Short ways to set up and drive a machine."""

from __future__ import annotations

from schedlang.machine.machine import Machine
from schedlang.machine.scenario import TaskSpec
from schedlang.topology import Topology
from tests.support.policies import compiled

MS = 1_000_000
US = 1_000


def machine(text: str, cpus: int = 1, params: tuple[int, ...] | None = None) -> Machine:
    """A machine under the policy `text`, with its params' defaults if none are given."""
    policy = compiled(text)
    defaults = tuple(param.default for param in policy.params)
    return Machine(policy, Topology(cpus), defaults if params is None else params)


def by_nice(queues: int, serve: str, extra: str = "", order: str = "fifo") -> str:
    """Queues a, b, … that tasks of nice 0, 1, … go to."""
    names = "abcdefgh"[:queues]
    lines = [f"queue {name} {{ global  order {order}  slice 4ms }}" for name in names]
    rules = [f"nice == {i} -> {name}" for i, name in enumerate(names[:-1])]
    route = f"route {{ {'  '.join(rules)}  else -> {names[-1]} }}"
    return "\n".join(["policy p", *lines, route, f"serve {serve}", extra])


def join(m: Machine, nice: int, now: int = 0, comm: str = "t", weight: int = 100) -> int:
    """A task appears in the queue number `nice`."""
    return m.fork(TaskSpec(comm, nice=nice, weight=weight), now)


def turn(m: Machine, now: int, ran_ns: int, *, blocked: bool = False) -> int | None:
    """The CPU chooses at `now`, and what it chose runs; its queue."""
    chosen = m.choose(0, now)
    if chosen is None:
        return None
    m.stop(0, now + ran_ns, blocked=blocked)
    return chosen.queue
