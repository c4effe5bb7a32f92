"""Version numbers as tuples, and the oldest versions that are fit for use."""

from __future__ import annotations

import re
from typing import Final

Version = tuple[int, ...]

KERNEL_MINIMUM: Final[Version] = (6, 12)
# Before 8.1 multi-threaded TCG oopses when a scheduler is disabled (static-key patching).
QEMU_MINIMUM: Final[Version] = (8, 1)
CLANG_MINIMUM: Final[Version] = (16,)


def parse_version(text: str) -> Version:
    """The first dotted number in `text`; empty when there is none, so lower than any."""
    match = re.search(r"\d+(?:\.\d+)*", text)
    return tuple(int(part) for part in match[0].split(".")) if match else ()
