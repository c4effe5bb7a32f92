"""Task states that the compiler adds to a policy: those that it reads without declaring them.

They are the statistics, which `statistics.sched` declares in the language itself, and what a waker
had in a state when it woke the task (`waker.x`). Each is added where it is first read, so that one
that nothing reads is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import final

from schedlang.ir import nodes as ir
from schedlang.source import Source, Span
from schedlang.syntax import ast
from schedlang.syntax.parse import parse

STATISTICS = ("run_since_wake", "avg_run", "wake_gap", "waking_gap")
_FILE = Path(__file__).with_name("statistics.sched")

Entry = tuple[int, ir.State]


@cache
def statistics_source() -> Source:
    return Source("statistics.sched", _FILE.read_text(encoding="utf-8"))


@cache
def _declared(file: int) -> Mapping[str, ast.Task]:
    """The `task` block of each statistic, which is its first state."""
    tree, findings = parse(statistics_source(), file)
    assert tree is not None, findings
    tasks = [decl for decl in tree.decls if isinstance(decl, ast.Task)]
    states = [next(m for m in task.members if isinstance(m, ast.State)) for task in tasks]
    return {state.name.name: task for state, task in zip(states, tasks, strict=True)}


@final
@dataclass(slots=True)
class Remembered:
    """What has been added so far, behind the policy's `own` task states.

    `file` is the number of the statistics' text among the policy's sources; `lower_block` adds the
    states and handlers of a block. A statistic's handlers stand behind those that they read.
    """

    own: int
    file: int
    lower_block: Callable[[ast.Task, Remembered], None]
    states: list[ir.State] = field(default_factory=list)
    handlers: list[ir.Handler] = field(default_factory=list)
    snapshots: list[ir.Snapshot] = field(default_factory=list)
    _entries: dict[str, Entry] = field(default_factory=dict)

    @property
    def next_index(self) -> int:
        return self.own + len(self.states)

    @property
    def has_statistics(self) -> bool:
        return any(name in STATISTICS for name in self._entries)

    def add(self, name: str, state: ir.State) -> None:
        self._entries[name] = (self.next_index, state)
        self.states.append(replace(state, name=name))

    def statistic(self, name: str) -> Entry:
        if name not in self._entries:
            self.lower_block(_declared(self.file)[name], self)
        return self._entries[name]

    def of_waker(self, name: str, entry: Entry, span: Span) -> Entry:
        """The state that keeps what the waker had in the task state `entry`."""
        full = f"waker.{name}"
        if full not in self._entries:
            of, state = entry
            self.snapshots.append(ir.Snapshot(of, self.next_index))
            self.add(full, replace(state, span=span))
        return self._entries[full]
