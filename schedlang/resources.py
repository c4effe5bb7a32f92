"""Where the files that come with the package are: installed beside it, or in the checkout."""

from __future__ import annotations

from pathlib import Path


def data_root(kind: str) -> Path:
    """A folder such as `grammar` or `stdlib`: the wheel's copy, else the checkout's own."""
    package = Path(__file__).parent
    installed = package / "_data" / kind
    return installed if installed.is_dir() else package.parent / kind
