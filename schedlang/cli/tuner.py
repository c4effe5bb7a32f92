"""The params of the scheduler that is loaded on this machine, read and written through bpftool.

They lie in one structure in the map of the object's initialised data, 64 bits each in the order of
the policy; bpftool tells their names from the object's type information. Only a structure with just
the params of the policy is written to.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from typing import Final

from schedlang.backend import EnvironmentProblem
from schedlang.cli.host import OBJECT_NAME, Host
from schedlang.ir.nodes import Policy

MAP: Final = f"{OBJECT_NAME}.data"
_TIMEOUT_S: Final = 30.0
_BYTES: Final = 8


def tune_host(host: Host, policy: Policy, values: Mapping[str, int]) -> dict[str, int]:
    """Set the params named in `values`; all params as they were. Raises EnvironmentProblem."""
    bpftool = _require_ready(host, policy)
    before = _read(bpftool, policy)
    after = {**before, **values}
    data = b"".join(value.to_bytes(_BYTES, "little", signed=True) for value in after.values())
    _call(bpftool, update_command(data))
    return before


def update_command(data: bytes) -> list[str]:
    """bpftool's arguments to make `data` the map's only entry."""
    words = [str(byte) for byte in data]
    return ["map", "update", "name", MAP, "key", *"0000", "value", *words]


def read_params(dump: str, policy: Policy) -> dict[str, int] | None:
    """The values by the policy's names, from what bpftool dumps; None if it is another policy's."""
    names = [param.name for param in policy.params if param.tunable]
    try:
        (entry,) = json.loads(dump)
        found = entry["formatted"]["value"][".data"]
        (params,) = (variable["params"] for variable in found)
        values = [int(value) for value in params.values()]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    # C has words that the language has not: a name may have a `_` more there.
    if [member.rstrip("_") for member in params] != [name.rstrip("_") for name in names]:
        return None
    return dict(zip(names, values, strict=True))


def _require_ready(host: Host, policy: Policy) -> str:
    if not host.is_root:
        raise _refused("changing a scheduler needs root", "run the same command as root")
    if host.state != "enabled":
        raise _refused("no sched_ext scheduler is loaded", "load it: `schedc run --host`")
    if host.scheduler and not policy.name.startswith(host.scheduler):
        what = f"it runs the scheduler `{host.scheduler}`, not `{policy.name}`"
        raise _refused(what, "name the policy that is loaded")
    if host.bpftool is None:
        raise EnvironmentProblem("bpftool is not installed", "install bpftool 7.4 or newer")
    return host.bpftool


def _read(bpftool: str, policy: Policy) -> dict[str, int]:
    found = read_params(_call(bpftool, ["-j", "map", "dump", "name", MAP]), policy)
    if found is None:
        raise _refused(
            f"what is loaded has not the params of policy `{policy.name}`",
            "name the policy that was loaded, as it was then",
        )
    return found


def _call(bpftool: str, arguments: list[str]) -> str:
    try:
        done = subprocess.run(
            [bpftool, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _refused(f"bpftool: {error}", "see whether bpftool works") from error
    if done.returncode != 0:
        why = (done.stderr or done.stdout).decode(errors="replace").strip()[:200]
        remedy = "load the policy: `schedc run --host`"
        raise _refused(f"the params cannot be reached: {why}", remedy)
    return done.stdout.decode(errors="replace")


def _refused(what: str, remedy: str) -> EnvironmentProblem:
    return EnvironmentProblem(f"this host is refused: {what}", remedy, "E0603")
