"""How CPUs choose among layers: the trees, what is guarded in them, and who preempts. Pure.

A layer with CPUs of its own stands first there, behind layers that preempt. Whoever stands behind
others somewhere keeps the share that scx_layered gives its fallback.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

FALLBACK_PERCENT: Final = 5
PROGRESS: Final = "1ms"  # what a turn has done before it is cut

Weights = Mapping[str, int]
"""The queues in the order of the specification, and their weights."""


def choice(weights: Weights, first: Sequence[str], sets: Mapping[str, str]) -> Iterator[str]:
    """`first` are the queues that preempt; `sets` names the CPUs that a queue has for its own."""
    behind: set[str] = set()
    for queue, cpus in sets.items():
        levels = _levels(weights, first, queue)
        behind |= {name for level in levels[1:] for name in level}
        yield f"serve on {cpus} {_strict(levels, weights)}"
    levels = _levels(weights, first, None)
    behind |= {name for level in levels[1:] for name in level}
    yield f"serve {_strict(levels, weights)}"
    yield from (f"guard {name} at least {FALLBACK_PERCENT}%" for name in weights if name in behind)
    others = [name for name in weights if name not in first]
    if first and others:
        rules = (f"{a} over {b} after {PROGRESS}" for a in first for b in others)
        yield f"preempt {{ {' '.join(rules)} }}"


def _levels(weights: Weights, first: Sequence[str], owner: str | None) -> list[list[str]]:
    """Who goes before whom, on the CPUs of `owner` or on those that nobody owns."""
    before = [name for name in weights if name in first and name != owner]
    after = [name for name in weights if name not in first and name != owner]
    own = [owner] if owner is not None else []
    levels = [own, before, after] if owner in first else [before, own, after]
    return [level for level in levels if level]


def _strict(levels: list[list[str]], weights: Weights) -> str:
    trees = [_tree(level, weights) for level in levels]
    return trees[0] if len(trees) == 1 else f"strict {{ {' '.join(trees)} }}"


def _tree(names: list[str], weights: Weights) -> str:
    if len(names) == 1:
        return names[0]
    return f"weighted {{ {' '.join(f'{name}: {weights[name]}' for name in names)} }}"
