"""Which objects have passed in the micro-VM: what `run --host` asks before it loads one.

One small file per object, named by its SHA-256, in the user's state folder.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from schedlang.backend import EnvironmentProblem


def digest(obj: bytes) -> str:
    return hashlib.sha256(obj).hexdigest()


def record_pass(obj: bytes, kernel: str) -> None:
    """Raises EnvironmentProblem."""
    path = _path(obj)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text(json.dumps({"kernel": kernel}) + "\n", encoding="utf-8")
    except OSError as error:
        what = f"cannot write `{path}`: {error.strerror}"
        raise EnvironmentProblem(
            what, "set XDG_STATE_HOME to a folder of yours", "E0602"
        ) from error


def has_passed(obj: bytes) -> bool:
    """Whether this very object passed, and the record is this user's own."""
    try:
        return _path(obj).lstat().st_uid == os.geteuid()
    except OSError:
        return False


def _path(obj: bytes) -> Path:
    home = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return Path(home) / "schedc" / "passes" / digest(obj)
