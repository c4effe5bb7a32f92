"""Slips in the spelling of one word, number or sign."""

from __future__ import annotations

import re

from schedlang.diagnostics.model import Repair
from schedlang.syntax.signs import foreign_sign
from schedlang.syntax.stumble import Slip, Stumble

_KNOWN_UNITS = ("ns", "us", "ms", "s")
_UNITS = {
    **dict.fromkeys(("n", "nsec", "nsecs", "nanos"), "ns"),
    **dict.fromkeys(("u", "usec", "usecs", "mus", "micros"), "us"),
    **dict.fromkeys(("m", "msec", "msecs", "millis", "mss"), "ms"),
    **dict.fromkeys(("sec", "secs", "second", "seconds"), "s"),
}
_WORDS = {
    **dict.fromkeys(("elif", "elsif", "elseif"), "else if"),
    **dict.fromkeys(("default", "otherwise"), "else"),
    **dict.fromkeys(("import", "include", "from"), "use"),
    **dict.fromkeys(("def", "func", "function"), "fn"),
    **dict.fromkeys(("const", "let"), "param"),
    **dict.fromkeys(("timeslice", "quantum"), "slice"),
    **dict.fromkeys(("schedule", "pick"), "serve"),
    **dict.fromkeys(("is", "equals", "eq"), "=="),
    **dict.fromkeys(("matches", "like"), "~"),
    "atleast": "at least",
    "scheduler": "policy",
    "to": "..",
    "weights": "weighted",
}
_ADVICE = {
    **dict.fromkeys(("var", "struct"), "`task { ... }` for what a task remembers"),
    **dict.fromkeys(("goal", "claim", "assert", "prove"), "`guarantee { ... }`"),
    "priority": "`serve strict { ... }` for priorities",
}


def number(at: Stumble) -> Slip | None:
    """`20msec`, `4 ms`, `1.5ms`, `2_000`."""
    if found := re.fullmatch(r"[0-9]+([a-z]+)", at.word):
        return _unit(at, found.group(1))
    if re.fullmatch(r"[0-9]+[_xXeE][0-9A-Fa-f_]*", at.word):
        repair = at.replace(at.word.replace("_", "")) if "_" in at.word else None
        return Slip("numbers are written with the digits 0 to 9 only", repair=repair)
    if re.fullmatch(r"[0-9]+", at.last_word):
        if at.gap and at.word in (*_KNOWN_UNITS, "%"):
            repair = Repair("remove the space", at.replace("", at.gap, at.gap).edits)
            return Slip("a number and its unit are one word", f"`{at.word}`", repair=repair)
        if re.match(r"\.[0-9]", at.ahead):
            note = "a smaller unit says the same: `1500us` for 1.5 ms"
            return Slip("numbers are whole", "a fraction", note)
    if at.expected == {"DURATION"} and at.word.isdigit():
        return Slip("a duration has a unit", f"write `{at.shown}ns`, `us`, `ms` or `s`")
    return None


def _unit(at: Stumble, unit: str) -> Slip | None:
    if unit in _KNOWN_UNITS:
        return None
    repair = at.replace(at.word.removesuffix(unit) + _UNITS[unit]) if unit in _UNITS else None
    return Slip(f"`{unit}` is not a unit of time", "write `ns`, `us`, `ms` or `s`", repair=repair)


def comment(at: Stumble) -> Slip | None:
    """`// ...`, `-- ...`, `/* ... */`."""
    is_glued = not at.gap
    if at.ahead.startswith("/*") or (is_glued and at.behind[-1:] == "/" and at.word == "*"):
        label = "write `#` at the start of each of its lines"
        return Slip("there are no block comments", label)
    for sign in ("//", "--"):
        back = int(is_glued and at.behind[-1:] == sign[0] and at.ahead.startswith(sign[0]))
        if back or at.ahead.startswith(sign):
            return Slip("a comment begins with `#`", repair=at.replace("#", 2, back))
    return None


_QUOTED = re.compile("['`\u201c\u201d\u201e]([^\"'`\u201c\u201d\u201e\n]*)['`\u201c\u201d]")


def sign(at: Stumble) -> Slip | None:
    """`&&`, `!x`, `=>`, typographic quotes and the like."""
    if quoted := re.match(
        "['`\u201c\u201d\u201e]([^\"'`\u201c\u201d\u201e\n]*)['`\u201c\u201d]", at.ahead
    ):
        mended = at.replace(f'"{quoted.group(1)}"', len(quoted.group()))
        return Slip("text is in plain double quotes", repair=mended, code="E0104")
    # The parser has already taken the first part of these.
    for whole, part in (("**", "*"), ("==", "="), ("...", "."), ("++", "+")):
        if not at.gap and at.word == part and at.behind.endswith(whole[:-1]):
            return _doubled(at, whole)
    if found := foreign_sign(at.ahead):
        repair = None if found.by is None else at.replace(found.by, len(found.sign))
        return Slip(found.message, repair=repair, code=found.code)
    return None


def _doubled(at: Stumble, whole: str) -> Slip:
    back = len(whole) - 1
    match whole:
        case "==":
            message = "`==` compares, a value is given with `=`"
            return Slip(message, repair=at.replace("=", 2, back))
        case "...":
            return Slip("a range is written `..`", repair=at.replace("..", 3, back))
        case "**":
            return Slip("there is no power operator", note="write a product")
        case _:
            return Slip("`++` is not an operator", note="write `x = x + 1`")


def case(at: Stumble) -> Slip | None:
    """`Interactive`, `QUEUE`, `StarvationFree`."""
    if re.fullmatch(r"[A-Za-z_][A-Za-z_0-9]*", at.word) and at.word != at.word.lower():
        lower = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", at.word).lower()
        label = "words and names are in lower case"
        return Slip(f"`{at.shown}` has capital letters", label, repair=at.replace(lower))
    return None


def hyphen(at: Stumble) -> Slip | None:
    """`queue my-queue`."""
    if at.behind[-1:].isalnum() and re.match(r"-[a-z]", at.ahead) and not at.wants_operator:
        return Slip("a name has no `-`", "join its words with `_`", repair=at.replace("_"))
    return None


def foreign_word(at: Stumble) -> Slip | None:
    message = f"`{at.word}` is not a word of the language"
    if word := _WORDS.get(at.word):
        return Slip(message, f"write `{word}`", repair=at.replace(word))
    if advice := _ADVICE.get(at.word):
        return Slip(message, f"write {advice}")
    return None


def separator(at: Stumble) -> Slip | None:
    if at.word in (",", ";"):
        message = f"nothing separates the parts of a policy but white space, no `{at.word}`"
        return Slip(message, repair=at.replace(""))
    return None
