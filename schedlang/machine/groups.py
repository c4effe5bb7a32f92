"""Control groups and how much of the machine their members are worth: `group_weight`.

A group's members are the tasks in it that run or wait, and its child groups that have a member
themselves. A task's share is the product, from it up to the root, of each member's weight over the
weights of all members beside it.
"""

from __future__ import annotations

from typing import Final, NamedTuple, final

from schedlang.ir.nodes import MAX_GROUP_WEIGHT

UNIT: Final = 1_000_000_000
_SCALE: Final = UNIT // MAX_GROUP_WEIGHT
DEFAULT_GROUP_WEIGHT: Final = 100


class Member(NamedTuple):
    """A task that counts: in which group, and with which weight."""

    group: str
    weight: int


@final
class Groups:
    """The groups of one machine, by path. A group counts for nothing while it has no member."""

    def __init__(self) -> None:
        self._weights: dict[str, int] = {}
        self._sums: dict[str, int] = {}

    def weigh(self, path: str, weight: int) -> None:
        """The group's own weight from now on."""
        before = self._counted(path)
        self._weights[path] = weight
        if path != "/":
            self._change(_parent(path), self._counted(path) - before)

    def add(self, member: Member) -> None:
        self._change(member.group, member.weight)

    def remove(self, member: Member) -> None:
        self._change(member.group, -member.weight)

    def share(self, member: Member) -> int:
        """Of the whole machine, which is `MAX_GROUP_WEIGHT`; 1 at least."""
        group, part = member.group, UNIT * member.weight
        while True:
            part //= max(self._sums.get(group, 0), 1)
            if group == "/":
                return min(max(part // _SCALE, 1), MAX_GROUP_WEIGHT)
            part *= self._counted(group)
            group = _parent(group)

    def _counted(self, path: str) -> int:
        if not self._sums.get(path):
            return 0
        return self._weights.get(path, DEFAULT_GROUP_WEIGHT)

    def _change(self, path: str, weight: int) -> None:
        while weight:
            before = self._counted(path)
            self._sums[path] = self._sums.get(path, 0) + weight
            if path == "/":
                return
            path, weight = _parent(path), self._counted(path) - before


def _parent(path: str) -> str:
    return path.rpartition("/")[0] or "/"
