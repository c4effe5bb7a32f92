"""The transition relation that is proved about is the interpreter's arbitration, step by step."""

from __future__ import annotations

from random import Random

import pytest

from schedlang.ir import nodes as ir
from schedlang.machine.arbitration import Arbiter, Arbitration
from schedlang.prover.arbiter import (
    Draw,
    State,
    Turn,
    free_draw,
    free_state,
    placed_turns,
    turns,
)
from schedlang.prover.rules import DOCUMENTED
from schedlang.prover.setting import concrete_arbitration
from schedlang.prover.solver import decide
from schedlang.prover.terms import Term, all_of, any_of, boolean, integer, negation, script
from tests.prover.build import MS, random_policy

STEPS = 12
RLIMIT = 3_000_000


def is_state(state: State, now: int, arbiter: Arbiter) -> list[Term]:
    """The model's state is the interpreter's at `now`."""
    facts = [state.now.equals(integer(now))]
    facts += [d.equals(integer(v)) for d, v in zip(state.due, arbiter._due, strict=True)]
    facts += [d.equals(integer(v)) for d, v in zip(state.v, arbiter._v, strict=True)]
    for terms, values in zip(state.p, arbiter._p, strict=True):
        facts += [t.equals(integer(v)) for t, v in zip(terms, values, strict=True)]
    for terms, flags in zip(state.seen, arbiter._seen, strict=True):
        facts += [t.equals(boolean(v)) for t, v in zip(terms, flags, strict=True)]
    return facts


def is_draw(draw: Draw, occupied: list[bool], ran: int) -> list[Term]:
    facts = [t.equals(boolean(v)) for t, v in zip(draw.occupied, occupied, strict=True)]
    return [*facts, draw.ran.equals(integer(ran))]


def assert_follows(known: list[Term], goal: Term) -> None:
    assert decide(script([*known, negation(goal)]), RLIMIT).answer == "unsat"


def assert_can(
    known: list[Term], options: tuple[Turn, ...], queue: int, now: int, arbiter: Arbiter
) -> None:
    """The model serves the queue as well, no other, and comes to the same state."""
    same = [
        all_of((turn.condition, *is_state(turn.after, now, arbiter)))
        for turn in options
        if turn.queue == queue
    ]
    others = [negation(turn.condition) for turn in options if turn.queue != queue]
    assert_follows(known, all_of((any_of(same), *others)))


@pytest.mark.parametrize("seed", range(12))
def test_the_model_takes_the_interpreters_steps(seed: int) -> None:
    random = Random(seed)
    subject = random_policy(random)
    arbitration = concrete_arbitration(subject, DOCUMENTED, ())
    arbiter, now = Arbiter(Arbitration(subject, ())), random.randint(0, MS)
    state, draw = free_state(arbitration, ""), free_draw(arbitration, "")
    for _ in range(STEPS):
        occupied = [random.random() < 0.6 for _ in subject.queues]
        ran = random.choice([1, 1000, MS, random.randint(1, 10 * MS)])
        known = is_draw(draw, occupied, ran)
        if not any(occupied):
            now = rest(arbiter, subject, random, now)
            known += is_state(state, now, arbiter)
            queue = random.randrange(len(subject.queues))
            arbiter.place(queue, now)
            options = placed_turns(arbitration, state, draw)
            options = tuple(turn for turn in options if turn.queue == queue)
        else:
            # To be seen empty is a step by itself, which the lemmas on deadlines cover.
            arbiter._leave_idleness(now)
            known += is_state(state, now, arbiter)
            chosen = arbiter.choose(sum(flag << q for q, flag in enumerate(occupied)), now)
            assert chosen is not None
            queue, options = chosen, turns(arbitration, state, draw)
        arbiter.start(queue, now)
        now += ran
        arbiter.settle(queue, ran, now)
        assert_can(known, options, queue, now, arbiter)


def rest(arbiter: Arbiter, subject: ir.Policy, random: Random, now: int) -> int:
    """The CPU finds nothing and is idle for a while."""
    assert arbiter.choose(0, now) is None
    return now + random.choice([1, MS, 10_000 * MS])
