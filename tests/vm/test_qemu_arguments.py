"""Topologies, QEMU's command line, and what a scheduler is verified under."""

from __future__ import annotations

from pathlib import Path

import pytest

from schedlang.workload.check import check
from schedlang_vm.probe import verification
from schedlang_vm.qemu import Machine, Serial, arguments
from schedlang_vm.topology import Topology, qemu_topology

FILES = Serial("/i", "/c", "/f")


def test_a_socket_stands_for_an_llc() -> None:
    assert qemu_topology(Topology(4, llcs=2), 512) == (
        *("-smp", "4,sockets=2,cores=2,threads=1", "-m", "512M"),
    )
    assert qemu_topology(Topology(8, llcs=2, smt=2), 512)[1] == "8,sockets=2,cores=2,threads=2"


def test_nodes_share_the_memory_and_the_cpus() -> None:
    got = qemu_topology(Topology(4, llcs=2, nodes=2), 1024)
    assert got[4:8] == (
        *("-object", "memory-backend-ram,id=mem0,size=512M"),
        *("-numa", "node,nodeid=0,cpus=0-1,memdev=mem0"),
    )
    assert got[-1] == "node,nodeid=1,cpus=2-3,memdev=mem1"


@pytest.mark.parametrize(
    ("cpus", "llcs", "nodes", "smt"),
    [(0, 1, 1, 1), (3, 2, 1, 1), (4, 1, 2, 1), (6, 2, 1, 2), (2, 1, 1, 0)],
)
def test_uneven_topologies_are_refused(cpus: int, llcs: int, nodes: int, smt: int) -> None:
    with pytest.raises(ValueError, match=r"topology|divide"):
        Topology(cpus, llcs, nodes, smt)


def test_the_normal_mode_uses_all_host_cpus() -> None:
    got = " ".join(arguments(Machine(Path("/k"), Topology(2)), FILES))
    assert "tcg,thread=multi" in got
    assert "-icount" not in got
    assert "-serial file:/c -serial file:/f" in got


def test_the_deterministic_mode_has_all_its_conditions() -> None:
    got = " ".join(arguments(Machine(Path("/k"), Topology(2), seed=7), FILES))
    for condition in (
        *("tcg,thread=single", "-icount shift=1,sleep=off", "clock=vm", "-seed 7"),
        *("-nodefaults", "filter-buffer,id=f0,netdev=n0,interval=100", "cryptomgr.notests"),
    ):
        assert condition in got


def test_verification_pins_a_thread_to_the_last_cpu() -> None:
    load = verification(4, 10**9)
    assert load.groups[-1].cpus == (3,)
    assert load.groups[0].threads == 4
    assert check(load) == ()
