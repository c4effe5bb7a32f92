"""Which queue a CPU serves: guards, the tree, and what each CPU remembers of its service."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never, final

from schedlang.ir.nodes import Guard, GuardAfter, GuardShare, Leaf, Policy, Strict, Tree, Weighted
from schedlang.ir.walk import leaves
from schedlang_bpf.code import Code
from schedlang_bpf.expressions import c_expression, c_operand
from schedlang_bpf.naming import Names
from schedlang_bpf.text import c_constants, comment_text, place_text
from schedlang_bpf.views import (
    Child,
    ChoiceView,
    CpuStateView,
    Grant,
    GrantStep,
    GuardName,
    Line,
    Node,
    QueueCase,
    WeightedState,
)
from schedlang_bpf.walk import weighted_nodes


@final
@dataclass(frozen=True, slots=True)
class Above:
    """A weighted node above a queue, and which of its children holds the queue."""

    node: Weighted
    child: int


def uses_cpu_state(policy: Policy) -> bool:
    """Whether anything is kept of the turns that a CPU runs."""
    confines = any(queue.cpus is not None for queue in policy.queues)
    return settles(policy) or confines or bool(policy.preemptions or policy.serves_on)


def settles(policy: Policy) -> bool:
    """Whether choices depend on the service that was given before."""
    return bool(policy.guards or all_weighted(policy))


def all_weighted(policy: Policy) -> tuple[Weighted, ...]:
    """The weighted nodes of all trees, by their numbers."""
    return tuple(node for serve in policy.serves for node in weighted_nodes(serve.tree))


def cpu_state_view(policy: Policy, names: Names) -> CpuStateView:
    return CpuStateView(
        cpu=uses_cpu_state(policy),
        settles=settles(policy),
        preempts=bool(policy.preemptions),
        guards=guard_names(policy, names),
        weighted=tuple(
            WeightedState(
                member=_member(node),
                place=place_text(node.span, policy.sources),
                text=node_text(node, policy),
                children=len(node.shares),
            )
            for node in all_weighted(policy)
        ),
        trees=tuple(names.set_ids[s.cpus] for s in policy.serves_on if s.cpus is not None),
    )


def guard_names(policy: Policy, names: Names) -> tuple[GuardName, ...]:
    constants = c_constants((_guard_name(guard, policy) for guard in policy.guards), "GUARD")
    return tuple(
        GuardName(
            constant=constant,
            queue=names.queue_ids[guard.queue],
            place=place_text(guard.span, policy.sources),
            text=_guard_text(guard, policy),
        )
        for constant, guard in zip(constants, policy.guards, strict=True)
    )


def _guard_name(guard: Guard, policy: Policy) -> str:
    kind = "after" if isinstance(guard, GuardAfter) else "share"
    return f"{policy.queues[guard.queue].name}_{kind}"


def _guard_text(guard: Guard, policy: Policy) -> str:
    kind = "after" if isinstance(guard, GuardAfter) else "at least"
    return f"guard {comment_text(policy.queues[guard.queue].name)} {kind}"


def choice_view(policy: Policy, names: Names) -> ChoiceView:
    return ChoiceView(
        cpu=uses_cpu_state(policy),
        charges=tuple(_charges(policy, names)),
        guards=guard_names(policy, names),
        empty_lines=_empty(policy, names),
        nodes=tuple(node for nodes in _all_nodes(policy, names) for node in nodes),
        trees=_trees(policy, names) if policy.serves_on else (),
        root=root_call(policy, names, "waiting"),
        grants=tuple(_grants(policy, names)),
    )


def _charges(policy: Policy, names: Names) -> Iterator[QueueCase]:
    for queue, constant in enumerate(names.queue_ids):
        code = Code(policy.sources)
        for guard, name in zip(policy.guards, guard_names(policy, names), strict=True):
            if guard.queue == queue:
                code.at(guard.span, f"\t\t{_served(guard, name.constant, names)}")
        for number, serve in enumerate(policy.serves):
            for above in weighted_above(serve.tree, queue):
                if policy.serves_on:
                    code.at(above.node.span, f"\t\tif (c->tree == {number})")
                indent = "\t" * (3 if policy.serves_on else 2)
                code.at(above.node.span, f"{indent}{_charge(above)}")
        if code.lines():
            code.own("\t\tbreak;")
            yield QueueCase(constant, code.lines())


def _charge(above: Above) -> str:
    member, share = f"c->{_member(above.node)}", above.node.shares[above.child]
    served = f"&{member}.served[{above.child}], {member}.now"
    return f"charge({served}, ran, {share.scale}ULL);"


def _served(guard: Guard, constant: str, names: Names) -> str:
    match guard:
        case GuardAfter():
            delay = c_operand(guard.delay, names.task_scope())
            return f"c->due[{constant}] = now + {delay};"
        case GuardShare():
            share = c_expression(guard.share, names.task_scope())
            return f"c->due[{constant}] += share_cost(ran, {share});"
        case _:
            assert_never(guard)


def _empty(policy: Policy, names: Names) -> tuple[Line, ...]:
    code = Code(policy.sources)
    for guard, name in zip(policy.guards, guard_names(policy, names), strict=True):
        code.at(guard.span, f"\tif (!(waiting & BIT({name.queue})))")
        match guard:
            case GuardAfter():
                code.at(guard.span, f"\t\t{_served(guard, name.constant, names)}")
            case GuardShare():
                due = f"c->due[{name.constant}]"
                code.at(guard.span, f"\t\t{due} = point_max({due}, now);")
            case _:
                assert_never(guard)
    return code.lines()


def weighted_above(tree: Tree, queue: int) -> tuple[Above, ...]:
    """The weighted nodes on the way from the root to `queue`, outermost first."""
    match tree:
        case Leaf():
            return ()
        case Strict():
            return next(weighted_above(c, queue) for c in tree.children if _holds(c, queue))
        case Weighted():
            number = next(i for i, s in enumerate(tree.shares) if _holds(s.child, queue))
            return (Above(tree, number), *weighted_above(tree.shares[number].child, queue))
        case _:
            assert_never(tree)


def _holds(tree: Tree, queue: int) -> bool:
    return any(leaf.queue == queue for leaf in leaves(tree))


class _Numbers:
    """Numbers the strict nodes in the order in which they are written out."""

    def __init__(self) -> None:
        self._strict = 0

    def name(self, node: Strict | Weighted) -> str:
        if isinstance(node, Weighted):
            return f"choose_{_member(node)}"
        self._strict += 1
        return f"choose_strict_{self._strict - 1}"


def _nodes(tree: Tree, policy: Policy, names: Names, numbers: _Numbers) -> Iterator[Node]:
    """The functions of a tree's inner nodes, children before their parents."""
    if isinstance(tree, Leaf):
        return
    children: list[Child] = []
    for child in _children(tree):
        below = tuple(_nodes(child, policy, names, numbers))
        yield from below
        children.append(Child(_mask(child, names), _choice(child, below, names)))
    yield Node(
        place=place_text(tree.span, policy.sources),
        text=node_text(tree, policy),
        linkage="__global" if isinstance(tree, Weighted) else "static __always_inline",
        function=numbers.name(tree),
        parameters=_parameters(tree),
        weighted=_member(tree) if isinstance(tree, Weighted) else "",
        children=tuple(children),
    )


def _parameters(tree: Strict | Weighted) -> str:
    if isinstance(tree, Weighted):
        return "struct cpu_ctx *c __arg_nonnull, u64 waiting"
    return "struct cpu_ctx *c, u64 waiting" if _uses_c(tree) else "u64 waiting"


def _children(tree: Strict | Weighted) -> tuple[Tree, ...]:
    if isinstance(tree, Strict):
        return tree.children
    return tuple(share.child for share in tree.shares)


def _uses_c(tree: Tree) -> bool:
    return bool(weighted_nodes(tree))


def _mask(tree: Tree, names: Names) -> str:
    return mask_of((leaf.queue for leaf in leaves(tree)), names)


def mask_of(queues: Iterator[int], names: Names) -> str:
    """Queues as bits, fit to stand beside any operator."""
    bits = [f"BIT({names.queue_ids[queue]})" for queue in queues]
    return bits[0] if len(bits) == 1 else f"({' | '.join(bits)})"


def _choice(tree: Tree, below: tuple[Node, ...], names: Names) -> str:
    if isinstance(tree, Leaf):
        return names.queue_ids[tree.queue]
    return _call(below[-1].function, tree, "waiting")


def _call(function: str, tree: Tree, waiting: str) -> str:
    return f"{function}(c, {waiting})" if _uses_c(tree) else f"{function}({waiting})"


def root_call(policy: Policy, names: Names, waiting: str) -> str:
    """The choice by the tree among the queues `waiting`."""
    if policy.serves_on:
        return f"choose_by_tree(c, {waiting})"
    return _root(policy.serve, _all_nodes(policy, names)[-1], names, waiting)


def _root(tree: Tree, nodes: tuple[Node, ...], names: Names, waiting: str) -> str:
    if isinstance(tree, Leaf):
        return f"({waiting}) ? {names.queue_ids[tree.queue]} : NO_QUEUE"
    return _call(nodes[-1].function, tree, waiting)


def _all_nodes(policy: Policy, names: Names) -> tuple[tuple[Node, ...], ...]:
    """By tree, the functions of its inner nodes."""
    numbers = _Numbers()
    return tuple(tuple(_nodes(s.tree, policy, names, numbers)) for s in policy.serves)


def _trees(policy: Policy, names: Names) -> tuple[str, ...]:
    """What the root of each tree chooses."""
    nodes = _all_nodes(policy, names)
    return tuple(
        _root(serve.tree, nodes[number], names, "waiting")
        for number, serve in enumerate(policy.serves)
    )


def _grants(policy: Policy, names: Names) -> Iterator[Grant]:
    for queue, constant in enumerate(names.queue_ids):
        steps = tuple(
            GrantStep(_member(above.node), above.child, number if policy.serves_on else None)
            for number, serve in enumerate(policy.serves)
            for above in weighted_above(serve.tree, queue)
        )
        if steps:
            yield Grant(constant, steps)


def _member(node: Weighted) -> str:
    return f"weighted_{node.index}"


def node_text(tree: Tree, policy: Policy) -> str:
    """The node as the policy writes it, without what lies deeper."""
    match tree:
        case Leaf():
            return comment_text(policy.queues[tree.queue].name)
        case Strict():
            inner = " ".join(_child_text(child, policy) for child in tree.children)
            return f"strict {{ {inner} }}"
        case Weighted():
            inner = " ".join(f"{_child_text(s.child, policy)}: {s.weight}" for s in tree.shares)
            return f"weighted {{ {inner} }}"
        case _:
            assert_never(tree)


def _child_text(tree: Tree, policy: Policy) -> str:
    match tree:
        case Leaf():
            return comment_text(policy.queues[tree.queue].name)
        case Strict():
            return "strict { .. }"
        case Weighted():
            return "weighted { .. }"
        case _:
            assert_never(tree)
