"""Boots guests: topology, time limits, parallel runs, and what is left behind (nothing)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from schedlang_vm.guest import Job, run_job
from schedlang_vm.initramfs import plain
from schedlang_vm.qemu import Machine
from schedlang_vm.toolbox import Kernel, Toolbox
from schedlang_vm.topology import Topology

pytestmark = pytest.mark.vm

TIMEOUT_S = 90.0
SYSFS = """
cd /sys/devices/system
grep -H "" cpu/cpu*/cache/index3/shared_cpu_list cpu/cpu*/topology/thread_siblings_list \
    node/node*/cpulist >/tmp/out
frame sysfs /tmp/out
"""


def children() -> set[int]:
    """The machines that this process has running."""
    told = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(os.getpid())],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    return {int(line.split()[0]) for line in told.splitlines() if "qemu-system" in line}


def test_llcs_nodes_and_threads_are_what_was_asked_for(toolbox: Toolbox, kernel: Kernel) -> None:
    machine = Machine(kernel.image, Topology(8, llcs=2, nodes=2, smt=2))
    result = run_job(toolbox, machine, Job(SYSFS, {}), TIMEOUT_S)
    assert result.complete, result.problem
    lines = result.sections["sysfs"].decode().splitlines()
    said = dict(line.split(":", 1) for line in lines)
    assert said["cpu/cpu0/cache/index3/shared_cpu_list"] == "0-3"
    assert said["cpu/cpu5/cache/index3/shared_cpu_list"] == "4-7"
    assert said["cpu/cpu2/topology/thread_siblings_list"] == "2-3"
    assert said["node/node0/cpulist"] == "0-3"
    assert said["node/node1/cpulist"] == "4-7"


def test_two_llcs_of_two_cpus_in_one_node(toolbox: Toolbox) -> None:
    machine = Machine(toolbox.newest().image, Topology(4, llcs=2))
    result = run_job(toolbox, machine, Job(SYSFS, {}), TIMEOUT_S)
    said = dict(line.split(":", 1) for line in result.sections["sysfs"].decode().splitlines())
    assert said["cpu/cpu1/cache/index3/shared_cpu_list"] == "0-1"
    assert said["cpu/cpu3/cache/index3/shared_cpu_list"] == "2-3"
    assert said["node/node0/cpulist"] == "0-3"
    assert "node/node1/cpulist" not in said


def test_any_bytes_come_back(toolbox: Toolbox) -> None:
    data = bytes(range(256)) * 300
    job = Job("frame copy /job/data", {"job/data": plain(data)})
    result = run_job(toolbox, Machine(toolbox.newest().image, Topology(1)), job, TIMEOUT_S)
    assert result.sections["copy"] == data
    assert "Linux version" not in result.sections


def test_the_time_limit_ends_the_guest(toolbox: Toolbox) -> None:
    machine = Machine(toolbox.newest().image, Topology(1))
    begun_s = time.monotonic()
    result = run_job(toolbox, machine, Job("while :; do :; done", {}), 4)
    assert time.monotonic() - begun_s < 10
    assert "within 4 s" in result.problem
    assert not children()


@pytest.mark.parametrize(
    ("main", "said"),
    [
        ("exit 3", "before its job was done"),
        ("poweroff -f", "before its job was done"),
        ("printf '@frame cut 9 %064d\\nQUJD\\n' 0 >&9; poweroff -f", "frame cut is cut short"),
    ],
)
def test_a_guest_that_ends_early_is_reported(toolbox: Toolbox, main: str, said: str) -> None:
    machine = Machine(toolbox.newest().image, Topology(1))
    result = run_job(toolbox, machine, Job(main, {}), TIMEOUT_S)
    assert not result.complete
    assert said in result.problem


def test_a_kernel_that_does_not_boot_is_reported(toolbox: Toolbox, tmp_path: Path) -> None:
    image = tmp_path / "vmlinuz"
    image.write_bytes(b"not a kernel")
    result = run_job(toolbox, Machine(image, Topology(1)), Job("", {}), 20)
    assert not result.complete


def test_runs_side_by_side_do_not_disturb_each_other(toolbox: Toolbox) -> None:
    machine = Machine(toolbox.newest().image, Topology(1))

    def once(number: int) -> bytes:
        job = Job("frame mine /job/number", {"job/number": plain(b"%d" % number)})
        return run_job(toolbox, machine, job, TIMEOUT_S).sections["mine"]

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(once, range(3))) == [b"0", b"1", b"2"]


ENDLESS = """
from pathlib import Path
from schedlang_vm.guest import Job, run_job
from schedlang_vm.qemu import Machine
from schedlang_vm.toolbox import locate
from schedlang_vm.topology import Topology
box = locate()
run_job(box, Machine(box.newest().image, Topology(1)), Job("while :; do :; done", {}), 100)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_no_machine_outlives_its_caller(
    toolbox: Toolbox, tmp_path: Path, number: signal.Signals
) -> None:
    env = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", ENDLESS], env=env, stderr=subprocess.DEVNULL
    ) as caller:
        machine = wait_for_child(caller.pid)
        caller.send_signal(number)
        assert caller.wait(10) != 0
    deadline_s = time.monotonic() + 5
    while is_running(machine) and time.monotonic() < deadline_s:
        time.sleep(0.02)
    assert not is_running(machine)
    assert list(tmp_path.iterdir()) == []


def wait_for_child(parent: int) -> int:
    deadline_s = time.monotonic() + 20
    while time.monotonic() < deadline_s:
        told = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        for child in told:
            if "-initrd" in Path(f"/proc/{child}/cmdline").read_text():
                return int(child)
        time.sleep(0.02)
    pytest.fail("no machine was started")


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False
