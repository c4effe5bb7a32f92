"""Slips in the structure, and the order in which slips are looked for.

A recogniser returns None if the slip is not its own; the first that recognises it speaks. An edit
is a proposal: `parse` offers it only if the text can be read further with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from schedlang.diagnostics.suggest import did_you_mean
from schedlang.syntax import spelling
from schedlang.syntax.stumble import Slip, Stumble
from schedlang.syntax.words import CLAIMS, DECLARATIONS, FIXED, OPEN, written


def _equals(at: Stumble) -> Slip | None:
    """`=`, `==`, `:` and `->` in each other's place."""
    if at.word == "==" and "EQUAL" in at.expected:
        return Slip("`==` compares, a value is given with `=`", repair=at.replace("="))
    if at.word not in ("=", ":", "->"):
        return None
    if at.word == "=" and at.wants_operator:
        if re.match(r'=\s*"', at.ahead):
            return Slip("text is matched with `~`", repair=at.replace("~"))
        return Slip("`=` gives a value, comparison is `==`", repair=at.replace("=="))
    if at.word == "->" and "EQUAL" in at.expected:
        return Slip("the type of a function is not written", "expected `=`")
    wanted = [t for t in ("COLON", "EQUAL", "ARROW") if t in at.expected]
    if len(wanted) == 1:
        right = FIXED[wanted[0]]
        return Slip(f"`{right}` belongs here, not `{at.word}`", repair=at.replace(right))
    if "LBRACE" in at.expected:
        return Slip("a block is in braces", "expected `{`", repair=at.replace("{"))
    if at.last_word in ("order", "slice", "key"):
        message = f"`{at.last_word}` is followed by its value"
        return Slip(message, repair=at.replace(" "))
    return None


def _brace(at: Stumble) -> Slip | None:
    """A block that was not closed before the next declaration, or not opened."""
    if at.word in DECLARATIONS and "RBRACE" in at.expected:
        return Slip(f"a `}}` is missing before `{at.word}`", repair=at.insert("}\n"))
    if at.word == "}" and "$END" in at.expected:
        return Slip("this brace closes nothing", repair=at.replace(""))
    if at.construct == "policy" and at.word in ("{", ":") and "$END" in at.expected:
        return Slip("the declarations of a policy are not in a block", repair=at.replace(""))
    if at.word in ("(", "[") and at.expected == {"LBRACE"}:
        return Slip("a block is in braces", "expected `{`", repair=at.replace("{"))
    if at.last_word == "(" and at.word == ")" and at.expected == {"NAME"}:
        repair = at.replace("", 2, 1) if not at.gap else None
        return Slip("empty parentheses are left out", repair=repair)
    return None


def _condition(at: Stumble) -> Slip | None:
    """An `if` that lacks a part, a chain of comparisons, an update, a sign."""
    for terminal in ("THEN", "ELSE"):
        if terminal in at.expected and not at.expected & {"RBRACE", "NAME"}:
            word = terminal.lower()
            note = "`if` gives a value: `if CONDITION then VALUE else VALUE`"
            repair = at.replace(f" {word}") if at.word == ":" else None
            return Slip(f"`{word}` is missing", f"expected `{word}`", note, repair)
    if (
        at.wants_operator
        and at.word in ("<", ">", "<=", ">=")
        and re.search(r"[<>]=?[^<>{}\n]*\Z", at.behind)
    ):
        return Slip("comparisons do not chain", note="write `a < b and b < c`")
    if found := re.match(r"([+*/-])=", at.ahead):
        operator = found.group(1)
        value = at.last_word
        repair = at.replace(f"= {value} {operator}", 2) if "EQUAL" in at.expected else None
        message = f"`{operator}=` is not an operator"
        return Slip(message, note=f"write `{value} = {value} {operator} ...`", repair=repair)
    if at.last_word == "-" and at.expected == {"INT"}:
        message = "`-` stands between two values or before a whole number"
        return Slip(message, note="write `0 - x`")
    return None


def _dot(at: Stumble) -> Slip | None:
    """`task.nice`, `use std.orders.vruntime`."""
    is_owned = at.last_word[:1].isalpha() and re.match(r"\.[a-z_]", at.ahead)
    if at.word == "." and is_owned and at.wants_operator:
        size = len(at.last_word)
        repair = at.replace("", size + 1, size) if not at.gap else None
        return Slip("attributes and states have no owner", "write its name only", repair=repair)
    used = re.search(r"\buse\s+\w+(?:\s*\.\s*\w+)+\s*\.\s*(\w+)\Z", at.behind)
    if used and at.expected == {"DOT"}:
        name = used.group(1)
        repair = at.replace(f"{{{name}}}", len(name), len(name) + at.gap)
        return Slip("the names to use are in braces", "expected `.{NAME, ...}`", repair=repair)
    return None


def _arrow(at: Stumble) -> Slip | None:
    if "ARROW" not in at.expected:
        return None
    is_queue = re.match(r"[a-z_]\w*\s*(?:$|[}#\n]|else\b)", at.ahead)
    repair = at.insert("-> ") if is_queue and at.word != "else" else None
    return Slip("a rule has an arrow: `CONDITION -> QUEUE`", "expected `->`", repair=repair)


def _claim(at: Stumble) -> Slip | None:
    """`wait(q) <= 5ms and ...`, `wait(q) < 5ms`, `starvation-free`."""
    if at.word in ("and", "if") and "WHEN" in at.expected:
        return Slip("the conditions of a claim follow `when`", repair=at.replace("when"))
    if at.word == "when" and "IF" in at.expected:
        return Slip("the condition of a handler follows `if`", repair=at.replace("if"))
    for terminal in ("AT_MOST", "AT_LEAST"):
        if at.expected == {terminal} and at.word in ("<", ">", "=", "==", "<=", ">="):
            sign = FIXED[terminal]
            return Slip(f"only `{sign}` can stand here", repair=at.replace(sign))
    hyphened = re.match(r"[a-z]+(?:-[a-z]+)+", at.ahead)
    if hyphened and (claim := hyphened.group().replace("-", "_")) in CLAIMS:
        return Slip("a name has no `-`", repair=at.replace(claim, len(claim)))
    return None


def _choice(at: Stumble) -> Slip | None:
    """`guard q 20ms`, `guard q: after 20ms`, `serve stict { ... }`."""
    if at.expected == {"AFTER", "AT"}:
        message = "a guard says `after DURATION` or `at least PERCENTAGE`"
        if at.word in (":", "=", "{"):
            return Slip(message, repair=at.replace(""))
        word = "at least" if at.word.endswith("%") else "after"
        return Slip(message, repair=at.insert(f"{word} "))
    is_block = at.word == "{" and at.construct in ("serve", "strict", "weighted")
    if is_block and (near := did_you_mean(at.last_word, ("strict", "weighted"))):
        size = len(at.last_word)
        repair = at.replace(near, size, size + at.gap)
        return Slip(f"`{at.last_word}` is not a way to choose", repair=repair)
    if at.expected == {"UNDER"}:
        message = "a cgroup is compared with `under`"
        return Slip(message, repair=at.replace("under") if at.word in ("~", "==", "=") else None)
    return None


def _last(at: Stumble) -> Slip | None:
    """What follows the part that closes a block."""
    if "RBRACE" not in at.expected:
        return None
    if at.construct == "key":
        return Slip("`key` is the last part of an order", "expected `}`")
    if re.search(r"\belse\s*->\s*\w+\Z", at.behind):
        return Slip("`else` is the last part of a route", "expected `}`")
    return None


def _missing(at: Stumble) -> Slip | None:
    """The one word or sign that can stand here."""
    if len(at.expected) != 1:
        return None
    (terminal,) = at.expected
    if terminal == "STRING":
        return Slip("text is in double quotes", f"expected {OPEN['STRING']}")
    if terminal == "IN" and at.last_word in ("core", "cpu"):
        repair = at.replace("in any") if at.word == "any" else at.insert("in any ")
        return Slip(f"`{at.last_word}` is followed by `in any`", repair=repair)
    text = written(terminal)
    if text is None:
        return None
    message = f"`{text}` is missing before `{at.shown}`"
    # What lacks a colon lacks a type or a weight with it.
    return Slip(message, repair=None if text == ":" else at.insert(f"{text} "))


SLIPS: tuple[Callable[[Stumble], Slip | None], ...] = (
    spelling.comment,
    spelling.number,
    spelling.sign,
    _dot,
    _equals,
    _claim,
    spelling.foreign_word,
    _condition,
    _brace,
    spelling.separator,
    spelling.case,
    spelling.hyphen,
    _choice,
    _last,
    _arrow,
    _missing,
)


def recognise(at: Stumble) -> Slip | None:
    return next((slip for rule in SLIPS if (slip := rule(at))), None)
