"""Which constructs of the language a typed policy has, and choosing policies that have all pairs.

A construct is a kind of node of the typed policy that C is made of, or a value of an enumeration
in one: what the language gets anew is counted without a word here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from itertools import combinations

from schedlang.ir.nodes import Policy

# What a policy says that becomes no C, or that every policy has.
NO_CODE = frozenset({"goals", "accepts", "tests", "sources", "span", "documentation"})

Pair = tuple[str, str]


def constructs(policy: Policy) -> frozenset[str]:
    return frozenset(_constructs(policy))


def _constructs(node: object) -> Iterator[str]:
    if isinstance(node, Enum):
        yield f"{type(node).__name__} {node.value}"
    elif isinstance(node, tuple):
        for part in node:
            yield from _constructs(part)
    elif is_dataclass(node):
        yield type(node).__name__
        for field in fields(node):
            if field.name not in NO_CODE:
                yield from _constructs(getattr(node, field.name))


def pairs(found: frozenset[str]) -> Iterator[Pair]:
    return combinations(sorted(found), 2)


def covering(policies: Sequence[frozenset[str]], number: int, least: int) -> list[int]:
    """Which `number` of the policies to take, so that each pair is there `least` times if it can.

    The rarest pairs choose first.
    """
    holders: dict[Pair, list[int]] = {}
    for n, found in enumerate(policies):
        for pair in pairs(found):
            holders.setdefault(pair, []).append(n)
    taken: dict[int, None] = {}
    for pair in sorted(holders, key=lambda pair: (len(holders[pair]), pair)):
        have = sum(n in taken for n in holders[pair])
        new = [n for n in holders[pair] if n not in taken]
        taken |= dict.fromkeys(new[: max(0, least - have)])
    taken |= dict.fromkeys(range(len(policies)))
    return list(taken)[:number]


def coverage(policies: Sequence[frozenset[str]]) -> tuple[Counter[str], Counter[Pair]]:
    singles = Counter(name for found in policies for name in found)
    return singles, Counter(pair for found in policies for pair in pairs(found))
