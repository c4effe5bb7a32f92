"""Which terminals can follow where the parser stopped.

LALR tables alone promise too much: a state's reductions are allowed before words that no context of
this place accepts. So every reduction is followed until the word itself is taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from lark import UnexpectedCharacters, UnexpectedToken
from lark.grammar import Rule

Actions: TypeAlias = Mapping[str, tuple[object, int | Rule]]
Table: TypeAlias = Mapping[int, Actions]


def acceptable(problem: UnexpectedToken | UnexpectedCharacters) -> frozenset[str]:
    """The terminals with which the text could go on."""
    parser = problem.interactive_parser.parser_state
    stack: Sequence[int] = parser.state_stack
    table: Table = parser.parse_conf.states
    terminals = (symbol for symbol in table[stack[-1]] if symbol.isupper())
    end: int = parser.parse_conf.end_state
    return frozenset(t for t in terminals if _is_taken(t, stack, table, end))


def _is_taken(terminal: str, stack: Sequence[int], table: Table, end: int) -> bool:
    # The stack can be as long as the text, so it is not copied: `kept` of it and `pushed` on top.
    kept, pushed = len(stack), list[int]()
    while action := table[pushed[-1] if pushed else stack[kept - 1]].get(terminal):
        target = action[1]
        if not isinstance(target, Rule):
            return True
        size = len(target.expansion)
        popped = min(size, len(pushed))
        del pushed[len(pushed) - popped :]
        kept -= size - popped
        goto = table[pushed[-1] if pushed else stack[kept - 1]][target.origin.name][1]
        assert isinstance(goto, int)
        pushed.append(goto)
        if goto == end:
            return True
    return False
