"""Every step of the interpreter is a step of the model that proofs are about.

Random policies run on the interpreter, on several CPUs. Each turn of a CPU, from its choice to its
end, must be one that the arbiter's transition relation allows, and the only one. What expressions
and handlers do is compared in `tests/prover/test_encode.py`, at random values.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedlang.conform.events import Act, Event, draw_events
from schedlang.ir.nodes import Leaf, Policy, Strict, Tree, Weighted
from schedlang.machine.machine import Machine, Mode, Phase
from schedlang.prover.arbiter import free_draw, free_state, placed_turns, stolen_turns, turns
from schedlang.prover.rules import DOCUMENTED, Rules
from schedlang.prover.setting import concrete_arbitration
from schedlang.prover.terms import Term
from schedlang.topology import Topology
from tests.prover.test_arbiter import assert_can, is_draw, is_state
from tests.support.policies import RULED, compiled, policies, steered_policies

EVENTS = 80
CHECKED = 12
CPUS = 2
COMMS = ("hog", "web", "q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7")


@dataclass(frozen=True)
class Started:
    """What was so when a CPU chose, and what it chose. `placed`: it was claimed for the task; if
    all queues were empty here, the task was stolen.
    """

    state: list[Term]
    placed: bool
    occupied: list[bool]
    queue: int
    at: int


@dataclass(frozen=True)
class Taken:
    """A turn that has ended."""

    started: Started
    ran: int
    cpu: int


class Watched:
    """A machine whose CPUs are looked at whenever they choose."""

    def __init__(self, policy: Policy, params: tuple[int, ...], rules: Rules) -> None:
        self.machine = Machine(policy, Topology(CPUS), params)
        self.arbitration = concrete_arbitration(policy, rules, params)
        self.state, self.draw = free_state(self.arbitration, ""), free_draw(self.arbitration, "")
        self.started: dict[int, Started] = {}
        self.now = 0

    def take(self, event: Event) -> Iterator[Taken]:
        """Yields a turn when it has ended, before anything else happens to its CPU."""
        machine = self.machine
        self.now += event.ns
        busy = [i for i, cpu in enumerate(machine.cpus) if cpu.mode is Mode.RUNNING]
        asleep = [i for i, task in enumerate(machine.tasks) if task.phase is Phase.BLOCKED]
        if event.act is Act.FORK and len(machine.tasks) < 8:
            machine.fork(event.spec, self.now, event.pick % CPUS)
        elif event.act is Act.WAKE and asleep:
            machine.wake(asleep[event.pick % len(asleep)], self.now)
        elif event.act in (Act.EXPIRE, Act.BLOCK) and busy:
            cpu = busy[event.pick % len(busy)]
            machine.stop(cpu, self.now, blocked=event.act is Act.BLOCK)
            started = self.started.pop(cpu)
            yield Taken(started, self.now - started.at, cpu)
            self.choose(cpu)
        while machine.woken:
            self.choose(min(machine.woken))

    def choose(self, cpu: int) -> None:
        arbiter = self.machine.cpus[cpu].arbiter
        # To be seen empty is a step by itself, which the lemmas on deadlines cover.
        arbiter._leave_idleness(self.now)
        known = is_state(self.state, self.now, arbiter)
        placed = self.machine.cpus[cpu].claimed is not None
        occupied = [bool(q.entries) and q.is_occupied(cpu) for q in self.machine.cpus[cpu].here]
        chosen = self.machine.choose(cpu, self.now)
        if chosen is not None:
            self.started[cpu] = Started(known, placed, occupied, chosen.queue, self.now)

    def check(self, taken: Taken) -> None:
        started, arbiter = taken.started, self.machine.cpus[taken.cpu].arbiter
        known = [*started.state, *is_draw(self.draw, started.occupied, taken.ran)]
        chosen = not started.placed and any(started.occupied)
        possible = turns if chosen else placed_turns if started.placed else stolen_turns
        options = possible(self.arbitration, self.state, self.draw)
        if not chosen:
            options = tuple(turn for turn in options if turn.queue == started.queue)
        assert_can(known, options, started.queue, self.now, arbiter)


def with_one_tree(policy: Policy) -> Policy:
    """All CPUs serve the policy's last tree: a model is of one, and numbers its nodes from 0."""
    numbers = count()

    def renumbered(tree: Tree) -> Tree:
        match tree:
            case Leaf():
                return tree
            case Strict():
                return replace(tree, children=tuple(map(renumbered, tree.children)))
            case Weighted():
                index = next(numbers)
                shares = tuple(replace(s, child=renumbered(s.child)) for s in tree.shares)
                return replace(tree, index=index, shares=shares)

    return replace(policy, serves_on=(), serve=renumbered(policy.serve))


def check_turns(text: str, seed: int, rules: Rules) -> list[Taken]:
    """Those that were checked: not all, for the solver is slow, and a run repeats itself."""
    policy, random = with_one_tree(compiled(text)), Random(seed)
    params = tuple(random.choice((p.lo, p.default, p.hi)) for p in policy.params)
    watched = Watched(policy, params, rules)
    checked: list[Taken] = []
    for event in draw_events(random, EVENTS, CPUS, COMMS):
        for taken in watched.take(event):
            if len(checked) < CHECKED and random.random() < 0.4:
                watched.check(taken)
                checked.append(taken)
    return checked


@settings(max_examples=60)
@given(st.one_of(policies(using=RULED), steered_policies(using=RULED)), st.integers(0, 2**32))
def test_every_turn_is_one_of_the_model(text: str, seed: int) -> None:
    check_turns(text, seed, DOCUMENTED)


PLACING = """policy p
queue a { global  order fifo  slice 1ms }
queue b { global  order fifo  slice 2ms }
queue c { global  order fifo  slice 2ms }
route { nice < 0 -> a  comm ~ "q*" -> b  else -> c }
serve weighted { a: 3  strict { b  c }: 1 }
guard b at least 10%
guard c after 5ms
place { prev  cpu in any }
"""


def turns_with(rules: Rules) -> list[Taken]:
    return [taken for seed in range(4) for taken in check_turns(PLACING, seed, rules)]


def test_chosen_and_placed_turns_are_among_them() -> None:
    turns = turns_with(DOCUMENTED)
    assert len(turns) > 2 * CHECKED
    assert {taken.started.placed for taken in turns} == {True, False}
    assert {taken.started.queue for taken in turns} == {0, 1, 2}
    assert any(sum(taken.started.occupied) > 1 for taken in turns)


STEALING = """policy p
queue a { per cpu  order fifo  slice 1ms  steal }
queue b { per cpu  order fifo  slice 2ms  steal }
queue c { global   order fifo  slice 2ms }
route { nice < 0 -> a  comm ~ "q*" -> b  else -> c }
serve weighted { a: 3  strict { b  c }: 1 }
guard b at least 10%
guard c after 5ms
"""


def test_stolen_turns_are_among_them() -> None:
    turns = [taken for seed in range(6) for taken in check_turns(STEALING, seed, DOCUMENTED)]
    assert any(not any(t.started.occupied) and not t.started.placed for t in turns)


def test_another_rule_is_noticed() -> None:
    other = replace(DOCUMENTED, placed_turns_walk=False)
    with pytest.raises(AssertionError):
        turns_with(other)
