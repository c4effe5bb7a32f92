"""Which queues no task can ever get into, and what is left of the tree without them."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from schedlang.ir import nodes as ir
from schedlang.prover.casting import Casting
from schedlang.prover.encode import Moment, encode, free_state
from schedlang.prover.solver import Ledger
from schedlang.prover.terms import TRUE, Sort, Term, all_of, any_of, negation, variable


def prove_unused(policy: ir.Policy, ledger: Ledger) -> frozenset[int]:
    """The queues of which the solver says that the route leads to them for no task whatever."""
    casting = Casting(policy, tuple(param.default for param in policy.params))
    unused = set()
    for queue, own in enumerate(policy.queues):
        if casting.task(queue, {}) is None:
            trial = Ledger(ledger.effort)
            known, leads = _leads_to(policy, queue)
            name = f"no task is routed to `{own.name}`"
            if trial.prove(name, known, [negation(leads)]) is None:
                ledger.obligations += trial.obligations
                unused.add(queue)
    return frozenset(unused)


def _leads_to(policy: ir.Policy, queue: int) -> tuple[list[Term], Term]:
    """What is known of any task and any moment, and whether the task is routed to the queue."""
    pairs = [free_state(state, f"task{i}") for i, state in enumerate(policy.states)]
    inputs = {ir.Input.NOW: variable("now"), ir.Input.WOKEN: variable("woken", Sort.BOOL)}
    at = Moment("", policy.params, [term for term, _ in pairs], (), inputs)
    passed, ways = TRUE, []
    for rule in policy.route.rules:
        holds = encode(rule.condition, at)
        if rule.queue == queue:
            ways.append(all_of((passed, holds)))
        passed = all_of((passed, negation(holds)))
    if policy.route.otherwise == queue:
        ways.append(passed)
    return [fact for _, fact in pairs] + at.constraints, any_of(ways)


def without(tree: ir.Tree, unused: frozenset[int]) -> ir.Tree:
    """The tree as it acts while those queues are empty, its weighted nodes numbered anew."""
    pruned = _pruned(tree, unused, [])
    return tree if pruned is None else pruned


def _pruned(tree: ir.Tree, unused: frozenset[int], nodes: list[None]) -> ir.Tree | None:
    match tree:
        case ir.Leaf():
            return None if tree.queue in unused else tree
        case ir.Strict():
            kept = [_pruned(child, unused, nodes) for child in tree.children]
            children = tuple(child for child in kept if child is not None)
            return replace(tree, children=children) if children else None
        case ir.Weighted():
            return _pruned_weighted(tree, unused, nodes)
        case _:
            assert_never(tree)


def _pruned_weighted(
    tree: ir.Weighted, unused: frozenset[int], nodes: list[None]
) -> ir.Weighted | None:
    index = len(nodes)
    nodes.append(None)
    shares = []
    for share in tree.shares:
        child = _pruned(share.child, unused, nodes)
        if child is not None:
            shares.append(replace(share, child=child))
    if shares:
        return replace(tree, index=index, shares=tuple(shares))
    del nodes[index:]
    return None
