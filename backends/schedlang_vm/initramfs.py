"""Writes initramfs archives (cpio, "newc") as bytes.

Guarantee: the same entries give the same bytes, whatever their order, the machine or the time.
The kernel accepts archives one after another, so a fixed part can be built once.
"""

from __future__ import annotations

import gzip
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

_COMPRESSION: Final = 6


@dataclass(frozen=True, slots=True)
class Entry:
    """One file: `mode` as in stat(2), `data` its content or a symbolic link's target."""

    mode: int
    data: bytes = b""


def plain(data: bytes) -> Entry:
    return Entry(stat.S_IFREG | 0o644, data)


def program(data: bytes) -> Entry:
    return Entry(stat.S_IFREG | 0o755, data)


def link(target: str) -> Entry:
    return Entry(stat.S_IFLNK | 0o777, target.encode())


def folder() -> Entry:
    return Entry(stat.S_IFDIR | 0o755)


def archive(entries: Mapping[str, Entry]) -> bytes:
    """A compressed archive of `entries` (relative paths) and the folders above them."""
    complete = {path: folder() for path in _parents(entries)} | dict(entries)
    parts = [
        _member(number, path, complete[path]) for number, path in enumerate(sorted(complete), 1)
    ]
    parts.append(_member(0, "TRAILER!!!", Entry(0)))
    return gzip.compress(_padded(b"".join(parts), 512), _COMPRESSION, mtime=0)


def _parents(paths: Iterable[str]) -> set[str]:
    found = {str(parent) for path in paths for parent in PurePosixPath(path).parents}
    return found - {"."}


def _member(number: int, path: str, entry: Entry) -> bytes:
    name = path.encode() + b"\0"
    links = 2 if stat.S_ISDIR(entry.mode) else 1
    # ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor
    fields = (number, entry.mode, 0, 0, links, 0, len(entry.data), 0, 0, 0, 0, len(name), 0)
    header = b"070701" + b"".join(b"%08x" % field for field in fields)
    return _padded(header + name, 4) + _padded(entry.data, 4)


def _padded(data: bytes, unit: int) -> bytes:
    return data + b"\0" * (-len(data) % unit)
