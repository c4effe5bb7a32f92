"""One CPU's arbitration as a transition relation, generated from the policy's guards and tree.

`turns` lists every way in which a CPU that chooses can serve a queue: the condition under which
the queue is chosen, and the state after its turn. What single operations do to the state is said
by the `rules`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar, assert_never, final

from schedlang.ir import nodes as ir
from schedlang.ir.walk import leaves
from schedlang.prover.rules import Rules
from schedlang.prover.terms import (
    FALSE,
    TRUE,
    Sort,
    Term,
    all_of,
    any_of,
    between,
    boolean,
    integer,
    negation,
    variable,
    when,
)
from schedlang.prover.trees import charges, widths
from schedlang.prover.verdict import Unknown

_T = TypeVar("_T")


@final
@dataclass(frozen=True, slots=True)
class Guarded:
    """A guard as numbers: `low` .. `high` is its delay in ns, or its share in percent. `name` is
    its queue's.
    """

    index: int
    queue: int
    is_share: bool
    low: int
    high: int
    name: str


@final
@dataclass(frozen=True, slots=True)
class Arbitration:
    """What all CPUs of a policy share. `max_turn_ns` is, by queue, the longest turn; `cut_ns`, by
    queue, for each queue how long its turns, or what is left of one, last at most while a task of
    the first one waits (empty: no turn is cut short); `cpus` names the set whose CPUs have this
    tree, None for all others; `charged`, by queue, are the weighted nodes that its turns are
    charged to (`trees.charges`).
    """

    rules: Rules
    tree: ir.Tree
    guards: tuple[Guarded, ...]
    max_turn_ns: tuple[int, ...]
    cut_ns: tuple[tuple[int, ...], ...] = ()
    cpus: str | None = None
    charged: tuple[tuple[tuple[int, int, int], ...], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        charged = tuple(charges(self.tree, queue) for queue in self.queues)
        object.__setattr__(self, "charged", charged)

    @property
    def queues(self) -> range:
        return range(len(self.max_turn_ns))

    def beside(self, queue: int) -> Arbitration:
        """With the turns that there are while a task of the queue waits."""
        return replace(self, max_turn_ns=self.cut_ns[queue], cut_ns=()) if self.cut_ns else self

    def located(self, gap: Unknown) -> Unknown:
        """It is about these CPUs."""
        where = "" if self.cpus is None else f"on the CPUs of `{self.cpus}`: "
        return replace(gap, detail=f"{where}{gap.detail}")

    def guards_of(self, queue: int) -> tuple[Guarded, ...]:
        return tuple(guard for guard in self.guards if guard.queue == queue)


@final
@dataclass(frozen=True, slots=True)
class State:
    """By guard `due`; by weighted node `v`, and by child of it `p` and `seen`."""

    now: Term
    due: tuple[Term, ...]
    v: tuple[Term, ...]
    p: tuple[tuple[Term, ...], ...]
    seen: tuple[tuple[Term, ...], ...]


@final
@dataclass(frozen=True, slots=True)
class Draw:
    """The adversary's part of one turn: which queues are non-empty here, how long the turn is, what
    the guards' delays and shares are now. `known` says what the variables can be.
    """

    occupied: tuple[Term, ...]
    ran: Term
    quantities: tuple[Term, ...]
    known: tuple[Term, ...]


@final
@dataclass(frozen=True, slots=True)
class Turn:
    """A turn of `queue`, chosen as overdue (`guard`) or by the tree (None), and its outcome."""

    queue: int
    guard: int | None
    condition: Term
    after: State


@final
@dataclass(frozen=True, slots=True)
class _Pick:
    queue: int
    condition: Term
    state: State


def free_state(arbitration: Arbitration, tag: str) -> State:
    """Any state at all."""
    sizes = widths(arbitration.tree)
    return State(
        now=variable(f"now{tag}"),
        due=tuple(variable(f"due{i}{tag}") for i in range(len(arbitration.guards))),
        v=tuple(variable(f"V{n}{tag}") for n in range(len(sizes))),
        p=tuple(tuple(variable(f"p{n}_{k}{tag}") for k in range(w)) for n, w in enumerate(sizes)),
        seen=tuple(
            tuple(variable(f"seen{n}_{k}{tag}", Sort.BOOL) for k in range(w))
            for n, w in enumerate(sizes)
        ),
    )


def free_draw(arbitration: Arbitration, tag: str, *, occupied: int | None = None) -> Draw:
    """Any draw; queue `occupied` is non-empty."""
    known: list[Term] = []
    quantities: list[Term] = []
    for guard in arbitration.guards:
        if guard.low == guard.high:
            quantities.append(integer(guard.low))
        else:
            quantities.append(variable(f"quantity{guard.index}{tag}"))
            known.append(between(guard.low, quantities[-1], guard.high))
    return Draw(
        tuple(
            TRUE if q == occupied else variable(f"occupied{q}{tag}", Sort.BOOL)
            for q in arbitration.queues
        ),
        variable(f"ran{tag}"),
        tuple(quantities),
        tuple(known),
    )


def turns(arbitration: Arbitration, state: State, draw: Draw) -> tuple[Turn, ...]:
    """Everything a CPU can do that chooses in `state`. Whoever takes a turn adds `draw.known`."""
    looked = _see_empty(arbitration, state, draw)
    overdue = [
        all_of((draw.occupied[g.queue], looked.due[g.index] <= state.now))
        for g in arbitration.guards
    ]
    picks: list[tuple[int | None, _Pick]] = [
        (g.index, _Pick(g.queue, _is_next(arbitration, looked, overdue, g.index), looked))
        for g in arbitration.guards
    ]
    none_overdue = negation(any_of(overdue))
    walked = _walk(arbitration.rules, arbitration.tree, looked, draw.occupied)
    picks += [(None, pick) for pick in _given(none_overdue, walked)]
    return tuple(_serve(arbitration, guard, pick, draw) for guard, pick in picks)


def placed_turns(arbitration: Arbitration, state: State, draw: Draw) -> tuple[Turn, ...]:
    """Everything an idle CPU can do that is claimed in `state` for a task."""
    walks = arbitration.rules.placed_turns_walk
    return _unchosen_turns(arbitration, state, draw, walks=walks)


def stolen_turns(arbitration: Arbitration, state: State, draw: Draw) -> tuple[Turn, ...]:
    """Everything a CPU can do that found all its queues empty in `state`, and takes a task from
    another instance. The nodes that it asked have seen their children empty."""
    walks = arbitration.rules.stolen_turns_walk
    if walks is None:
        return ()
    seen = tuple(
        tuple(all_of((negation(variable(f"asked{n}", Sort.BOOL)), seen_k)) for seen_k in seen)
        for n, seen in enumerate(state.seen)
    )
    return _unchosen_turns(arbitration, replace(state, seen=seen), draw, walks=walks)


def _unchosen_turns(
    arbitration: Arbitration, state: State, draw: Draw, *, walks: bool
) -> tuple[Turn, ...]:
    nothing = replace(draw, occupied=(FALSE,) * len(draw.occupied))
    looked = _see_empty(arbitration, state, nothing)
    served = []
    for queue in (leaf.queue for leaf in leaves(arbitration.tree)):
        alone = tuple(boolean(q == queue) for q in arbitration.queues)
        picks = _walk(arbitration.rules, arbitration.tree, looked, alone)
        pick = next(pick for pick in picks if pick.queue == queue)
        if not walks:
            pick = replace(pick, state=looked)
        served.append(_serve(arbitration, None, pick, draw))
    return tuple(served)


def _see_empty(arbitration: Arbitration, state: State, draw: Draw) -> State:
    due = list(state.due)
    for guard in arbitration.guards:
        rule = arbitration.rules.share_seen_empty
        seen = rule(due[guard.index], state.now)
        if not guard.is_share:
            seen = arbitration.rules.after_seen_empty(state.now, draw.quantities[guard.index])
        due[guard.index] = when(draw.occupied[guard.queue], due[guard.index], seen)
    return replace(state, due=tuple(due))


def _is_next(arbitration: Arbitration, state: State, overdue: Sequence[Term], index: int) -> Term:
    """Guard `index` is overdue and precedes every other overdue guard."""
    precedes = arbitration.rules.precedes
    return all_of(
        (
            overdue[index],
            *(
                overdue[other.index].implies(
                    precedes(state.due[index], index, state.due[other.index], other.index)
                )
                for other in arbitration.guards
                if other.index != index
            ),
        )
    )


def is_occupied(tree: ir.Tree, occupied: Sequence[Term]) -> Term:
    return any_of(occupied[leaf.queue] for leaf in leaves(tree))


def _walk(rules: Rules, tree: ir.Tree, state: State, occupied: Sequence[Term]) -> tuple[_Pick, ...]:
    match tree:
        case ir.Leaf(queue=queue):
            return (_Pick(queue, occupied[queue], state),)
        case ir.Strict(children=children):
            picks: list[_Pick] = []
            for i, child in enumerate(children):
                skipped = negation(any_of(is_occupied(c, occupied) for c in children[:i]))
                picks += _given(skipped, _walk(rules, child, state, occupied))
            return tuple(picks)
        case ir.Weighted():
            return _weigh(rules, tree, state, occupied)
        case _:
            assert_never(tree)


def _given(condition: Term, picks: Sequence[_Pick]) -> tuple[_Pick, ...]:
    return tuple(replace(pick, condition=all_of((condition, pick.condition))) for pick in picks)


def _weigh(
    rules: Rules, node: ir.Weighted, state: State, occupied: Sequence[Term]
) -> tuple[_Pick, ...]:
    n = node.index
    live = [is_occupied(share.child, occupied) for share in node.shares]
    p = [
        when(all_of((live[k], negation(state.seen[n][k]))), rules.rejoined(p_k, state.v[n]), p_k)
        for k, p_k in enumerate(state.p[n])
    ]
    looked = replace(state, p=put(state.p, n, tuple(p)), seen=put(state.seen, n, tuple(live)))
    picks: list[_Pick] = []
    for k, share in enumerate(node.shares):
        chosen = all_of(
            live[j].implies(rules.lighter(p[k], k, p[j], j)) for j in range(len(p)) if j != k
        )
        after = replace(looked, v=put(looked.v, n, rules.advanced(state.v[n], p[k])))
        picks += _given(chosen, _walk(rules, share.child, after, occupied))
    return tuple(picks)


def put(values: tuple[_T, ...], index: int, value: _T) -> tuple[_T, ...]:
    return (*values[:index], value, *values[index + 1 :])


def _serve(arbitration: Arbitration, guard: int | None, pick: _Pick, draw: Draw) -> Turn:
    """Start the chosen queue's turn, let it run, settle."""
    rules, state = arbitration.rules, pick.state
    end = state.now + draw.ran
    due = list(state.due)
    for own in arbitration.guards_of(pick.queue):
        i = own.index
        if own.is_share:
            started = rules.share_started(due[i], state.now)
            due[i] = rules.share_settled(started, share_cost(draw.ran, draw.quantities[i]))
        else:
            due[i] = rules.after_settled(end, draw.quantities[i])
    p = state.p
    for node, child, scale in arbitration.charged[pick.queue]:
        cost = draw.ran * integer(scale)
        p = put(p, node, put(p[node], child, rules.charged(p[node][child], cost, state.v[node])))
    after = State(end, tuple(due), state.v, p, state.seen)
    return Turn(pick.queue, guard, pick.condition, after)


def share_cost(ran: Term, percent: Term) -> Term:
    """ceil(ran * 100 / percent)"""
    return (ran * integer(100) + percent - integer(1)) // percent


def runs(arbitration: Arbitration, turn: Turn, draw: Draw) -> tuple[Term, ...]:
    """The turn is taken, and its length is one that it can have."""
    length = between(1, draw.ran, arbitration.max_turn_ns[turn.queue])
    return (*draw.known, length, turn.condition)


def initial_state(arbitration: Arbitration) -> State:
    """A CPU at time 0 that leaves idleness for the first time, and sees all queues empty."""
    sizes, zero = widths(arbitration.tree), integer(0)
    return State(
        zero,
        tuple(zero if g.is_share else integer(g.low) for g in arbitration.guards),
        tuple(zero for _ in sizes),
        tuple((zero,) * size for size in sizes),
        tuple((boolean(False),) * size for size in sizes),
    )
