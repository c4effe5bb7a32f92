"""How long a queue waits for its n-th turn, as a linear function of what it is served meanwhile.

A queue gets the CPU by its guard (`guards`) or from the tree. From the tree it must be in the first
child of every strict node above it, and below one weighted node at most; guards take their rates
off. The bounds are linear so that `wait` can put in any order's number of turns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import assert_never, final

from schedlang.ir import nodes as ir
from schedlang.ir.walk import leaves
from schedlang.prover.arbiter import (
    Arbitration,
    Draw,
    Guarded,
    State,
    Turn,
    charges,
    free_draw,
    free_state,
    initial_state,
    runs,
    turns,
)
from schedlang.prover.guards import GuardFacts, prove_rate
from schedlang.prover.solver import Ledger
from schedlang.prover.terms import (
    FALSE,
    TRUE,
    Sort,
    Term,
    all_of,
    any_of,
    integer,
    negation,
    real,
    total,
    variable,
    when,
)
from schedlang.prover.verdict import Reason, Unknown

CEILING = integer(ir.MAX_DEBT)
# Beyond this the saturation of p could set in; `wait` rejects bounds that are anywhere near.
FAR = integer(ir.MAX_DEBT // 2)


@final
@dataclass(frozen=True, slots=True)
class Service:
    """After n turns of the queue that served A ns in all, the next one starts within
    `fixed + n * per_turn + A * per_service` of any moment since which the queue was non-empty.
    `guard` is the guard that sees to it, None if the tree does.
    """

    fixed: Fraction
    per_turn: Fraction
    per_service: Fraction
    guard: int | None

    def wait_ns(self, turn_count: int, service_ns: int) -> int:
        exact = self.fixed + turn_count * self.per_turn + service_ns * self.per_service
        return math.ceil(exact)


def guard_service(
    arbitration: Arbitration, guard: Guarded, facts: GuardFacts, ledger: Ledger
) -> Service | Unknown:
    """The guard's word, turn after turn."""
    turn_ns = arbitration.max_turn_ns[guard.queue]
    delay = Fraction(facts.delay_ns[guard.index])
    if not guard.is_share:
        return Service(turn_ns + delay, delay, Fraction(1), guard.index)
    gap = _prove_share_pace(arbitration, guard, ledger)
    return gap or Service(delay, Fraction(1), Fraction(100, guard.low), guard.index)


def _prove_share_pace(
    arbitration: Arbitration, guard: Guarded, ledger: Ledger
) -> Unknown | None:
    """A turn of d ns puts a share guard's deadline at most d * 100 / share + 1 further."""
    state = free_state(arbitration, "")
    draw = free_draw(arbitration, "", occupied=guard.queue)
    goals = []
    for turn in turns(arbitration, state, draw):
        if turn.queue == guard.queue:
            moved = turn.after.due[guard.index] - state.due[guard.index] - integer(1)
            paced = moved * integer(guard.low) <= draw.ran * integer(100)
            goals.append(all_of(runs(arbitration, turn, draw)).implies(paced))
    return ledger.prove(f"guard {guard.index} keeps its pace", draw.known, goals)


def ancestors(tree: ir.Tree, queue: int) -> tuple[tuple[ir.Strict | ir.Weighted, int], ...]:
    """The nodes above the queue's leaf, outermost first, each with the child that holds it."""
    match tree:
        case ir.Leaf():
            return ()
        case ir.Strict() | ir.Weighted():
            below = children(tree)
            held = next(
                k for k, child in enumerate(below) if any(x.queue == queue for x in leaves(child))
            )
            return ((tree, held), *ancestors(below[held], queue))
        case _:
            assert_never(tree)


def children(node: ir.Strict | ir.Weighted) -> tuple[ir.Tree, ...]:
    if isinstance(node, ir.Strict):
        return node.children
    return tuple(share.child for share in node.shares)


def tree_service(
    arbitration: Arbitration, queue: int, facts: GuardFacts, ledger: Ledger
) -> Service | Unknown:
    above = ancestors(arbitration.tree, queue)
    if any(isinstance(node, ir.Strict) and held > 0 for node, held in above):
        return Unknown(Reason.NO_RULE, "it stands below another queue in a `strict`")
    nodes = [(node, held) for node, held in above if isinstance(node, ir.Weighted)]
    match nodes:
        case []:
            gap = _prove_first(arbitration, queue, ledger)
            ahead = Ahead(Fraction(0), Fraction(1), frozenset())
        case [(node, held)]:
            gap = _prove_weighted(arbitration, queue, node, held, ledger)
            ahead = _ahead(arbitration, queue, node, held)
        case _:
            return Unknown(
                Reason.NO_RULE, "it stands below two `weighted`; a guard on it would give a bound"
            )
    return gap or _beside_guards(arbitration, queue, facts, ahead, ledger)


@final
@dataclass(frozen=True, slots=True)
class Ahead:
    """What the tree serves while the queue waits and is served A: at most fixed + A * per_service
    (A itself included). The queues in `beside` share its weighted node.
    """

    fixed: Fraction
    per_service: Fraction
    beside: frozenset[int]


def _prove_first(arbitration: Arbitration, queue: int, ledger: Ledger) -> Unknown | None:
    """While the queue is non-empty the tree serves no other."""
    state = free_state(arbitration, "")
    draw = free_draw(arbitration, "", occupied=queue)
    others = [
        t for t in turns(arbitration, state, draw) if t.guard is None and t.queue != queue
    ]
    return ledger.prove(
        "the tree serves no other queue", draw.known, [negation(t.condition) for t in others]
    )


def _beside_guards(
    arbitration: Arbitration, queue: int, facts: GuardFacts, ahead: Ahead, ledger: Ledger
) -> Service | Unknown:
    """wait <= first turn + tree + guards' rates * wait + guards' bursts, solved for the wait."""
    guards = [g for g in arbitration.guards if g.queue != queue]
    rates, bursts = Fraction(0), Fraction(0)
    wait, service = variable("wait", Sort.REAL), variable("service", Sort.REAL)
    given = [variable(f"guard{g.index}", Sort.REAL) for g in guards]
    known = [service >= real(0), wait >= real(0)]
    for guard, taken in zip(guards, given, strict=True):
        gap = prove_rate(arbitration, guard, facts.lag_ns, ledger)
        if gap is not None:
            return gap
        rate, burst = _rate(arbitration, guard, facts, ahead)
        rates, bursts = rates + rate, bursts + burst
        known.append(taken <= real(rate) * wait + real(burst))
    if rates >= 1:
        return Unknown(Reason.INDUCTION_FAILED, "the guards may take all of the CPU from the tree")
    longest = max(arbitration.max_turn_ns)
    tree = real(ahead.fixed) + real(ahead.per_service) * service
    known.append(wait <= real(longest) + tree + total(given, real(0)))
    left = 1 - rates
    bound = Service(
        (longest + ahead.fixed + bursts) / left, Fraction(0), ahead.per_service / left, None
    )
    goal = wait <= real(bound.fixed) + real(bound.per_service) * service
    return ledger.prove("the tree's turn comes in spite of the guards", known, [goal]) or bound


def _rate(
    arbitration: Arbitration, guard: Guarded, facts: GuardFacts, ahead: Ahead
) -> tuple[Fraction, Fraction]:
    turn_ns = arbitration.max_turn_ns[guard.queue]
    if not guard.is_share:
        return Fraction(turn_ns, turn_ns + guard.low), Fraction(turn_ns)
    rate = Fraction(guard.high, 100)
    burst = rate * facts.lag_ns + turn_ns
    # The tree's turns of a queue settle its guard anew: the stretches before its first and after
    # its last one are counted by themselves, what lies between is counted with the tree's.
    return rate, burst * (2 if guard.queue in ahead.beside else 1)


def _ahead(arbitration: Arbitration, queue: int, node: ir.Weighted, held: int) -> Ahead:
    scale = node.shares[held].scale
    turn_ns = _longest(arbitration, node.shares[held].child)
    fixed, per_service = Fraction(0), Fraction(1)
    for k, share in enumerate(node.shares):
        if k != held:
            fixed += Fraction(turn_ns * scale, share.scale) + _longest(arbitration, share.child)
            per_service += Fraction(scale, share.scale)
    beside = frozenset(leaf.queue for leaf in leaves(node) if leaf.queue != queue)
    return Ahead(fixed, per_service, beside)


def _longest(arbitration: Arbitration, tree: ir.Tree) -> int:
    return max(arbitration.max_turn_ns[leaf.queue] for leaf in leaves(tree))


@final
@dataclass(frozen=True, slots=True)
class _Watch:
    """What is noted during a wait at weighted node `node`, in units of its children's `p`.

    `start` is V when the wait began and `own` what the waiting queue got since. By child:
    `granted`, whether the tree has served it; `total`, all it got since the tree first did;
    `counted`, `total` as of the last time the tree did.
    """

    start: Term
    own: Term
    granted: tuple[Term, ...]
    total: tuple[Term, ...]
    counted: tuple[Term, ...]


def _prove_weighted(
    arbitration: Arbitration, queue: int, node: ir.Weighted, held: int, ledger: Ledger
) -> Unknown | None:
    initial = _prove_initial(arbitration, node, held, ledger)
    if initial is not None:
        return initial
    state, draw = free_state(arbitration, ""), free_draw(arbitration, "")
    waiting = free_draw(arbitration, "", occupied=queue)
    watch = _free_watch(node)
    for turn in turns(arbitration, state, draw):
        held_before = _at_rest(arbitration, node, held, state)
        gap = ledger.prove(
            f"{_name(turn)} keeps the children of a weighted node together",
            (*runs(arbitration, turn, draw), *held_before),
            _at_rest(arbitration, node, held, turn.after),
        )
        if gap is not None:
            return _with_hint(gap)
    for turn in turns(arbitration, state, waiting):
        if turn.guard is None and turn.queue != queue and turn.condition == FALSE:
            continue
        before = _in_wait(arbitration, node, held, state, watch)
        after = _watch_turn(arbitration, queue, node, held, turn, waiting, watch)
        # A lower leaf of the queue's own child is never served by the tree while the queue waits.
        if _is_shadowed(node, held, queue, turn):
            gap = ledger.prove(
                f"{_name(turn)} does not happen in the wait", waiting.known, [negation(turn.condition)]
            )
        else:
            gap = ledger.prove(
                f"{_name(turn)} keeps the wait at a weighted node short",
                (*runs(arbitration, turn, waiting), *before, after.own < FAR),
                _in_wait(arbitration, node, held, turn.after, after),
            )
        if gap is not None:
            return _with_hint(gap)
    return None


def _name(turn: Turn) -> str:
    by = "the tree" if turn.guard is None else f"guard {turn.guard}"
    return f"a turn of queue {turn.queue} by {by}"


def _with_hint(gap: Unknown) -> Unknown:
    hint = "a guard on this queue would give a bound by itself"
    return Unknown(gap.reason, f"{gap.detail}; {hint}")


def _is_shadowed(node: ir.Weighted, held: int, queue: int, turn: Turn) -> bool:
    inside = {leaf.queue for leaf in leaves(node)}
    own = {leaf.queue for leaf in leaves(node.shares[held].child)}
    is_lower = turn.queue in own or turn.queue not in inside
    return turn.guard is None and turn.queue != queue and is_lower


def _at_rest(
    arbitration: Arbitration, node: ir.Weighted, held: int, state: State
) -> tuple[Term, ...]:
    n = node.index
    together = [
        seen.implies(p >= state.v[n]) for p, seen in zip(state.p[n], state.seen[n], strict=True)
    ]
    ahead = state.p[n][held] <= state.v[n] + _turn_cost(arbitration, node, held)
    return (*together, ahead)


def _turn_cost(arbitration: Arbitration, node: ir.Weighted, child: int) -> Term:
    """What the longest turn of the child costs it."""
    share = node.shares[child]
    return integer(_longest(arbitration, share.child) * share.scale)


def _prove_initial(
    arbitration: Arbitration, node: ir.Weighted, held: int, ledger: Ledger
) -> Unknown | None:
    state, free = initial_state(arbitration), free_state(arbitration, "")
    same = [free.v[node.index].equals(state.v[node.index])]
    same += [
        p.equals(p0) for p, p0 in zip(free.p[node.index], state.p[node.index], strict=True)
    ]
    return ledger.prove(
        "a weighted node starts level", same, _at_rest(arbitration, node, held, free)
    )


def _free_watch(node: ir.Weighted) -> _Watch:
    size = range(len(node.shares))
    return _Watch(
        variable("start"),
        variable("own"),
        tuple(variable(f"granted{k}", Sort.BOOL) for k in size),
        tuple(variable(f"total{k}") for k in size),
        tuple(variable(f"counted{k}") for k in size),
    )


def _in_wait(
    arbitration: Arbitration, node: ir.Weighted, held: int, state: State, watch: _Watch
) -> tuple[Term, ...]:
    n, zero = node.index, integer(0)
    v, p, seen = state.v[n], state.p[n], state.seen[n]
    lead = _turn_cost(arbitration, node, held) + watch.own
    facts = [
        v >= watch.start,
        p[held] <= watch.start + lead,
        any_of((seen[held], v.equals(watch.start))),
        watch.own >= zero,
        *(seen[k].implies(p[k] >= v) for k in range(len(p))),
    ]
    for k in range(len(p)):
        if k != held:
            paid = any_of(
                (watch.total[k] <= p[k] - watch.start, p[k] >= watch.start + CEILING)
            )
            granted = all_of((p[k] >= watch.start, watch.total[k] >= zero, paid))
            most = lead + _turn_cost(arbitration, node, k)
            facts += [watch.granted[k].implies(granted), watch.counted[k] <= most]
    return tuple(facts)


def _watch_turn(
    arbitration: Arbitration,
    queue: int,
    node: ir.Weighted,
    held: int,
    turn: Turn,
    draw: Draw,
    watch: _Watch,
) -> _Watch:
    child = next((k for m, k, _ in charges(arbitration.tree, turn.queue) if m == node.index), None)
    if child is None:
        return watch
    cost = draw.ran * integer(node.shares[child].scale)
    if child == held:
        own = watch.own + cost if turn.queue == queue else watch.own
        return _Watch(watch.start, own, watch.granted, watch.total, watch.counted)
    by_tree = turn.guard is None
    before = when(watch.granted[child], watch.total[child], integer(0))
    after = before + cost if by_tree else when(watch.granted[child], before + cost, before)
    return _Watch(
        watch.start,
        watch.own,
        _put(watch.granted, child, TRUE if by_tree else watch.granted[child]),
        _put(watch.total, child, after),
        _put(watch.counted, child, after) if by_tree else watch.counted,
    )


def _put(values: tuple[Term, ...], index: int, value: Term) -> tuple[Term, ...]:
    return (*values[:index], value, *values[index + 1 :])
