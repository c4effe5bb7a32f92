"""What the other children of a weighted node get while a queue below one of them waits.

Virtual time: every child's `p` grows with its service, the least p is served, and V follows. While
a child is never empty, another is served by the tree only while its p is not above that child's;
and it started at V at least. So its service is bounded by the waiting child's own, scaled, and a
turn of each. The waiting child must have no guards below it: they would put its p ahead of V.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

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
    stolen_turns,
    turns,
)
from schedlang.prover.roles import CHOICE, FIRST, LEAVES, SECOND, THIRD, child_roles
from schedlang.prover.rules import Rules
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
from schedlang.prover.verdict import Unknown

FAR = 2**59
"""Where p is still far from its limit (`nodes.MAX_DEBT`); `service` rejects bounds beyond."""
CEILING = integer(2 * FAR)
ZERO = integer(0)


@final
@dataclass(frozen=True, slots=True)
class Node:
    """A weighted node in an arbitration. `queue`, below the child `held`, is what the lemmas keep
    non-empty; `level` are the children that no guard serves; `longest` is, by child, the most that
    one turn adds to its p.
    """

    arbitration: Arbitration
    index: int
    queue: int
    held: int
    level: frozenset[int]
    longest: tuple[Term, ...]

    @property
    def children(self) -> range:
        return range(len(self.longest))

    @property
    def others(self) -> tuple[int, ...]:
        return tuple(k for k in self.children if k != self.held)

    @property
    def known(self) -> tuple[Term, ...]:
        return tuple(longest >= integer(1) for longest in self.longest)

    def charge(self, queue: int, ran: Term) -> tuple[int, Term] | None:
        """The child that holds the queue, and what a turn of it costs; None if none does."""
        return next(
            (
                (child, ran * integer(scale))
                for n, child, scale in self.arbitration.charged[queue]
                if n == self.index
            ),
            None,
        )

    def taken(self, turn: Turn, draw: Draw) -> tuple[Term, ...]:
        """The turn is taken, and costs no more than one can."""
        facts = [*draw.known, *self.known, turn.condition, draw.ran >= integer(1)]
        charge = self.charge(turn.queue, draw.ran)
        if charge is not None:
            child, cost = charge
            facts.append(cost <= self.longest[child])
        return tuple(facts)


def role_node(rules: Rules, guarded: tuple[int, ...]) -> Node:
    """Any three children of any weighted node; those that are `guarded` may have guards."""
    longest = tuple(variable(f"longest{k}") for k in range(len(LEAVES)))
    level = frozenset((FIRST, SECOND, THIRD)) - frozenset(guarded)
    return Node(child_roles(rules, guarded), CHOICE.index, FIRST, FIRST, level, longest)


def prove_together(node: Node, ledger: Ledger) -> Unknown | None:
    """`at_rest` holds at any time."""
    return _prove_start(node, ledger) or _prove_rest(node, ledger)


def at_rest(node: Node, state: State) -> tuple[Term, ...]:
    """Children that were seen are not behind V, and those without guards not far ahead of it."""
    v, p, seen = state.v[node.index], state.p[node.index], state.seen[node.index]
    together = [seen_k.implies(p_k >= v) for p_k, seen_k in zip(p, seen, strict=True)]
    return (*together, *(p[k] <= v + node.longest[k] for k in sorted(node.level)))


def _prove_start(node: Node, ledger: Ledger) -> Unknown | None:
    n = node.index
    state, free = initial_state(node.arbitration), free_state(node.arbitration, "")
    same = [free.v[n].equals(state.v[n])]
    same += [p.equals(p0) for p, p0 in zip(free.p[n], state.p[n], strict=True)]
    return ledger.prove("a weighted node starts level", (*node.known, *same), at_rest(node, free))


def _prove_rest(node: Node, ledger: Ledger) -> Unknown | None:
    arbitration = node.arbitration
    state, draw = free_state(arbitration, ""), free_draw(arbitration, "")
    for name, turn in any_turns(node, state, draw):
        gap = ledger.prove(
            f"{name} keeps the children of a weighted node together",
            (*node.taken(turn, draw), *at_rest(node, state)),
            at_rest(node, turn.after),
        )
        if gap is not None:
            return gap
    return None


def any_turns(node: Node, state: State, draw: Draw) -> Iterator[tuple[str, Turn]]:
    """Everything a CPU can do, each with its name: choose, start a task that was placed, steal."""
    for turn in turns(node.arbitration, state, draw):
        yield name_of(node, turn), turn
    for turn in placed_turns(node.arbitration, state, draw):
        yield f"a placed turn of {_child(node, turn)}", turn
    for turn in stolen_turns(node.arbitration, state, draw):
        yield f"a stolen turn of {_child(node, turn)}", turn


def name_of(node: Node, turn: Turn) -> str:
    by = "the tree" if turn.guard is None else "a guard"
    return f"a turn of {_child(node, turn)} by {by}"


def _child(node: Node, turn: Turn) -> str:
    charge = node.charge(turn.queue, ZERO)
    if charge is None:
        return f"queue {turn.queue} elsewhere"
    return "the waiting child" if charge[0] == node.held else f"child {charge[0]}"


@final
@dataclass(frozen=True, slots=True)
class _Watch:
    """What is noted during a wait, in units of the children's `p`.

    `start` is V when the wait began and `own` what the waiting child got since. By child:
    `granted`, whether the tree has served it; `total`, all it got since the tree first did;
    `counted`, `total` as of the last time the tree did.
    """

    start: Term
    own: Term
    granted: tuple[Term, ...]
    total: tuple[Term, ...]
    counted: tuple[Term, ...]


def prove_wait(node: Node, ledger: Ledger) -> Unknown | None:
    """While `held` waits and gets `own`, the tree serves another child k at most

    longest[held] + own + longest[k],

    and what guards serve between two of the tree's turns is counted in that; so is what is left of
    a turn of child k that goes on when the wait begins, unless a guard serves it.
    """
    arbitration = node.arbitration
    state = free_state(arbitration, "")
    draw = free_draw(arbitration, "", occupied=node.queue)
    watch = _free_watch(node)
    gap = _prove_beginning(node, state, watch, ledger)
    if gap is not None:
        return gap
    for turn in turns(arbitration, state, draw):
        after = _watch_turn(node, turn, draw, watch)
        near = node.longest[node.held] + after.own < integer(FAR)
        gap = ledger.prove(
            f"{name_of(node, turn)} keeps the wait at a weighted node short",
            (*node.taken(turn, draw), *_in_wait(node, state, watch), near),
            _in_wait(node, turn.after, after),
        )
        if gap is not None:
            return gap
    return prove_running(node, ledger)


def prove_running(node: Node, ledger: Ledger) -> Unknown | None:
    """A turn of another child that goes on when the wait begins is one that was granted, whether
    its task was chosen, placed or stolen: at its end, what is left of it may have been counted.
    """
    state, draw = free_state(node.arbitration, ""), free_draw(node.arbitration, "")
    watch = _free_watch(node)
    for name, turn in any_turns(node, state, draw):
        charge = node.charge(turn.queue, draw.ran)
        if charge is None or charge[0] == node.held or turn.guard is not None:
            continue
        child, cost = charge
        left = watch.total[child]
        counted = [left if k == child else ZERO for k in node.children]
        noted = _noted(watch, turn.after.v[node.index], frozenset((child,)), tuple(counted))
        # The turn may be longer than those that start in the wait; what is left of it is not.
        taken = (*draw.known, *node.known, turn.condition, draw.ran >= integer(1))
        is_left = (left >= ZERO, left <= cost, left <= node.longest[child])
        hypotheses = (*taken, *at_rest(node, state), *is_left)
        gap = ledger.prove(
            f"{name} counts in a wait that begins meanwhile",
            (*hypotheses, *noted),
            _in_wait(node, turn.after, watch),
        )
        if gap is not None:
            return gap
    return None


def _prove_beginning(node: Node, state: State, watch: _Watch, ledger: Ledger) -> Unknown | None:
    zeros = tuple(ZERO for _ in node.children)
    nothing = _noted(watch, state.v[node.index], frozenset(), zeros)
    hypotheses = (*node.known, *at_rest(node, state), *nothing)
    return ledger.prove(
        "a wait at a weighted node begins level", hypotheses, _in_wait(node, state, watch)
    )


def _noted(
    watch: _Watch, v: Term, granted: frozenset[int], counted: tuple[Term, ...]
) -> tuple[Term, ...]:
    """What is noted when the wait begins."""
    return (
        watch.start.equals(v),
        watch.own.equals(ZERO),
        *(g if k in granted else negation(g) for k, g in enumerate(watch.granted)),
        *(noted.equals(count) for noted, count in zip(watch.counted, counted, strict=True)),
    )


def _free_watch(node: Node) -> _Watch:
    return _Watch(
        variable("start"),
        variable("own"),
        tuple(variable(f"granted{k}", Sort.BOOL) for k in node.children),
        tuple(variable(f"total{k}") for k in node.children),
        tuple(variable(f"counted{k}") for k in node.children),
    )


def _in_wait(node: Node, state: State, watch: _Watch) -> tuple[Term, ...]:
    n = node.index
    v, p, seen = state.v[n], state.p[n], state.seen[n]
    lead = node.longest[node.held] + watch.own
    facts = [
        v >= watch.start,
        p[node.held] <= watch.start + lead,
        any_of((seen[node.held], v.equals(watch.start))),
        watch.own >= ZERO,
        *(seen_k.implies(p_k >= v) for p_k, seen_k in zip(p, seen, strict=True)),
    ]
    for k in node.others:
        saturated = p[k] >= watch.start + CEILING
        paid = any_of((watch.total[k] <= p[k] - watch.start, saturated))
        granted = all_of((p[k] >= watch.start, watch.total[k] >= ZERO, paid))
        facts.append(watch.granted[k].implies(granted))
        facts.append(watch.counted[k] <= lead + node.longest[k])
    return tuple(facts)


def _watch_turn(node: Node, turn: Turn, draw: Draw, watch: _Watch) -> _Watch:
    charge = node.charge(turn.queue, draw.ran)
    if charge is None:
        return watch
    child, cost = charge
    if child == node.held:
        own = watch.own + cost
        return _Watch(watch.start, own, watch.granted, watch.total, watch.counted)
    granted = watch.granted[child]
    before = when(granted, watch.total[child], ZERO)
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
