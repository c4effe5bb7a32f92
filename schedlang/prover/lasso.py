"""Searches for a run in which a queue's task waits for ever: on the same transition relation.

Here what happens must be possible for real tasks. Every queue has one task: it stays while it
waits, blocks or goes on at the end of its turn, and wakes up between turns. The run ends where it
was a few turns before, but for the time that has passed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

from schedlang.ir.walk import leaves
from schedlang.prover.arbiter import (
    Arbitration,
    Draw,
    State,
    Turn,
    free_draw,
    free_state,
    initial_state,
    runs,
    turns,
)
from schedlang.prover.solver import Ledger, Model
from schedlang.prover.terms import (
    TRUE,
    Term,
    all_of,
    any_of,
    integer,
    negation,
    variable,
)
from schedlang.prover.trees import weighted_nodes

START = variable("loop_start")


@final
@dataclass(frozen=True, slots=True)
class Served:
    """One turn of the run: `occupied` is what is non-empty when the CPU chooses."""

    queue: int
    ran_ns: int
    occupied: tuple[bool, ...]


@final
@dataclass(frozen=True, slots=True)
class Run:
    """After `turns` the CPU is where it was before `turns[loop_start]`."""

    turns: tuple[Served, ...]
    loop_start: int


@final
@dataclass(frozen=True, slots=True)
class _Step:
    state: State
    draw: Draw
    turns: tuple[Turn, ...]
    taken: Term

    def takes(self, number: int) -> Term:
        return self.taken.equals(integer(number))

    def serves(self, queue: int) -> Term:
        return any_of(self.takes(i) for i, turn in enumerate(self.turns) if turn.queue == queue)


def find_starving_run(arbitration: Arbitration, victim: int, ledger: Ledger) -> Run | None:
    """The shortest there is up to the effort's length: of whole slices, or else of any turns."""
    steps = [_first_step(arbitration, victim)]
    known: list[Term] = []
    plain: list[Term] = []
    queries = []
    for length in range(1, ledger.effort.lasso_steps + 1):
        steps.append(_next_step(arbitration, victim, length))
        known += _taken(arbitration, steps[-2], victim) + _follows(steps[-2], steps[-1])
        plain += _plain(arbitration, steps[-2], steps[-1])
        if length > 1:
            closed = any_of(
                all_of((START.equals(integer(start)), _closed(arbitration, steps, start)))
                for start in range(1, length)
            )
            queries.append((tuple(known), closed, tuple(plain)))
    for is_plain in (True, False):
        for facts, closed, ease in queries:
            model = ledger.find((*facts, closed, *(ease if is_plain else ())))
            if model is not None:
                return _read(steps, model)
    return None


def _first_step(arbitration: Arbitration, victim: int) -> _Step:
    """One task is there, and not the victim: it runs, placed on the idle CPU or chosen."""
    state = initial_state(arbitration)
    draw = free_draw(arbitration, "_0")
    step = _step(arbitration, state, draw, 0)
    alone = all_of(
        negation(all_of((draw.occupied[one], draw.occupied[other])))
        for one in arbitration.queues
        for other in range(one)
    )
    known = (*draw.known, alone, negation(draw.occupied[victim]))
    return replace(step, draw=replace(draw, known=known))


def _next_step(arbitration: Arbitration, victim: int, number: int) -> _Step:
    state = free_state(arbitration, f"_{number}")
    draw = free_draw(arbitration, f"_{number}", occupied=victim)
    return _step(arbitration, state, draw, number)


def _step(arbitration: Arbitration, state: State, draw: Draw, number: int) -> _Step:
    return _Step(state, draw, turns(arbitration, state, draw), variable(f"taken_{number}"))


def _taken(arbitration: Arbitration, step: _Step, victim: int) -> list[Term]:
    """Some turn is taken, none of the victim's."""
    options = [
        all_of((step.takes(i), *runs(arbitration, turn, step.draw)))
        for i, turn in enumerate(step.turns)
        if turn.queue != victim
    ]
    return [any_of(options), *step.draw.known]


def _follows(step: _Step, after: _Step) -> list[Term]:
    known = [
        step.takes(i).implies(all_of(a.equals(b) for a, b in _pairs(turn.after, after.state)))
        for i, turn in enumerate(step.turns)
    ]
    known += [
        all_of((occupied, negation(step.serves(queue)))).implies(after.draw.occupied[queue])
        for queue, occupied in enumerate(step.draw.occupied)
    ]
    return known


def _pairs(one: State, two: State) -> list[tuple[Term, Term]]:
    pairs = [(one.now, two.now), *zip(one.due, two.due, strict=True)]
    pairs += zip(one.v, two.v, strict=True)
    for rows in zip((*one.p, *one.seen), (*two.p, *two.seen), strict=True):
        pairs += zip(*rows, strict=True)
    return pairs


def _plain(arbitration: Arbitration, step: _Step, after: _Step) -> list[Term]:
    """The turn is a whole slice and the task goes on: easier to read than a solver's whim."""
    return [
        step.serves(queue).implies(
            all_of(
                (
                    step.draw.ran.equals(integer(arbitration.max_turn_ns[queue])),
                    after.draw.occupied[queue],
                )
            )
        )
        for queue in arbitration.queues
    ]


def _closed(arbitration: Arbitration, steps: list[_Step], start: int) -> Term:
    """The last state is that before turn `start`, later; weighted nodes that no turn of the loop
    asks may differ."""
    one, two = steps[start], steps[-1]
    same = [a.equals(b) for a, b in zip(one.draw.occupied, two.draw.occupied, strict=True)]
    same += [
        (a - one.state.now).equals(b - two.state.now)
        for a, b in zip(one.state.due, two.state.due, strict=True)
    ]
    for n, node in enumerate(weighted_nodes(arbitration.tree)):
        below = {leaf.queue for leaf in leaves(node)}
        asked = any_of(
            step.takes(i)
            for step in steps[start:-1]
            for i, turn in enumerate(step.turns)
            if turn.guard is None and turn.queue in below
        )
        level = [
            (a - one.state.v[n]).equals(b - two.state.v[n])
            for a, b in zip(one.state.p[n], two.state.p[n], strict=True)
        ]
        level += [a.equals(b) for a, b in zip(one.state.seen[n], two.state.seen[n], strict=True)]
        same.append(asked.implies(all_of(level)))
    return all_of(same)


def _read(steps: list[_Step], model: Model) -> Run:
    served = []
    for step in steps:
        if step.taken.text in model:
            turn = step.turns[model[step.taken.text]]
            occupied = tuple(
                term == TRUE or bool(model.get(term.text, 0)) for term in step.draw.occupied
            )
            served.append(Served(turn.queue, model.get(step.draw.ran.text, 1), occupied))
    return Run(tuple(served), model[START.text])
