"""Conditions of scx_layered as conditions of a route. Pure.

What cannot be said holds for no task here: its alternative is left out, so that a task is never
in a class that it was not meant for; it goes on to the layers that follow.
"""

from __future__ import annotations

from typing import Final

from schedlang.importing.draft import MAX_NAME, duration, quoted
from schedlang.importing.layered_spec import Condition, Match

_MOST_US: Final = 10_000_001  # more than any average
_UNITS: Final = ("/", ".slice", ".service", ".scope")


def expression(condition: Condition) -> str | None:
    """None if the language cannot say it."""
    number = condition.numbers[0] if condition.numbers else 0
    match condition.kind:
        case Match.CGROUP_PREFIX:
            return _under(condition.text)
        case Match.COMM_PREFIX:
            return _starts("comm", condition.text)
        case Match.COMM_PREFIX_EXCLUDE:
            return _negated(_starts("comm", condition.text))
        case Match.PCOMM_PREFIX:
            return _starts("process", condition.text)
        case Match.PCOMM_PREFIX_EXCLUDE:
            return _negated(_starts("process", condition.text))
        case Match.NICE_ABOVE:
            return f"nice > {number}"
        case Match.NICE_BELOW:
            return f"nice < {number}"
        case Match.NICE_EQUALS:
            return f"nice == {number}"
        case Match.IS_KTHREAD:
            return "kthread" if condition.flag else "not kthread"
        case Match.IS_GROUP_LEADER:
            return "group_leader" if condition.flag else "not group_leader"
        case Match.AVG_RUNTIME:
            least, most = (min(us, _MOST_US) for us in condition.numbers)
            below = f"avg_run < {duration(most)}"
            return f"avg_run >= {duration(least)} and {below}" if least else below
        case _:
            attribute = _IDS.get(condition.kind)
            return None if attribute is None else f"{attribute} == {number}"


_IDS: Final = {
    Match.UID_EQUALS: "uid",
    Match.GID_EQUALS: "gid",
    Match.PID_EQUALS: "pid",
    Match.PPID_EQUALS: "ppid",
    Match.TGID_EQUALS: "tgid",
}


def _starts(name: str, prefix: str) -> str | None:
    if not prefix:
        return "true"
    pattern = quoted(f"{prefix}*")
    fits = pattern is not None and len(prefix) <= MAX_NAME and "*" not in prefix
    return f"{name} ~ {pattern}" if fits else None


def _negated(condition: str | None) -> str | None:
    if condition == "true":
        return "false"
    return None if condition is None else f"not {condition}"


def _under(prefix: str) -> str | None:
    """scx_layered's paths have no `/` before and one behind."""
    if not prefix:
        return "true"
    path = quoted(f"/{prefix.rstrip('/')}")
    parts = prefix.rstrip("/").split("/")
    is_path = not any(part in ("", ".", "..") for part in parts) and len(prefix) < 250
    return f"cgroup under {path}" if path and is_path and prefix.endswith(_UNITS) else None
