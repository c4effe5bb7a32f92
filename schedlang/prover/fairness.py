"""How far the services of queues below one weighted node can part, each divided by its weight.

While two children are never empty, the p of each stays between V and V and one turn of its own; so
the p of the two move together, and they are the services. A window may begin and end in the middle
of a turn. Guards elsewhere do not matter; one below a named child serves it beside its weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import final

from schedlang.ir import nodes as ir
from schedlang.ir.walk import leaves
from schedlang.prover.arbiter import (
    Arbitration,
    Draw,
    State,
    Turn,
    free_draw,
    free_state,
    turns,
)
from schedlang.prover.compose import longest_turn, prove_first
from schedlang.prover.roles import SECOND, THIRD
from schedlang.prover.solver import Ledger
from schedlang.prover.terms import TRUE, Term, all_of, integer, variable, when
from schedlang.prover.trees import ancestors, weighted_nodes
from schedlang.prover.verdict import Reason, Unknown
from schedlang.prover.weighted import (
    FAR,
    Node,
    any_turns,
    at_rest,
    name_of,
    prove_together,
    role_node,
)

ZERO = integer(0)
START = variable("start")  # V when the window began


@final
@dataclass(frozen=True, slots=True)
class Pair:
    """Two children of a weighted node, and a queue of each that is never empty in the window."""

    node: Node
    children: tuple[int, int]
    queues: tuple[int, int]

    def given(self, turn: Turn, cost: Term) -> tuple[Term, Term]:
        """What the turn, if it costs that much, adds to what the two got."""
        charge = self.node.charge(turn.queue, ZERO)
        child = None if charge is None else charge[0]
        first, second = (cost if k == child else ZERO for k in self.children)
        return first, second

    def near(self, first: Term, second: Term) -> Term:
        """The two got the same, but for a turn of each."""
        apart = self.node.longest[self.children[0]] + self.node.longest[self.children[1]]
        return all_of((first - second <= apart, second - first <= apart))


def prove_fair_queues(
    arbitration: Arbitration, queues: Sequence[int], ledger: Ledger
) -> Fraction | Unknown:
    """By how much the services of two of the queues differ at most, in ns, in any window in which
    both always have tasks for the CPU. Each is divided by its weight, the least of which counts 1.
    """
    found = _shares(arbitration, queues)
    if isinstance(found, Unknown):
        return found
    roles = role_node(arbitration.rules, guarded=(THIRD,))
    pair = Pair(roles, (roles.held, SECOND), (roles.queue, SECOND))
    gap = (
        prove_first(arbitration.rules, ledger)
        or prove_together(roles, ledger.of_roles())
        or prove_pair(pair, ledger.of_roles())
    )
    return gap or _apart(arbitration, found, ledger)


def _shares(arbitration: Arbitration, queues: Sequence[int]) -> list[ir.Share] | Unknown:
    """The children of one weighted node that hold the queues, each foremost in its child."""
    for node in weighted_nodes(arbitration.tree):
        held = [_share_of(node, queue) for queue in queues]
        shares = [share for share in held if share is not None]
        if len({id(share) for share in shares}) == len(queues):
            break
    else:
        return Unknown(Reason.NO_RULE, "they do not stand below different children of a `weighted`")
    for share, queue in zip(shares, queues, strict=True):
        for above, place in ancestors(share.child, queue):
            if isinstance(above, ir.Weighted) or place > 0:
                detail = "one of them shares its part of the `weighted` with other queues"
                return Unknown(Reason.NO_RULE, detail)
        below = {leaf.queue for leaf in leaves(share.child)}
        for guard in arbitration.guards:
            if guard.queue in below:
                detail = f"the guard on `{guard.name}` serves it beside its weight"
                return Unknown(Reason.NO_RULE, detail)
    return shares


def _share_of(node: ir.Weighted, queue: int) -> ir.Share | None:
    for share in node.shares:
        if any(leaf.queue == queue for leaf in leaves(share.child)):
            return share
    return None


def _apart(arbitration: Arbitration, shares: list[ir.Share], ledger: Ledger) -> Fraction | Unknown:
    costs = [longest_turn(arbitration, share.child) * share.scale for share in shares]
    if max(costs) >= FAR:
        return Unknown(Reason.NO_RULE, "a turn may be so long that the `weighted` forgets debts")
    unit = max(share.scale for share in shares)
    *_, second, first = sorted(costs)
    known, goals = [], []
    for i, j in combinations(range(len(costs)), 2):
        apart = variable(f"apart{i}_{j}")
        known.append(apart <= integer(costs[i] + costs[j]))
        goals.append(apart <= integer(first + second))
    gap = ledger.prove("no two of the queues are further apart", known, goals)
    return gap or Fraction(first + second, unit)


def prove_pair(pair: Pair, ledger: Ledger) -> Unknown | None:
    """`Pair.near` holds of what the two get in any window, whenever it begins and ends."""
    return _prove_window_begins(pair, ledger) or _prove_window_goes_on(pair, ledger)


def _apart_by_p(pair: Pair, state: State, got: tuple[Term, Term]) -> tuple[Term, ...]:
    """What the two got is how far their p came since V was START."""
    n = pair.node.index
    v, facts = state.v[n], [state.v[n] >= START]
    for k, given in zip(pair.children, got, strict=True):
        p, seen, longest = state.p[n][k], state.seen[n][k], pair.node.longest[k]
        moved = all_of((p - given >= START, p - given <= START + longest))
        waits = all_of((given.equals(ZERO), v.equals(START), p <= START + longest))
        facts.append(when(seen, moved, waits))
    return tuple(facts)


def _limits(pair: Pair) -> tuple[Term, ...]:
    return tuple(longest < integer(FAR) for longest in pair.node.longest)


def _prove_window_begins(pair: Pair, ledger: Ledger) -> Unknown | None:
    """With any part of the turn that is running then."""
    node, n = pair.node, pair.node.index
    state, draw = free_state(node.arbitration, ""), free_draw(node.arbitration, "")
    part = variable("part")
    known = (*draw.known, *node.known, *_limits(pair), *at_rest(node, state))
    for name, turn in any_turns(node, state, draw):
        charge = node.charge(turn.queue, draw.ran)
        cost = ZERO if charge is None else charge[1]
        got = pair.given(turn, part)
        gap = ledger.prove(
            f"a window begins level in {name}",
            (
                *known,
                *node.taken(turn, draw),
                part >= ZERO,
                part <= cost,
                START.equals(turn.after.v[n]),
            ),
            (*_apart_by_p(pair, turn.after, got), pair.near(*got)),
        )
        if gap is not None:
            return gap
    nothing = (ZERO, ZERO)
    goals = _apart_by_p(pair, state, nothing)
    return ledger.prove(
        "a window begins level when the CPU chooses", (*known, START.equals(state.v[n])), goals
    )


def _prove_window_goes_on(pair: Pair, ledger: Ledger) -> Unknown | None:
    node = pair.node
    state, draw = free_state(node.arbitration, ""), free_draw(node.arbitration, "")
    got, part = (variable("got0"), variable("got1")), variable("part")
    occupied = tuple(draw.occupied[queue] for queue in pair.queues)
    for turn in turns(node.arbitration, state, draw):
        goals = _after(pair, turn, draw, got, part)
        hypotheses = (
            *occupied,
            *node.taken(turn, draw),
            *_limits(pair),
            *at_rest(node, state),
            *_apart_by_p(pair, state, got),
            part >= ZERO,
        )
        name = f"{name_of(node, turn)} keeps two children's services near"
        gap = ledger.prove(name, hypotheses, goals)
        if gap is not None:
            return gap
    return None


def _after(
    pair: Pair, turn: Turn, draw: Draw, got: tuple[Term, Term], part: Term
) -> tuple[Term, ...]:
    """At the end of the turn the services are told by p, and at any part of it they are near."""
    charge = pair.node.charge(turn.queue, draw.ran)
    cost = ZERO if charge is None else charge[1]
    whole, some = pair.given(turn, cost), pair.given(turn, part)
    after = (got[0] + whole[0], got[1] + whole[1])
    meanwhile = pair.near(got[0] + some[0], got[1] + some[1])
    is_part = part <= cost if charge is not None else TRUE
    return (*_apart_by_p(pair, turn.after, after), is_part.implies(meanwhile))
