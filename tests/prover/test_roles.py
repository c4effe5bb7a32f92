"""Three roles stand for any number of queues: lemmas asked of whole policies say the same, and a
turn of a whole policy is a turn of the roles.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest

from schedlang.ir import nodes as ir
from schedlang.ir.walk import leaves
from schedlang.prover.arbiter import Arbitration, State, free_draw, free_state, placed_turns, turns
from schedlang.prover.conserving import prove_takes
from schedlang.prover.fairness import Pair, prove_pair
from schedlang.prover.guards import prove_guard
from schedlang.prover.rates import prove_rate
from schedlang.prover.roles import guard_roles
from schedlang.prover.rules import DOCUMENTED
from schedlang.prover.setting import TICK_NS, arbitration_of
from schedlang.prover.solver import Effort, Ledger, decide
from schedlang.prover.terms import Term, all_of, any_of, boolean, integer, script
from schedlang.prover.trees import weighted_nodes
from schedlang.prover.weighted import Node, prove_together, prove_wait, role_node
from tests.prover.build import MS, after, policy, queue, random_policy, share, shared, strict

SIZES = (2, 4, 8, 16)
LAG_NS = 500 * MS


def arbitration(tree: ir.Tree, guards: Sequence[ir.Guard]) -> Arbitration:
    queues = [queue(f"q{leaf.queue}", (1 + leaf.queue % 3) * MS) for leaf in leaves(tree)]
    return arbitration_of(policy(queues, tree, guards), DOCUMENTED, TICK_NS)


def whole_node(whole: Arbitration, node: ir.Weighted, held: int) -> Node:
    """The node as it stands in the policy, with the numbers it has there."""
    guarded = {guard.queue for guard in whole.guards}
    below = [[leaf.queue for leaf in leaves(share_.child)] for share_ in node.shares]
    longest = tuple(
        integer(max(whole.max_turn_ns[q] for q in queues) * share_.scale)
        for queues, share_ in zip(below, node.shares, strict=True)
    )
    level = frozenset(k for k, queues in enumerate(below) if not guarded & set(queues))
    return Node(whole, node.index, below[held][0], held, level, longest)


@pytest.mark.parametrize("size", SIZES)
def test_a_weighted_node_of_any_size(size: int) -> None:
    weights = [1 + i % 4 for i in range(size)]
    whole = arbitration(shared(*weights), [after(1, 20 * MS)])
    (tree,) = weighted_nodes(whole.tree)
    node, ledger = whole_node(whole, tree, 0), Ledger(Effort())
    assert prove_together(node, ledger) is None
    assert prove_wait(node, ledger) is None


@pytest.mark.parametrize("size", SIZES)
def test_two_children_of_a_weighted_node_of_any_size(size: int) -> None:
    weights = [1 + i % 4 for i in range(size)]
    whole = arbitration(shared(*weights), [share(2, 20)] if size > 2 else [])
    (tree,) = weighted_nodes(whole.tree)
    pair = Pair(whole_node(whole, tree, 0), (0, 1), (0, 1))
    assert prove_pair(pair, Ledger(Effort())) is None


@pytest.mark.parametrize("size", SIZES)
def test_a_guard_beside_any_number(size: int) -> None:
    guards = [share(i, 80 // size) if i % 2 else after(i, 200 * MS) for i in range(size)]
    whole = arbitration(strict(*range(size)), guards)
    for guard in whole.guards[:2]:
        ledger = Ledger(Effort())
        assert prove_guard(whole, guard, ledger) is None
        assert prove_rate(whole, guard, LAG_NS, ledger) is None


# At 16 children z3 tries the orders of all of them.
@pytest.mark.parametrize("size", SIZES[:3])
def test_one_of_any_number_is_taken(size: int) -> None:
    guards = [after(i, 200 * MS) for i in range(0, size, 2)]
    for tree in (strict(*range(size)), shared(*[1] * size)):
        assert prove_takes("all", arbitration(tree, guards), Ledger(Effort())) is None


# --- the roles can do what a policy does


def values(state: State, random: Random) -> list[Term]:
    """Any state: what it was, is written into the solver as numbers."""
    pins = [state.now.equals(integer(random.randint(0, 50 * MS)))]
    pins += [due.equals(integer(random.randint(0, 60 * MS))) for due in state.due]
    for v, ps, seens in zip(state.v, state.p, state.seen, strict=True):
        pins.append(v.equals(integer(random.randint(0, 20 * MS))))
        pins += [p.equals(integer(random.choice([0, 7, random.randint(0, 40 * MS)]))) for p in ps]
        pins += [seen.equals(boolean(random.random() < 0.5)) for seen in seens]
    return pins


def is_child(role: State, r: int, whole: State, node: int, child: int) -> list[Term]:
    return [
        role.p[0][r].equals(whole.p[node][child]),
        role.seen[0][r].equals(whole.seen[node][child]),
    ]


@pytest.mark.parametrize("seed", range(25))
def test_turns_of_a_policy_are_turns_of_the_roles(seed: int) -> None:
    """One turn, in any state, of a random tree with guards, as two children of a node see it."""
    random = Random(seed)
    whole = arbitration_of(random_policy(random, 6), DOCUMENTED, TICK_NS)
    state, draw = free_state(whole, "w"), free_draw(whole, "w")
    pins = values(state, random)
    pins += [occupied.equals(boolean(random.random() < 0.7)) for occupied in draw.occupied]
    pins += [draw.ran.equals(integer(random.randint(1, 5 * MS))), *draw.known]
    for is_placed, options in (
        (False, turns(whole, state, draw)),
        (True, placed_turns(whole, state, draw)),
    ):
        for turn in options:
            if decide(script([*pins, turn.condition]), Effort().rlimit).answer == "sat":
                assert_child_roles(whole, state, turn.after, turn.queue, pins, is_placed)
                assert_guard_roles(whole, state, turn.after, turn.queue, pins, is_placed)


def assert_child_roles(
    whole: Arbitration, before: State, after_: State, served: int, pins: list[Term], placed: bool
) -> None:
    for tree in weighted_nodes(whole.tree):
        n = tree.index
        child = next((c for m, c, _ in whole.charged[served] if m == n), None)
        if child is None:
            continue
        others = [k for k in range(len(tree.shares)) if k != child][:2]
        roles = role_node(DOCUMENTED, (0, 1, 2)).arbitration
        state, draw = free_state(roles, "r"), free_draw(roles, "r")
        options = (placed_turns if placed else turns)(roles, state, draw)
        for place in range(len(others) + 1):
            seats = [*others[:place], child, *others[place:]]
            absent = [draw.occupied[r].equals(boolean(False)) for r in range(len(seats), 3)]
            same = [state.v[0].equals(before.v[n]), *absent]
            for r, k in enumerate(seats):
                same += is_child(state, r, before, n, k)
            ways = []
            for turn in options:
                if turn.queue == place:
                    end = [turn.after.v[0].equals(after_.v[n])]
                    for r, k in enumerate(seats):
                        end += is_child(turn.after, r, after_, n, k)
                    ways.append(all_of((turn.condition, *end)))
            assert_can(pins, [*draw.known, *same], ways)


def assert_guard_roles(
    whole: Arbitration, before: State, after_: State, served: int, pins: list[Term], placed: bool
) -> None:
    for guard in whole.guards:
        roles, own = guard_roles(whole, guard)
        state, draw = free_state(roles, "r"), free_draw(roles, "r")
        options = (placed_turns if placed else turns)(roles, state, draw)
        same = [state.now.equals(before.now), state.due[0].equals(before.due[guard.index])]
        ways = [
            all_of(
                (
                    turn.condition,
                    turn.after.now.equals(after_.now),
                    turn.after.due[0].equals(after_.due[guard.index]),
                )
            )
            for turn in options
            if (turn.queue == own.queue) == (served == guard.queue)
        ]
        assert_can(pins, [*draw.known, *same], ways)


def assert_can(pins: list[Term], role: list[Term], ways: list[Term]) -> None:
    assert decide(script([*pins, *role, any_of(ways)]), Effort().rlimit).answer == "sat"
