"""The units of the second machine: which instance of a queue a CPU sees, and which it may rob.

By docs/machine.md alone. A rule is a method, so that a test can change one and see who notices.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.support.reading import Reading


@dataclass
class Units:
    """CPUs are divided evenly, in the order of their numbers."""

    policy: Reading
    cpus: int
    llcs: int = 1
    nodes: int = 1

    def llc(self, cpu: int) -> int:
        return cpu // (self.cpus // self.llcs)

    def node(self, cpu: int) -> int:
        return cpu // (self.cpus // self.nodes)

    def seen(self, queue: int, cpu: int) -> int:
        """The number of the instance that the CPU sees."""
        scope = self.policy.scopes[queue]
        numbers = {"per cpu": cpu, "per llc": self.llc(cpu), "per node": self.node(cpu)}
        return numbers.get(scope, 0)

    def members(self, queue: int, unit: int) -> list[int]:
        return [cpu for cpu in range(self.cpus) if self.seen(queue, cpu) == unit]

    def takes(self, queue: int, unit: int, cpu: int) -> bool:
        """Whether the CPU ever takes from the instance: it sees it, or may steal from it."""
        return self.seen(queue, cpu) == unit or unit in self.robbed(queue, cpu)

    def robbed(self, queue: int, cpu: int) -> list[int]:
        """The instances that the CPU may steal from, in the order in which it looks at them."""
        steal, own = self.policy.steals[queue], self.seen(queue, cpu)
        count = max(self.seen(queue, other) for other in range(self.cpus)) + 1
        around = [(own + step) % count for step in range(1, count)]
        classes: list[list[int]] = [[], [], []]
        for unit in around:
            classes[self.remoteness(queue, unit, cpu)].append(unit)
        wanted = {None: 0, "steal node": 2, "steal": 3}[steal]
        return [unit for units in classes[:wanted] for unit in units]

    def remoteness(self, queue: int, unit: int, cpu: int) -> int:
        """0: on the same LLC, 1: on the same node, 2: elsewhere."""
        other = self.members(queue, unit)[0]
        if self.llc(other) == self.llc(cpu):
            return 0
        return 1 if self.node(other) == self.node(cpu) else 2
