"""How one knows a folder of certificates: the names and the beginnings of its files.

`report.certificates` makes them, `files` writes them; this is what both have to know.
"""

from __future__ import annotations

import re
from typing import Final

INDEX: Final = "index.json"
KIND: Final = "schedc proof"
CERTIFICATE_SUFFIX: Final = ".smt2"
_NAME: Final = re.compile(r"[0-9]{3,6}-[a-z0-9-]{1,60}(\.hypotheses)?\.smt2")
_INDEX_START: Final = f'{{\n "kind": "{KIND}",\n'.encode()


def is_certificate_name(name: str) -> bool:
    return name == INDEX or _NAME.fullmatch(name) is not None


def is_certificate_start(data: bytes) -> bool:
    """Whether a file that has such a name begins as a certificate or an index does."""
    return data.startswith((b"; policy ", _INDEX_START))
