"""What the other children of a weighted node get while a queue of one of them waits.

Virtual time: every child's `p` grows with its service, the least p is served, and V follows. While
the queue waits, another child is served by the tree only while its p is not above the queue's; and
it started at V at least. So its service is bounded by the queue's own, scaled, and a turn of each.
The queue must be the one that its child serves first.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
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
    initial_state,
    placed_turns,
    put,
    runs,
    turns,
)
from schedlang.prover.solver import Ledger
from schedlang.prover.terms import (
    TRUE,
    Sort,
    Term,
    all_of,
    any_of,
    integer,
    negation,
    variable,
    when,
)
from schedlang.prover.trees import charges
from schedlang.prover.verdict import Unknown

CEILING = integer(ir.MAX_DEBT)
FAR_NS = ir.MAX_DEBT // 2
"""Where p is still far from saturating; `wait` rejects bounds that come near."""


@final
@dataclass(frozen=True, slots=True)
class Ahead:
    """What the tree serves while the queue waits and is served A: at most fixed + A * per_service,
    A included. The queues in `beside` share its weighted node.
    """

    fixed: Fraction
    per_service: Fraction
    beside: frozenset[int]


@final
@dataclass(frozen=True, slots=True)
class Place:
    """`queue` stands below child `held` of `node`."""

    arbitration: Arbitration
    queue: int
    node: ir.Weighted
    held: int

    def turn_ns(self, child: int) -> int:
        below = leaves(self.node.shares[child].child)
        return max(self.arbitration.max_turn_ns[leaf.queue] for leaf in below)

    def turn_cost(self, child: int) -> Term:
        """What the child's longest turn adds to its p."""
        return integer(self.turn_ns(child) * self.node.shares[child].scale)

    def others(self) -> tuple[int, ...]:
        return tuple(k for k in range(len(self.node.shares)) if k != self.held)

    def child_of(self, queue: int) -> int | None:
        above = charges(self.arbitration.tree, queue)
        return next((child for n, child, _ in above if n == self.node.index), None)


def prove_ahead(place: Place, ledger: Ledger) -> Ahead | Unknown:
    gap = _prove_start(place, ledger) or _prove_rest(place, ledger) or _prove_wait(place, ledger)
    if gap is not None:
        hint = "a guard on this queue would give a bound by itself"
        return Unknown(gap.reason, f"{gap.detail}; {hint}")
    shares = place.node.shares
    scale = shares[place.held].scale
    lead = place.turn_ns(place.held) * scale
    fixed, per_service = Fraction(0), Fraction(1)
    for k in place.others():
        fixed += Fraction(lead, shares[k].scale) + place.turn_ns(k)
        per_service += Fraction(scale, shares[k].scale)
    beside = frozenset(leaf.queue for leaf in leaves(place.node)) - {place.queue}
    return Ahead(fixed, per_service, beside)


def _at_rest(place: Place, state: State) -> tuple[Term, ...]:
    """At any time: children that were seen are not behind V, and the queue's is not far ahead."""
    v, p = state.v[place.node.index], state.p[place.node.index]
    seen = state.seen[place.node.index]
    together = [seen_k.implies(p_k >= v) for p_k, seen_k in zip(p, seen, strict=True)]
    return (*together, p[place.held] <= v + place.turn_cost(place.held))


def _prove_start(place: Place, ledger: Ledger) -> Unknown | None:
    n = place.node.index
    state, free = initial_state(place.arbitration), free_state(place.arbitration, "")
    same = [free.v[n].equals(state.v[n])]
    same += [p.equals(p0) for p, p0 in zip(free.p[n], state.p[n], strict=True)]
    return ledger.prove("a weighted node starts level", same, _at_rest(place, free))


def _prove_rest(place: Place, ledger: Ledger) -> Unknown | None:
    """`_at_rest` holds for ever, whoever is served."""
    arbitration = place.arbitration
    state, draw = free_state(arbitration, ""), free_draw(arbitration, "")
    named = [(_name(turn), turn) for turn in turns(arbitration, state, draw)]
    named += [
        (f"a placed turn of queue {turn.queue}", turn)
        for turn in placed_turns(arbitration, state, draw)
    ]
    for name, turn in named:
        gap = ledger.prove(
            f"{name} keeps the children of a weighted node together",
            (*runs(arbitration, turn, draw), *_at_rest(place, state)),
            _at_rest(place, turn.after),
        )
        if gap is not None:
            return gap
    return None


def _name(turn: Turn) -> str:
    by = "the tree" if turn.guard is None else f"guard {turn.guard}"
    return f"a turn of queue {turn.queue} by {by}"


@final
@dataclass(frozen=True, slots=True)
class _Watch:
    """What is noted during a wait, in units of the children's `p`.

    `start` is V when the wait began and `own` what the waiting queue got since. By child:
    `granted`, whether the tree has served it; `total`, all it got since the tree first did;
    `counted`, `total` as of the last time the tree did.
    """

    start: Term
    own: Term
    granted: tuple[Term, ...]
    total: tuple[Term, ...]
    counted: tuple[Term, ...]


def _prove_wait(place: Place, ledger: Ledger) -> Unknown | None:
    """`_in_wait` holds until the wait is over."""
    arbitration = place.arbitration
    state = free_state(arbitration, "")
    draw = free_draw(arbitration, "", occupied=place.queue)
    watch = _free_watch(place.node)
    for turn in turns(arbitration, state, draw):
        if _is_shadowed(place, turn):
            name = f"{_name(turn)} does not happen in the wait"
            gap = ledger.prove(name, draw.known, [negation(turn.condition)])
        else:
            after = _watch_turn(place, turn, draw, watch)
            near = after.own < integer(FAR_NS)
            gap = ledger.prove(
                f"{_name(turn)} keeps the wait at a weighted node short",
                (*runs(arbitration, turn, draw), *_in_wait(place, state, watch), near),
                _in_wait(place, turn.after, after),
            )
        if gap is not None:
            return gap
    return None


def _is_shadowed(place: Place, turn: Turn) -> bool:
    """By the tree, of a queue below the waiting one, or beside the whole node."""
    is_beside = place.child_of(turn.queue) in place.others()
    return turn.guard is None and turn.queue != place.queue and not is_beside


def _free_watch(node: ir.Weighted) -> _Watch:
    size = range(len(node.shares))
    return _Watch(
        variable("start"),
        variable("own"),
        tuple(variable(f"granted{k}", Sort.BOOL) for k in size),
        tuple(variable(f"total{k}") for k in size),
        tuple(variable(f"counted{k}") for k in size),
    )


def _in_wait(place: Place, state: State, watch: _Watch) -> tuple[Term, ...]:
    n, zero = place.node.index, integer(0)
    v, p, seen = state.v[n], state.p[n], state.seen[n]
    lead = place.turn_cost(place.held) + watch.own
    facts = [
        v >= watch.start,
        p[place.held] <= watch.start + lead,
        any_of((seen[place.held], v.equals(watch.start))),
        watch.own >= zero,
        *(seen_k.implies(p_k >= v) for p_k, seen_k in zip(p, seen, strict=True)),
    ]
    for k in place.others():
        saturated = p[k] >= watch.start + CEILING
        paid = any_of((watch.total[k] <= p[k] - watch.start, saturated))
        granted = all_of((p[k] >= watch.start, watch.total[k] >= zero, paid))
        facts.append(watch.granted[k].implies(granted))
        facts.append(watch.counted[k] <= lead + place.turn_cost(k))
    return tuple(facts)


def _watch_turn(place: Place, turn: Turn, draw: Draw, watch: _Watch) -> _Watch:
    child = place.child_of(turn.queue)
    if child is None:
        return watch
    cost = draw.ran * integer(place.node.shares[child].scale)
    if child == place.held:
        own = watch.own + cost if turn.queue == place.queue else watch.own
        return _Watch(watch.start, own, watch.granted, watch.total, watch.counted)
    granted = watch.granted[child]
    before = when(granted, watch.total[child], integer(0))
    if turn.guard is not None:
        after = when(granted, before + cost, before)
        total = put(watch.total, child, after)
        return _Watch(watch.start, watch.own, watch.granted, total, watch.counted)
    return _Watch(
        watch.start,
        watch.own,
        put(watch.granted, child, TRUE),
        put(watch.total, child, before + cost),
        put(watch.counted, child, before + cost),
    )
