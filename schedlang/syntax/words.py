"""The language's words, and what the parser expected said in the reader's words."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Set as AbstractSet

DECLARATIONS = (
    "use",
    "param",
    "cpuset",
    "fn",
    "task",
    "order",
    "queue",
    "route",
    "serve",
    "tree",
    "guard",
    "preempt",
    "place",
    "ladder",
    "guarantee",
    "accept",
    "test",
)
LATER = {
    "tunable": "CPU sets that change while loaded",
}
"""Words that the language keeps for what a later version will say with them."""
LATER_DECLARATIONS: tuple[str, ...] = ()

_KEYWORDS = (
    *("policy", "library", "on", "if", "then", "else", "and", "or", "not", "in", "key", "slice"),
    *("after", "global", "strict", "weighted", "when", "true", "false", "cgroup", "under"),
    *("per", "over"),
)
RESERVED = frozenset(_KEYWORDS + DECLARATIONS + LATER_DECLARATIONS)
"""Words that can never be names."""

FIXED = {
    "LBRACE": "{",
    "RBRACE": "}",
    "LPAR": "(",
    "RPAR": ")",
    "COLON": ":",
    "COMMA": ",",
    "EQUAL": "=",
    "DOT": ".",
    "DOTS": "..",
    "TILDE": "~",
    "ARROW": "->",
    "PLUS": "+",
    "MINUS": "-",
    "STAR": "*",
    "SLASH": "/",
    "LESSTHAN": "<",
    "MORETHAN": ">",
    "AT_MOST": "<=",
    "AT_LEAST": ">=",
    "EQUALS": "==",
    "DIFFERS": "!=",
}
"""The text of every terminal that is a sign."""
OPEN = {
    "NAME": "a name",
    "INT": "a whole number",
    "DURATION": "a duration such as `4ms`",
    "PERCENT": "a percentage such as `10%`",
    "STRING": 'a text in double quotes such as `"nginx*"`',
    "CLAIM": "a claim such as `starvation_free`",
    "STATISTIC": "`p50`, `p99` or `max`",
    "$END": "the end of the file",
}
"""What the terminals stand for that have more than one text."""

CLAIMS = ("starvation_free", "work_conserving", "no_lost_task", "bounded_preemption")
FORMS = {
    "policy": "`policy NAME`",
    "use": "`use std.orders.{NAME, ...}`",
    "param": "`param NAME : TYPE = VALUE in LEAST..GREATEST`",
    "cpuset": "`cpuset NAME = 0-3, 6`",
    "fn": "`fn NAME(ARGUMENT : TYPE, ...) = VALUE`",
    "task": "`task { STATE : TYPE = VALUE  on EVENT { STATE = VALUE } }`",
    "on": "`on EVENT if CONDITION { STATE = VALUE ... }`",
    "key": "`order NAME { STATE : TYPE = VALUE  on EVENT { STATE = VALUE }  key VALUE }`",
    "order": "`order NAME(ARGUMENT: VALUE, ...)`",
    "queue": "`queue NAME { global  order ORDER  slice DURATION }`",
    "slice": "`slice DURATION`",
    "frequency": "`frequency max` or `frequency min`",
    "per": "`per llc`, `per node` or `per cpu`",
    "route": "`route { CONDITION -> QUEUE  else -> QUEUE }`",
    "serve": "`serve strict { QUEUE QUEUE }` or `serve on SET strict { QUEUE QUEUE }`",
    "strict": "`strict { QUEUE QUEUE }`",
    "weighted": "`weighted { QUEUE: NUMBER  QUEUE: NUMBER }`",
    "tree": "`tree NAME(QUEUE, QUEUE) = strict { QUEUE QUEUE }`",
    "guard": "`guard QUEUE after DURATION` or `guard QUEUE at least PERCENTAGE`",
    "preempt": "`preempt { QUEUE over QUEUE after DURATION }`",
    "over": "`QUEUE over QUEUE after DURATION`",
    "place": "`place { prev  core in llc  cpu in any }` or `place LADDER`",
    "ladder": "`ladder NAME { prev  core in llc  cpu in any }`",
    "guarantee": "`guarantee { CLAIM ... }`",
    "wait": "`wait(QUEUE) <= DURATION when CONDITION`",
    "share": "`share(QUEUE) >= PERCENTAGE when CONDITION`",
    "fair": "`fair(QUEUE, QUEUE) within DURATION when CONDITION`",
    "within": "`fair(QUEUE, QUEUE) within DURATION`",
    "when": "`when CONDITION and CONDITION`",
    "tasks": "`tasks(QUEUE) <= NUMBER`",
    "backlogged": "`backlogged(QUEUE)`",
    "tick": "`tick <= DURATION`",
    "cpus": "`cpus <= NUMBER`",
    "accept": '`accept starvation of QUEUE because "REASON"`',
    "test": '`test "WHAT IT SHOWS" { machine 2 cpus  spawn ...  run 2s  expect ... }`',
    "machine": "`machine 4 cpus 2 llcs 1 nodes smt 2`",
    "set": "`set PARAM = VALUE`",
    "spawn": '`spawn 4 hog as "make"` or `spawn 2 sleeper as "nginx" runs 300us every 5ms`',
    "expect": '`expect p99 wait "nginx" < 4ms` or `expect share "make" > 60%`',
    "waker": "`waker.STATE`",
    "if": "`if CONDITION then VALUE else VALUE`",
    "else": "`else -> QUEUE`",
}
"""How the construct is written that a word begins."""

_ARITHMETIC = ("PLUS", "MINUS", "STAR", "SLASH")
_COMPARISON = ("LESSTHAN", "MORETHAN", "AT_MOST", "AT_LEAST", "EQUALS", "DIFFERS")
OPERATORS = frozenset((*_ARITHMETIC, *_COMPARISON, "AND", "OR"))
OPERANDS = frozenset(
    ("IF", "NOT", "CGROUP", "INT", "MINUS", "DURATION", "PERCENT", "TRUE", "FALSE", "LPAR", "WAKER")
)
_DECLARATION_TERMINALS = frozenset(word.upper() for word in DECLARATIONS)


def written(terminal: str) -> str | None:
    """The one text of a terminal, if it has only one."""
    return None if terminal in OPEN else FIXED.get(terminal, terminal.lower())


def expectation(terminals: AbstractSet[str]) -> str:
    """What may stand at a place, as a phrase: "a name or `{`". Never a terminal's own name."""
    left = set(terminals)
    phrases: list[str] = []
    if "NAME" in left:
        left -= {"CLAIM", "WAIT", "SHARE", "FAIR"}
    if "POLICY" in left:
        left -= {"LIBRARY"}
    if len(left & OPERANDS) > 4:
        phrases.append("an expression")
        left -= OPERANDS | {"NAME", "STRING"}
    if len(left & OPERATORS) > 2:
        phrases.append("an operator")
        left -= OPERATORS | {"TILDE", "LPAR"}
    if len(left & _DECLARATION_TERMINALS) > 4:
        phrases.append("a declaration such as `queue` or `route`")
        left -= _DECLARATION_TERMINALS | {"$END"}
    return _either(phrases + sorted(map(_phrase, left)))


def _phrase(terminal: str) -> str:
    return OPEN.get(terminal) or f"`{written(terminal)}`"


def _either(phrases: Collection[str]) -> str:
    *most, last = phrases or ("something else",)
    return f"{', '.join(most)} or {last}" if most else last
