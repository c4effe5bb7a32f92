"""Loads many objects in one boot: the verifier's word on each. Nothing is attached, nothing runs.

Guarantee: an object counts as accepted only if the loader said so; what the guest did not bring
back is an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Final

from schedlang_vm.errors import EnvironmentProblem
from schedlang_vm.frames import unpack
from schedlang_vm.freestanding import player_program
from schedlang_vm.guest import Job, run_job
from schedlang_vm.initramfs import Entry, plain, program
from schedlang_vm.qemu import Machine
from schedlang_vm.toolbox import Kernel, locate
from schedlang_vm.topology import Topology

BOOT_LIMIT_S: Final = 120.0
LOAD_LIMIT_S: Final = 60


@dataclass(frozen=True, slots=True)
class Loaded:
    """`verified` are the instructions that the verifier looked at, over all programs."""

    accepted: bool
    verified: int
    log: str


def load_all(objects: Sequence[bytes], kernel: Kernel) -> tuple[Loaded, ...]:
    """Raises EnvironmentProblem if the guest did not come to the end of them."""
    toolbox = locate()
    script = resources.files(__package__).joinpath("guest/loading.sh").read_bytes()
    files: dict[str, Entry] = {
        "bin/player": program(player_program(toolbox.tool("clang"))),
        "job/loading.sh": plain(script),
        **{f"job/objects/{number}.o": plain(obj) for number, obj in enumerate(objects)},
    }
    job = Job(f". /job/loading.sh\nload_all {len(objects)} {LOAD_LIMIT_S}\n", files)
    limit_s = BOOT_LIMIT_S + LOAD_LIMIT_S * len(objects)
    result = run_job(toolbox, Machine(kernel.image, Topology(1)), job, limit_s)
    if result.problem:
        raise EnvironmentProblem(result.problem, "run it again, or with fewer objects")
    return tuple(_loaded(unpack(result.sections["loaded"])))


def _loaded(files: Mapping[str, bytes]) -> Iterator[Loaded]:
    """The kernel may still be freeing the programs of an earlier object: each counts once."""
    seen: set[int] = set()
    for number, line in enumerate(files["table"].decode().splitlines()):
        code, *rest = map(int, line.split())
        verified = dict(zip(rest[::2], rest[1::2], strict=True))
        total = sum(insns for program, insns in verified.items() if program not in seen)
        seen |= verified.keys()
        log = files.get(f"log-{number}", b"").decode(errors="replace")
        yield Loaded(code == 0, total, log)
