"""Text of a policy made fit for a terminal: nothing in it can move the cursor or hide a letter.

Below the renderers. A character that a reader cannot see, or that would change what the terminal
does with its neighbours (controls, text direction, lone surrogates), comes out as an escape.
"""

from __future__ import annotations

import unicodedata

TAB = "    "
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_COMBINING = frozenset({"Mn", "Me"})


def cell(char: str) -> str:
    """How one character of a policy is shown."""
    if char == "\t":
        return TAB
    if " " <= char <= "~":
        return char
    return _escaped(char) if unicodedata.category(char) in _HIDDEN else char


def _escaped(char: str) -> str:
    point = ord(char)
    if point < 0x100:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def printable(text: str) -> str:
    """`text` as one line."""
    return "".join(map(cell, text))


def printable_lines(text: str) -> list[str]:
    """`text` with its line ends kept as such and all else escaped. Never empty."""
    return [printable(line.rstrip()) for line in text.split("\n")]


def width(shown: str) -> int:
    """How many terminal columns text that `cell` has let through takes."""
    return len(shown) if shown.isascii() else sum(map(_columns, shown))


def _columns(char: str) -> int:
    if unicodedata.category(char) in _COMBINING:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
