"""Schedulers under stress-ng and CPUs that come and go, several in one boot.

Guarantee: the machine has the caches and nodes that were asked for, by the kernel's own word; a
scheduler counts as having held out only if it was at work from the beginning to the end, but for
reloads that the kernel asks for when CPUs come and go, and the kernel had nothing to complain of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Final

from schedlang_vm.errors import EnvironmentProblem
from schedlang_vm.frames import unpack
from schedlang_vm.guest import GuestResult, Job, host_program, run_job
from schedlang_vm.initramfs import Entry, plain
from schedlang_vm.qemu import Machine
from schedlang_vm.toolbox import Kernel, Tool, locate
from schedlang_vm.topology import Topology

BOOT_LIMIT_S: Final = 180.0
# The last stressors may take long to be let go where the machine has few cycles to spare.
SLOWEST: Final = 8.0
STRESSORS: Final = (
    *("--cpu", "4", "--fork", "2", "--affinity", "2", "--affinity-rand", "--yield", "4"),
    *("--pipe", "2", "--temp-path", "/tmp"),
)
_COMPLAINT: Final = re.compile(
    r"WARNING:|BUG:|Oops|stall|lockup|hung task|sched_ext: .*(?:error|disabled \((?!unregistered))"
)


@dataclass(frozen=True, slots=True)
class Stressed:
    """`problems` is empty for a scheduler that held out; `log` is all that the kernel said.

    `reloads` is how often it was loaded again, since CPUs came or went.
    """

    problems: tuple[str, ...]
    reloads: int
    log: str


def stress(
    objects: Sequence[bytes], kernel: Kernel, topology: Topology, seconds: int
) -> tuple[Stressed, ...]:
    """Raises EnvironmentProblem if the guest did not bring everything back."""
    toolbox = locate()
    script = resources.files(__package__).joinpath("guest/stress.sh").read_bytes()
    files: dict[str, Entry] = {
        "job/stress.sh": plain(script),
        **{f"job/objects/{number}.o": plain(obj) for number, obj in enumerate(objects)},
        **_carried(toolbox.tool("stress-ng")),
    }
    options = " ".join(STRESSORS)
    trials = [f"stress {number} {seconds} {options}" for number in range(len(objects))]
    job = Job("\n".join([". /job/stress.sh", "machine", *trials, ""]), files)
    limit_s = BOOT_LIMIT_S + SLOWEST * seconds * len(objects)
    result = run_job(toolbox, Machine(kernel.image, topology), job, limit_s)
    if result.problem:
        raise EnvironmentProblem(f"{result.problem}\n{result.console[-4000:]}", "run it again")
    _check_machine(unpack(result.sections["machine"]), topology)
    return tuple(_stressed(result, number) for number in range(len(objects)))


def _carried(tool: Tool) -> dict[str, Entry]:
    """Its libraries come along with it."""
    return host_program(tool.elf, "command/stress-ng", tool.library_folders)


def _check_machine(files: Mapping[str, bytes], topology: Topology) -> None:
    for name, count in (("caches", topology.llcs), ("nodes", topology.nodes)):
        told = files[name].decode().split()
        size = topology.cpus // count
        wanted = [_range(first, size) for first in range(0, topology.cpus, size)]
        if sorted(told) != wanted:
            raise EnvironmentProblem(f"the guest's {name} are {told}, not {wanted}", "another QEMU")


def _range(first: int, size: int) -> str:
    return f"{first}-{first + size - 1}" if size > 1 else f"{first}"


def _stressed(result: GuestResult, number: int) -> Stressed:
    files = {
        name: data.decode() for name, data in unpack(result.sections[f"stress-{number}"]).items()
    }
    reloads = len(files["reloads"].splitlines())
    return Stressed(
        tuple(_problems(files)), reloads, files["register.err"] + files["said"] + files["dmesg"]
    )


def _problems(files: Mapping[str, str]) -> Iterator[str]:
    if files["register.rc"].strip() != "0":
        yield "it was not loaded"
        return
    for moment in ("before", "between", "after"):
        state = files[moment].strip()
        if state != "enabled":
            yield f"sched_ext was {state}: {moment}"
    if files["status"].strip() != "0":
        yield f"stress-ng ended with {files['status'].strip()}"
    yield from (line for line in files["dmesg"].splitlines() if _COMPLAINT.search(line))
