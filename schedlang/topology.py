"""The shape of a machine: CPUs in cores, cores in last-level caches, caches in nodes.

Everything is divided evenly, in the order of the CPUs' numbers: with `smt` 2, CPUs 0 and 1 are the
threads of core 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, slots=True)
class Topology:
    """`cpus` logical CPUs in all; `llcs` caches in all, over `nodes` nodes; `smt` CPUs a core. The
    last `little` CPUs have less capacity than the others.
    """

    cpus: int = 2
    llcs: int = 1
    nodes: int = 1
    smt: int = 1
    little: int = 0

    def core_of(self, cpu: int) -> int:
        return cpu // self.smt

    def llc_of(self, cpu: int) -> int:
        return cpu * self.llcs // self.cpus

    def node_of(self, cpu: int) -> int:
        return cpu * self.nodes // self.cpus
