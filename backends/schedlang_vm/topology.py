"""The guest's processors: how many, how they share caches, memory nodes and cores."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topology:
    """`cpus` in all, spread evenly over `llcs` last-level caches and `nodes` NUMA nodes.

    `smt` hardware threads share a core. CPU numbers are consecutive within an LLC, LLCs are
    consecutive within a node.
    """

    cpus: int
    llcs: int = 1
    nodes: int = 1
    smt: int = 1

    def __post_init__(self) -> None:
        if min(self.cpus, self.llcs, self.nodes, self.smt) < 1:
            raise ValueError(f"a topology's counts are positive: {self}")
        if self.cpus % (self.llcs * self.smt) or self.llcs % self.nodes:
            raise ValueError(
                f"cpus must divide evenly into llcs and smt threads, llcs into nodes: {self}"
            )

    @property
    def cpus_per_llc(self) -> int:
        return self.cpus // self.llcs

    @property
    def cpus_per_node(self) -> int:
        return self.cpus // self.nodes


def qemu_topology(topology: Topology, memory_mib: int) -> tuple[str, ...]:
    """QEMU's arguments; a socket stands for an LLC, since a socket has one shared L3 cache."""
    cores = topology.cpus_per_llc // topology.smt
    shape = f"{topology.cpus},sockets={topology.llcs},cores={cores},threads={topology.smt}"
    arguments = ["-smp", shape, "-m", f"{memory_mib}M"]
    if topology.nodes == 1:
        return tuple(arguments)
    share_mib = memory_mib // topology.nodes
    for node in range(topology.nodes):
        first = node * topology.cpus_per_node
        last = first + topology.cpus_per_node - 1
        arguments += ["-object", f"memory-backend-ram,id=mem{node},size={share_mib}M"]
        arguments += ["-numa", f"node,nodeid={node},cpus={first}-{last},memdev=mem{node}"]
    return tuple(arguments)
