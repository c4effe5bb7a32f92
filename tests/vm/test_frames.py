"""The frames of the second serial port: what is damaged is never taken for a result."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import tarfile

from hypothesis import given
from hypothesis import strategies as st

from schedlang_vm.frames import parse_frames, unpack


def frame(name: str, data: bytes) -> bytes:
    """What the guest sends."""
    head = f"@frame {name} {len(data)} {hashlib.sha256(data).hexdigest()}\n".encode()
    return head + base64.encodebytes(data) + b"@end\n"


TWO = frame("first", bytes(range(256)) * 9) + frame("end", b"")


def test_intact_frames_come_back() -> None:
    found = parse_frames(TWO)
    assert found.sections == {"first": bytes(range(256)) * 9, "end": b""}
    assert found.damage == ()


def test_carriage_returns_of_a_terminal_do_no_harm() -> None:
    assert parse_frames(TWO.replace(b"\n", b"\r\n")) == parse_frames(TWO)


@given(st.binary(max_size=400))
def test_any_bytes_survive(data: bytes) -> None:
    assert parse_frames(frame("x", data)).sections == {"x": data}


@given(st.integers(0, len(TWO) - 1))
def test_truncation_is_seen(length: int) -> None:
    found = parse_frames(TWO[:length])
    whole_first = frame("first", bytes(range(256)) * 9)
    if length == len(TWO) - 1:  # only the last line's end is missing
        assert set(found.sections) == {"first", "end"}
        return
    assert "end" not in found.sections
    assert ("first" in found.sections) == (length >= len(whole_first) - 1)
    if length not in (0, len(whole_first) - 1, len(whole_first)):
        assert found.damage


@given(st.integers(0, len(TWO) - 1), st.integers(1, 255))
def test_a_changed_byte_never_changes_a_result(place: int, change: int) -> None:
    garbled = bytearray(TWO)
    garbled[place] ^= change
    whole = parse_frames(TWO).sections
    for name, data in parse_frames(bytes(garbled)).sections.items():
        assert name not in whole or whole[name] == data


def test_noise_is_reported() -> None:
    found = parse_frames(b"kernel: hello\n" + TWO)
    assert found.damage == ("not a frame: b'kernel: hello'",)
    assert set(found.sections) == {"first", "end"}


def test_an_archive_is_unpacked() -> None:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        member = tarfile.TarInfo("./sub/file")
        member.size = 3
        tar.addfile(member, io.BytesIO(b"abc"))
    assert unpack(gzip.compress(raw.getvalue())) == {"sub/file": b"abc"}
