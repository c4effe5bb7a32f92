"""Topologies, QEMU's command line and workloads as they are told to the guest."""

from __future__ import annotations

from pathlib import Path

import pytest

from schedlang_vm.qemu import Machine, Serial, arguments
from schedlang_vm.topology import Topology, qemu_topology
from schedlang_vm.workload import GuestTask, Hog, Job, Sleeper, Workload, few_tasks, task_lines

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


def test_tasks_are_told_as_lines_of_data() -> None:
    workload: Workload = (
        GuestTask("hog $(reboot)", count=2, nice=-5, cpus=(0, 2)),
        GuestTask("io", Sleeper(5, 7), cgroup="a/b"),
        GuestTask("batch", Job(9), cpus=(63,)),
    )
    assert task_lines(workload).splitlines() == [
        "-5|5|0|0|0||hog $(reboot)",
        "-5|5|0|0|0||hog $(reboot)",
        "0|0|5000|7000|0|a/b|io",
        f"0|{-(1 << 63)}|9000|0|1||batch",
    ]


@pytest.mark.parametrize("name", ["", "a" * 16, "é" * 8, "a|b", "a\nb", "a\0b", "\x1b[2J"])
def test_names_that_no_task_can_have_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="a task's name"):
        GuestTask(name)


@pytest.mark.parametrize("path", ["/a", "../a", "a/../b", "a//b", "a b", "$(x)", "a/", ".", ""])
def test_unfit_cgroup_paths_are_refused(path: str) -> None:
    with pytest.raises(ValueError, match="cgroup"):
        GuestTask("x", cgroup=path)


def test_other_unfit_tasks_are_refused() -> None:
    with pytest.raises(ValueError, match="nice"):
        GuestTask("x", nice=20)
    with pytest.raises(ValueError, match="cpus"):
        GuestTask("x", cpus=())
    with pytest.raises(ValueError, match="sleep_us"):
        GuestTask("x", Sleeper(5, 0))
    with pytest.raises(ValueError, match="run_us"):
        GuestTask("x", Job(0))
    with pytest.raises(ValueError, match="groups below"):
        task_lines((GuestTask("x", cgroup="a"), GuestTask("y", cgroup="a/b")))
    with pytest.raises(ValueError, match="1 to"):
        task_lines(())


def test_verification_pins_a_task_to_the_last_cpu() -> None:
    assert few_tasks(4)[-1].cpus == (3,)
    assert few_tasks(4)[0].body == Hog()
