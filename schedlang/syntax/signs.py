"""Signs of other languages, and of word processors, with what they are called here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, slots=True)
class Foreign:
    """`by` is what to write for `sign`, None if more than the sign has to change."""

    sign: str
    message: str
    by: str | None = None
    code: str = "E0101"


_OPERATORS = {
    "&&": "and",
    "||": "or",
    "&": "and",
    "|": "or",
    "<>": "!=",
    "===": "==",
    "!==": "!=",
    "=>": "->",
    "-->": "->",
    "=~": "~",
    "~=": "~",
    "~~": "~",
    ":=": "=",
    "...": "..",
    "..=": "..",
}
_LETTERS = {
    "\u2192": "->",
    "\u21d2": "->",
    "\u2264": "<=",
    "\u2265": ">=",
    "\u2260": "!=",
    "\u2212": "-",
    "\u2013": "-",
    "\u2014": "-",
    "\u00d7": "*",
    "\u00f7": "/",
    "\u201c": '"',
    "\u201d": '"',
    "\u201e": '"',
    "\u00a0": " ",
    "\u202f": " ",
    "\u3000": " ",
    "\u200b": "",
    "\ufeff": "",
    "\u2026": "..",
}
_OTHERS = (
    Foreign("!", "`!` is written `not`", "not "),
    Foreign("'", "text is in double quotes, not in single ones", None, "E0104"),
    Foreign("`", "text is in double quotes, not in back quotes", None, "E0104"),
    Foreign("?", "a choice is written `if CONDITION then VALUE else VALUE`"),
    Foreign("%", "there is no remainder operator; `%` belongs to a number: `10%`"),
    Foreign("**", "there is no power operator; write a product"),
    Foreign("++", "write `x = x + 1`"),
    Foreign("^", "there are no bit operators"),
)


def foreign_sign(text: str) -> Foreign | None:
    """The longest foreign sign that `text` begins with."""
    if text.startswith("!=") and not text.startswith("!=="):
        return None
    table = [
        *(Foreign(sign, f"`{sign}` is written `{by}`", by) for sign, by in _OPERATORS.items()),
        *(Foreign(sign, _letter(sign, by), by, "E0104") for sign, by in _LETTERS.items()),
        *_OTHERS,
    ]
    found = [foreign for foreign in table if text.startswith(foreign.sign)]
    return max(found, key=lambda foreign: len(foreign.sign), default=None)


def _letter(sign: str, by: str) -> str:
    point = f"U+{ord(sign):04X}"
    if not by.strip():
        return f"an invisible character, {point}, that no policy contains"
    return f"the character {point} is written `{by}` in a policy"
