"""What an import makes: a policy's text, and of the specification what is not in it.

`Names` gives each thing that is imported a name that the language allows and nobody else has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import count, product
from math import lcm
from typing import Final, final

from schedlang.diagnostics.printable import printable
from schedlang.ir.nodes import MAX_LCM
from schedlang.semantics.scope import BUILTINS
from schedlang.source import Span
from schedlang.syntax.words import RESERVED

MAX_NAME: Final = 15  # characters that the kernel keeps of a thread's name
_LONGEST: Final = 40


class Loss(StrEnum):
    """What became of a field that the policy does not say as it is."""

    LEFT_OUT = "left out"
    CHANGED = "changed"


@final
@dataclass(frozen=True, slots=True)
class Gap:
    """`where` is the field's path, such as `layers[2].kind.Grouped.membw_gb`; `why` a sentence."""

    where: str
    span: Span
    loss: Loss
    why: str


@final
@dataclass(frozen=True, slots=True)
class Draft:
    """`text` is laid out, and accepted by the compiler."""

    text: str
    gaps: tuple[Gap, ...]


def in_order(gaps: Iterable[Gap]) -> tuple[Gap, ...]:
    """As the specification has them."""
    return tuple(sorted(gaps, key=lambda gap: (gap.span.file, gap.span.start)))


@final
class Names:
    """Names for what has none, or has one that the language cannot take."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = {*BUILTINS, *RESERVED, *taken}

    def name(self, wanted: str, default: str) -> str:
        plain = re.sub(r"[^a-z0-9]+", "_", wanted.lower()).strip("_")[:_LONGEST].strip("_")
        plain = plain or default
        if plain[0].isdigit():
            plain = f"{default}_{plain}"
        found = next(n for n in _numbered(plain) if n not in self._taken)
        self._taken.add(found)
        return found


def _numbered(name: str) -> Iterable[str]:
    yield name
    yield from (f"{name}_{number}" for number in count(2))


def comment(text: str, sign: str = "#") -> list[str]:
    """`text` as lines of comment."""
    lines = (
        printable(line.strip())
        for line in re.split(r"[\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]+", text)
    )
    return [f"{sign} {line}" for line in lines if line]


def quoted(text: str) -> str | None:
    """A text of the language, or None if it cannot say it."""
    is_plain = text.isascii() and text.isprintable() and '"' not in text
    return f'"{text}"' if is_plain else None


def duration(us: int) -> str:
    """A literal of the language, in the greatest unit without a fraction."""
    units = (("s", 1_000_000), ("ms", 1_000))
    return next((f"{us // size}{unit}" for unit, size in units if us and us % size == 0), f"{us}us")


# --- weights


def fit_weights(weights: Sequence[int]) -> tuple[int, ...]:
    """Those weights, or ones as near as may be whose least common multiple the language allows."""
    if lcm(*weights) <= MAX_LCM:
        return tuple(weights)
    rows = (tuple(_nearest(w, grid) for w in weights) for grid in _grids(max(weights)))
    return min(rows, key=lambda row: (_error(weights, row), row))


def _grids(most: int) -> Iterable[tuple[int, ...]]:
    """The divisors of smooth numbers that are within the limit."""
    for twos, threes, fives in product(range(8, 21), range(5), range(4)):
        whole = 2**twos * 3**threes * 5**fives
        if MAX_LCM // 4 < whole <= MAX_LCM:
            yield tuple(
                sorted(
                    divisor
                    for a, b, c in product(range(twos + 1), range(threes + 1), range(fives + 1))
                    if (divisor := 2**a * 3**b * 5**c) <= max(2 * most, 1) and divisor <= 10_000
                )
            )


def _nearest(weight: int, grid: tuple[int, ...]) -> int:
    return min(grid, key=lambda near: (max(weight, near) / min(weight, near), near))


def _error(weights: Sequence[int], row: Sequence[int]) -> float:
    return max(max(a, b) / min(a, b) for a, b in zip(weights, row, strict=True))
