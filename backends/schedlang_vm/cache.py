"""The cache folder: where fetched tools lie, published whole or not at all.

Guarantees: a tool's folder appears under its final name by one rename, its stamp after it by
another, so whoever reads a stamp finds everything it names; one writer is let in at a time.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class FetchedPackage:
    """A Debian package as it was resolved and downloaded."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Stamp:
    """What is in the cache under a tool's name; `root` is the tool's folder."""

    name: str
    version: str
    root: Path
    packages: tuple[FetchedPackage, ...]


def default_root(env: Mapping[str, str]) -> Path:
    """`$SCHEDC_CACHE`, else `$XDG_CACHE_HOME/schedc`, else `~/.cache/schedc`."""
    if chosen := env.get("SCHEDC_CACHE"):
        return Path(chosen).absolute()
    if xdg := env.get("XDG_CACHE_HOME"):
        return Path(xdg).absolute() / "schedc"
    return Path(env.get("HOME") or Path.home()) / ".cache" / "schedc"


@dataclass(frozen=True, slots=True)
class Cache:
    root: Path

    @property
    def tools(self) -> Path:
        return self.root / "tools"

    @contextmanager
    def writing(self, purpose: str) -> Iterator[Path]:
        """Hold the cache for one kind of writing; a second process waits here.

        Gives a scratch folder on the cache's own file system (renames need that), which is
        removed after, as is what a killed writer left behind.
        """
        self.tools.mkdir(parents=True, exist_ok=True)
        with open(self.root / f"{purpose}.lock", "w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            for left in self.root.glob(f".work-{purpose}-*"):
                shutil.rmtree(left, ignore_errors=True)
            folder = Path(tempfile.mkdtemp(prefix=f".work-{purpose}-", dir=self.root))
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    def stamp(self, name: str) -> Stamp | None:
        """What is published under `name`; None when absent, damaged or of another format."""
        try:
            text = (self.tools / f"{name}.json").read_text()
        except OSError:
            return None
        stamp = _decode(text, self.tools)
        return stamp if stamp is not None and stamp.root.is_dir() else None

    def publish(
        self, name: str, version: str, tree: Path, packages: tuple[FetchedPackage, ...]
    ) -> Stamp:
        """Move `tree` (on this file system) into place, then say so in the stamp."""
        root = self.tools / f"{name}-{version}"
        shutil.rmtree(root, ignore_errors=True)
        os.chmod(tree, 0o755)
        tree.rename(root)
        stamp = Stamp(name, version, root, packages)
        write_whole(self.tools / f"{name}.json", _encode(stamp).encode())
        return stamp


def write_whole(path: Path, data: bytes) -> None:
    """Put a file in place so that no reader ever sees half of it."""
    handle, temporary = tempfile.mkstemp(prefix=".new-", dir=path.parent)
    with open(handle, "wb") as stream:
        stream.write(data)
        os.fchmod(stream.fileno(), 0o644)
    os.replace(temporary, path)


def _encode(stamp: Stamp) -> str:
    packages = [[p.name, p.version, p.sha256] for p in stamp.packages]
    fields = {
        "format": _FORMAT,
        "name": stamp.name,
        "version": stamp.version,
        "folder": stamp.root.name,
        "packages": packages,
    }
    return json.dumps(fields, indent=1) + "\n"


def _decode(text: str, tools: Path) -> Stamp | None:
    try:
        fields = json.loads(text)
        if fields["format"] != _FORMAT:
            return None
        packages = tuple(FetchedPackage(str(n), str(v), str(h)) for n, v, h in fields["packages"])
        root = tools / str(fields["folder"])
        return Stamp(str(fields["name"]), str(fields["version"]), root, packages)
    except (ValueError, KeyError, TypeError):
        return None
