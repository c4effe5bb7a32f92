"""The protocol of the guest's second serial port: named, measured, checksummed sections.

    @frame NAME LENGTH SHA256
    base64 lines
    @end

Guarantee: what is cut short or garbled is reported as such, never taken for a result.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import hashlib
import io
import re
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_HEAD: Final = re.compile(rb"@frame (?P<name>[\w.-]+) (?P<length>\d+) (?P<sha256>[0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Frames:
    """The intact sections by name, and one line for each that was not."""

    sections: Mapping[str, bytes]
    damage: tuple[str, ...]


def parse_frames(stream: bytes) -> Frames:
    sections: dict[str, bytes] = {}
    damage: list[str] = []
    lines = iter(stream.replace(b"\r", b"").split(b"\n"))
    for line in lines:
        if not line:
            continue
        head = _HEAD.fullmatch(line)
        if head is None:
            damage.append(f"not a frame: {line[:40]!r}")
            continue
        name = head["name"].decode()
        body: list[bytes] = []
        ended = False
        for text in lines:
            ended = text == b"@end"
            if ended:
                break
            body.append(text)
        fault = None if ended else "is cut short"
        data = _decoded(b"".join(body))
        if ended and (len(data) != int(head["length"]) or _digest(data) != head["sha256"].decode()):
            fault = f"is garbled: {len(data)} of {int(head['length'])} bytes"
        if fault is None:
            sections[name] = data
        else:
            damage.append(f"frame {name} {fault}")
    return Frames(sections, tuple(damage))


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return b""


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def unpack(data: bytes) -> Mapping[str, bytes]:
    """The files of a section that is a compressed tar archive, by relative path."""
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(data))) as tar:
        files = {m.name: tar.extractfile(m) for m in tar.getmembers() if m.isfile()}
        return {
            name.removeprefix("./"): content.read()
            for name, content in files.items()
            if content is not None
        }
