"""The initramfs writer, byte by byte; and the small ELF reader and writer."""

from __future__ import annotations

import gzip
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from schedlang_vm.elf import read_object, with_values
from schedlang_vm.freestanding import executable, player_program
from schedlang_vm.initramfs import Entry, archive, link, plain, program
from schedlang_vm.toolbox import Toolbox


def members(data: bytes) -> dict[str, tuple[int, bytes, int]]:
    """An independent reading of a "newc" archive: mode, content and time by name."""
    raw = gzip.decompress(data)
    found: dict[str, tuple[int, bytes, int]] = {}
    at = 0
    while True:
        assert raw[at : at + 6] == b"070701"
        fields = [int(raw[at + 6 + 8 * i : at + 14 + 8 * i], 16) for i in range(13)]
        name_end = at + 110 + fields[11]
        name = raw[at + 110 : name_end - 1].decode()
        begin = name_end + (-name_end % 4)
        end = begin + fields[6]
        if name == "TRAILER!!!":
            assert not raw[end:].strip(b"\0")
            return found
        found[name] = (fields[1], raw[begin:end], fields[5])
        at = end + (-end % 4)


def test_entries_and_their_folders_come_back() -> None:
    found = members(archive({"bin/sh": program(b"abc"), "a/b/c": plain(b""), "l": link("bin/sh")}))
    assert list(found) == ["a", "a/b", "a/b/c", "bin", "bin/sh", "l"]
    assert found["bin/sh"] == (stat.S_IFREG | 0o755, b"abc", 0)
    assert found["l"][:2] == (stat.S_IFLNK | 0o777, b"bin/sh")
    assert stat.S_ISDIR(found["a/b"][0])


def test_the_order_of_entries_does_not_matter() -> None:
    entries: dict[str, Entry] = {f"f{i}": plain(bytes([i]) * i) for i in range(9)}
    assert archive(entries) == archive(dict(reversed(entries.items())))


def test_the_guests_program_runs_here_too(toolbox: Toolbox, tmp_path: Path) -> None:
    made = tmp_path / "player"
    made.write_bytes(player_program(toolbox.tool("clang")))
    made.chmod(0o755)
    told = subprocess.run([made, "c"], capture_output=True, check=True, text=True).stdout
    assert int(told) > 0


def test_code_with_relocations_is_refused(scheduler: Callable[[str], bytes]) -> None:
    with pytest.raises(ValueError, match="not a 64-bit"):
        executable(b"#!/bin/sh")
    with pytest.raises((ValueError, StopIteration)):
        executable(scheduler("fifo"))


def test_initial_values_are_replaced_in_the_object(scheduler: Callable[[str], bytes]) -> None:
    before = scheduler("fifo")
    after = with_values(before, {"slice_ns": 0x1122334455667788})
    assert len(after) == len(before)
    assert after.count(bytes.fromhex("8877665544332211")) == 1
    assert with_values(after, {"slice_ns": 20_000_000}) == before
    assert with_values(before, {}) is before


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"no_such": 1}, "no variable"),
        ({"slice_ns": 1 << 64}, "does not fit"),
        ({"fifo_ops": 1}, "no initialised integer"),
    ],
)
def test_unfit_values_are_refused(
    scheduler: Callable[[str], bytes], values: dict[str, int], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        with_values(scheduler("fifo"), values)


def test_damaged_objects_are_refused(scheduler: Callable[[str], bytes]) -> None:
    with pytest.raises(ValueError, match="damaged"):
        read_object(scheduler("fifo")[:200])
