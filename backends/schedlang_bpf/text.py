"""Makes text from outside fit for C: identifiers, comments, strings and file names.

Nothing that a policy's author wrote reaches the generated C except through these functions, so
that no name, path, pattern or documentation can end a comment, a string or a line.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from textwrap import wrap
from typing import Final

from schedlang.source import Sources, Span

COMMENT_WIDTH: Final = 92
OPS_NAME_LIMIT: Final = 120

# What a bare identifier must not be: C's keywords and what the fixed headers define as macros.
_RESERVED: Final = frozenset(
    """
    auto bool break case char const continue default do double else enum extern false float for
    goto if inline int long register restrict return short signed sizeof static struct switch true
    typedef typeof union unsigned void volatile while asm linux unix
    """.split()
)


def c_name(name: str, prefix: str = "") -> str:
    """An identifier for `name`: other characters are spelt out by their numbers."""
    spelt = re.sub(r"[^A-Za-z0-9_]", lambda m: f"_x{ord(m[0]):x}_", name)
    if prefix:
        return f"{prefix}_{spelt}"
    if not spelt or spelt[0].isdigit():
        return f"_{spelt}"
    return f"{spelt}_" if spelt in _RESERVED else spelt


def c_names(names: Iterable[str], prefix: str = "") -> tuple[str, ...]:
    """Identifiers for several names of one name space, all different."""
    return _distinct([c_name(name, prefix) for name in names])


def c_constants(names: Iterable[str], prefix: str) -> tuple[str, ...]:
    """Enumerators for several names, all different."""
    return _distinct([c_name(name, prefix).upper() for name in names])


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    taken: list[str] = []
    for name in names:
        candidate, number = name, 2
        while candidate in taken:
            candidate, number = f"{name}_{number}", number + 1
        taken.append(candidate)
    return tuple(taken)


def c_string(text: str) -> str:
    """A C string literal with the UTF-8 bytes of `text`; what could mean more is in octal."""
    plain = b" !#$&'()*+,-./:;<=>@[]^_`{|}~"
    pieces = [
        chr(byte) if (chr(byte).isalnum() and byte < 128) or byte in plain else f"\\{byte:03o}"
        for byte in text.encode("utf-8", "backslashreplace")
    ]
    return '"' + "".join(pieces) + '"'


def comment_text(text: str) -> str:
    """One line that can stand in a C comment without ending it, or being warned of."""
    kept = "".join(c if _printable(c) else " " for c in text)
    kept = " ".join(kept.split()).rstrip("\\ ")
    return re.sub(r"(?<=\*)(?=/)|(?<=/)(?=[*/])|(?<=\?)(?=\?)", " ", kept)


def comment_lines(text: str, first: str = "", rest: str = "") -> tuple[str, ...]:
    """Paragraphs for a comment block: the text's own lines, indented and wrapped."""
    lines: list[str] = []
    for line in text.splitlines():
        cleaned = comment_text(line)
        wrapped = wrap(
            cleaned,
            COMMENT_WIDTH,
            initial_indent=first,
            subsequent_indent=rest,
            break_on_hyphens=False,
        )
        # Wrapping may put a backslash at the end of a line.
        lines += [part.rstrip("\\ ") for part in wrapped] or [""]
    return tuple(lines)


def _printable(char: str) -> bool:
    return unicodedata.category(char)[0] in "LNPS" or char == " "


def source_labels(sources: Sources) -> tuple[str, ...]:
    """What the generated C calls each source: its file name alone, and each a different one."""
    names = [re.split(r"[/\\]", source.name)[-1] for source in sources]
    cleaned = [re.sub(r"[^A-Za-z0-9._-]", "_", name) or "policy" for name in names]
    return _distinct(cleaned)


def line_of(span: Span, sources: Sources) -> int:
    return sources[span.file].line(span)


def place_text(span: Span, sources: Sources) -> str:
    """`fair.sched:9`, as comments cite a place."""
    return f"{source_labels(sources)[span.file]}:{line_of(span, sources)}"
