"""What is slow to work out and always the same, kept from run to run in the user's own cache.

It is trusted as the package itself is, so it lies in a folder that only this user can enter. Where
there is none, or what is kept is damaged, everything is worked out anew.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from hashlib import sha256
from pathlib import Path


def kept_folder() -> Path | None:
    """In `$SCHEDC_CACHE`, `$XDG_CACHE_HOME/schedc` or `~/.cache/schedc`; None if not safe there."""
    xdg = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    root = Path(os.environ.get("SCHEDC_CACHE") or f"{xdg}/schedc").absolute()
    folder = root / "derived"
    try:
        root.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        # INVARIANT: nobody else can put a file, or another folder, in its place.
        is_safe = _is_own(root.stat(), stat.S_IWOTH) and _is_own(folder.lstat(), 0o077)
    except OSError:
        return None
    return folder if is_safe else None


def _is_own(status: os.stat_result, forbidden: int) -> bool:
    is_mine = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
    return is_mine and not status.st_mode & forbidden


def recall(name: str) -> bytes | None:
    """What was kept under that name, whole."""
    folder = kept_folder()
    if folder is None:
        return None
    try:
        data = (folder / name).read_bytes()
    except OSError:
        return None
    digest, content = data[:32], data[32:]
    return content if sha256(content).digest() == digest else None


def keep(name: str, content: bytes) -> None:
    """Keep it if that can be done; a reader sees all of it or nothing."""
    folder = kept_folder()
    if folder is None:
        return
    fresh = folder / f".{name}-{os.urandom(8).hex()}"
    with suppress(OSError):
        try:
            fresh.write_bytes(sha256(content).digest() + content)
            fresh.replace(folder / name)
        finally:
            fresh.unlink(missing_ok=True)
