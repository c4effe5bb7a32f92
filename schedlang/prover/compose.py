"""What a tree serves while one of its queues waits, composed from what its nodes promise.

From the queue outwards: below a strict node that holds it first, nothing is added; at a weighted
node, what the other children get while the held one gets what it gets. Linear functions compose;
each step is a query.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import final

from schedlang.ir import nodes as ir
from schedlang.ir.walk import leaves
from schedlang.prover.arbiter import Arbitration, free_draw, free_state, turns
from schedlang.prover.roles import FIRST, SECOND, THIRD, strict_roles
from schedlang.prover.rules import Rules
from schedlang.prover.solver import Ledger
from schedlang.prover.terms import Sort, negation, real, total, variable
from schedlang.prover.trees import ancestors
from schedlang.prover.verdict import Reason, Unknown
from schedlang.prover.weighted import prove_together, prove_wait, role_node

ANOTHER_WAY = "a guard on this queue would give a bound by itself"


@final
@dataclass(frozen=True, slots=True)
class Linear:
    """`fixed + A * per_service`, of the service A in ns that the waiting queue gets."""

    fixed: Fraction
    per_service: Fraction

    def at(self, service_ns: int) -> Fraction:
        return self.fixed + service_ns * self.per_service


@final
@dataclass(frozen=True, slots=True)
class Ahead:
    """What the tree serves during the wait is at most `served`, the queue's own service included.
    Turns of others that start meanwhile, or go on, may have been cut short.
    `debts` are how far ahead of V the held child of each weighted node can come; the bound holds
    while they are below `weighted.FAR`. `beside` are the queues that the tree may serve meanwhile.
    """

    served: Linear
    debts: tuple[Linear, ...]
    beside: frozenset[int]


def prove_ahead(arbitration: Arbitration, queue: int, ledger: Ledger) -> Ahead | Unknown:
    above = ancestors(arbitration.tree, queue)
    gap = obstacle(arbitration, queue)
    if gap is None and any(isinstance(node, ir.Strict) for node, _ in above):
        gap = prove_first(arbitration.rules, ledger)
    if gap is None and any(isinstance(node, ir.Weighted) for node, _ in above):
        gap = _prove_weighted(arbitration.rules, ledger)
    ahead: Ahead | Unknown
    ahead = gap or Ahead(Linear(Fraction(0), Fraction(1)), (), frozenset())
    for node, held in reversed(above):
        if isinstance(ahead, Ahead) and isinstance(node, ir.Weighted):
            ahead = _beside_children(arbitration, queue, (node, held), ahead, ledger)
    return ahead


def obstacle(arbitration: Arbitration, queue: int) -> Unknown | None:
    """Why the tree need not come to the queue, if it need not."""
    for node, held in ancestors(arbitration.tree, queue):
        if isinstance(node, ir.Strict) and held > 0:
            detail = f"it stands below another queue in a `strict`; {ANOTHER_WAY}"
            return Unknown(Reason.NO_RULE, detail)
        if isinstance(node, ir.Weighted):
            below = {leaf.queue for leaf in leaves(node.shares[held].child)}
            for guard in arbitration.guards:
                if guard.queue in below:
                    detail = f"the guard on `{guard.name}` takes from the share of the `weighted`"
                    return Unknown(Reason.NO_RULE, f"{detail} that it stands in; {ANOTHER_WAY}")
    return None


def prove_first(rules: Rules, ledger: Ledger) -> Unknown | None:
    """While its first child is non-empty a strict node serves no other."""
    roles = strict_roles(rules)
    draw = free_draw(roles, "", occupied=FIRST)
    others = [t for t in turns(roles, free_state(roles, ""), draw) if t.queue != FIRST]
    goals = [negation(turn.condition) for turn in others]
    return ledger.of_roles().prove("a strict node serves its first child", draw.known, goals)


def _prove_weighted(rules: Rules, ledger: Ledger) -> Unknown | None:
    node = role_node(rules, guarded=(SECOND, THIRD))
    return prove_together(node, ledger.of_roles()) or prove_wait(node, ledger.of_roles())


def _beside_children(
    arbitration: Arbitration,
    queue: int,
    place: tuple[ir.Weighted, int],
    ahead: Ahead,
    ledger: Ledger,
) -> Ahead | Unknown:
    """The bound for the node, from the bound `ahead` for its child that holds the queue."""
    node, held = place
    scales = [Fraction(share.scale) for share in node.shares]
    beside = arbitration.beside(queue)
    longest = [longest_turn(beside, share.child) for share in node.shares]
    # The child's own last turn may have started before the wait.
    longest[held] = longest_turn(arbitration, node.shares[held].child)
    own, scale, inner = variable("own", Sort.REAL), scales[held], ahead.served
    child = variable("child", Sort.REAL)
    known = [own >= real(0), child <= real(inner.fixed) + real(inner.per_service) * own]
    fixed, per_service, others = inner.fixed, inner.per_service, []
    for k in range(len(node.shares)):
        if k == held:
            continue
        other = variable(f"other{k}", Sort.REAL)
        most = real(longest[held] * scale) + real(scale) * child + real(longest[k] * scales[k])
        known.append(real(scales[k]) * other <= most)
        others.append(other)
        fixed += (longest[held] + inner.fixed) * scale / scales[k] + longest[k]
        per_service += inner.per_service * scale / scales[k]
    goal = total(others, child) <= real(fixed) + real(per_service) * own
    gap = ledger.prove("what a weighted node serves is in proportion", known, [goal])
    debt = Linear((longest[held] + inner.fixed) * scale, inner.per_service * scale)
    inside = {leaf.queue for leaf in leaves(node.shares[held].child)}
    others_here = ahead.beside | {leaf.queue for leaf in leaves(node)} - inside
    return gap or Ahead(Linear(fixed, per_service), (*ahead.debts, debt), others_here)


def longest_turn(arbitration: Arbitration, tree: ir.Tree) -> int:
    return max(arbitration.max_turn_ns[leaf.queue] for leaf in leaves(tree))
