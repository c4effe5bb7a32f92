"""Reading refuses what is no policy; writing appears whole or not at all."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from schedlang import files
from schedlang.backend import EnvironmentProblem
from schedlang.diagnostics.model import Diagnostic
from schedlang.files import MAX_POLICY_BYTES, create_file, read_policy, replace_file, replace_folder
from schedlang.source import Source

OLD = {"policy.bpf.o": b"old object", "report.txt": b"old report"}
NEW = {"policy.bpf.o": b"new object", "proof.json": b"{}", "report.txt": b"new report"}


def refused(path: Path | str) -> Diagnostic:
    found = read_policy(str(path))
    assert isinstance(found, Diagnostic)
    return found


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# --- reading


def test_a_policy_is_read_with_its_path_as_name(tmp_path: Path) -> None:
    path = tmp_path / "a.sched"
    path.write_bytes("policy é\n".encode())
    assert read_policy(str(path)) == Source(str(path), "policy é\n")


def test_the_largest_policy_and_one_byte_more(tmp_path: Path) -> None:
    path = tmp_path / "a.sched"
    path.write_bytes(b" " * MAX_POLICY_BYTES)
    assert isinstance(read_policy(str(path)), Source)
    path.write_bytes(b" " * (MAX_POLICY_BYTES + 1))
    assert refused(path).code == "E0003"


def test_ten_megabytes_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.sched"
    with path.open("wb") as file:
        file.truncate(10 << 20)
    assert refused(path).code == "E0003"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"policy x\nq\xff", "byte 10, on line 2"),
        (b"\x7fELF\x00\x00", "byte 4 is zero"),
        (b"policy \xc3", "byte 7, on line 1"),
        ("policy".encode("utf-16"), "is zero"),
    ],
)
def test_what_is_no_text(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "a.sched"
    path.write_bytes(data)
    assert refused(path).code == "E0002"
    assert words in refused(path).message


def test_what_is_no_file(tmp_path: Path) -> None:
    fifo, unix, loop = tmp_path / "fifo", tmp_path / "socket", tmp_path / "loop"
    os.mkfifo(fifo)
    loop.symlink_to(loop)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(unix))
        expected = {
            tmp_path: "it is a directory",
            fifo: "it is a pipe",
            Path("/dev/zero"): "it is a device",
            unix: "no such device",
            tmp_path / "none": "no such file",
            tmp_path / ("n" * 300): "file name too long",
            loop: "too many levels of symbolic links",
        }
        for path, words in expected.items():
            assert refused(path).code == "E0001"
            assert words in refused(path).message
    assert "null" in refused("a\0b").message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission(tmp_path: Path) -> None:
    path = tmp_path / "a.sched"
    path.write_text("policy x")
    path.chmod(0)
    assert "permission denied" in refused(path).message


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_no_permission_for_another_user(tmp_path: Path) -> None:
    path = tmp_path / "a.sched"
    path.write_text("policy x")
    path.chmod(0)
    code = f"from schedlang.files import read_policy; print(read_policy({str(path)!r}).code)"
    nobody = f"import os; os.setgid(65534); os.setuid(65534); {code}"
    preloaded = f"import schedlang.files; {nobody}"
    command = [sys.executable, "-c", preloaded]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "E0001\n", done.stderr


# --- a single file


def test_replacing_keeps_the_mode_and_follows_a_link(tmp_path: Path) -> None:
    path, link = tmp_path / "a.sched", tmp_path / "link"
    path.write_text("old")
    path.chmod(0o640)
    link.symlink_to(path)
    replace_file(link, b"new")
    assert link.is_symlink()
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.sched", "link"]


def test_a_failed_replacement_leaves_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.sched"
    path.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(EnvironmentProblem, match="no space left") as raised:
        replace_file(path, b"new")
    assert raised.value.code == "E0602"
    assert contents(tmp_path) == {"a.sched": b"old"}


def test_creating_never_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "a.sched"
    create_file(path, b"first")
    with pytest.raises(EnvironmentProblem, match="file exists"):
        create_file(path, b"second")
    dangling = tmp_path / "dangling"
    dangling.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EnvironmentProblem):
        create_file(dangling, b"second")
    assert path.read_bytes() == b"first"
    assert not (tmp_path / "elsewhere").exists()


# --- a folder


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    build = tmp_path / "deep" / "build"
    assert replace_folder(build, "p", OLD) == build / "p"
    replace_folder(build, "p", NEW)
    assert contents(build / "p") == NEW
    assert [p.name for p in build.iterdir()] == ["p"]


def test_no_contents_remove_the_folder(tmp_path: Path) -> None:
    replace_folder(tmp_path, "p", OLD)
    replace_folder(tmp_path, "p", {})
    replace_folder(tmp_path, "p", {})
    assert list(tmp_path.iterdir()) == []


def test_other_policies_are_left_alone(tmp_path: Path) -> None:
    replace_folder(tmp_path, "a", OLD)
    replace_folder(tmp_path, "a_b", OLD)
    replace_folder(tmp_path, "a", NEW)
    assert contents(tmp_path / "a_b") == OLD


def test_what_is_in_the_way_is_never_replaced(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    replace_folder(tmp_path, "elsewhere", OLD)
    (tmp_path / "link").symlink_to(elsewhere)
    (tmp_path / "file").write_text("mine")
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "thesis.tex").write_text("mine")
    for name, words in (
        ("link", "a symbolic link is in its place"),
        ("file", "a file is in its place"),
        ("foreign", "it holds `thesis.tex`, which schedc did not write"),
    ):
        with pytest.raises(EnvironmentProblem, match=words) as raised:
            replace_folder(tmp_path, name, NEW)
        assert raised.value.code == "E0602"
    assert contents(elsewhere) == OLD
    assert (tmp_path / "foreign" / "thesis.tex").read_text() == "mine"
    assert {p.name for p in tmp_path.iterdir()} == {"elsewhere", "link", "file", "foreign"}


def test_a_file_in_the_way_of_the_output_folder(tmp_path: Path) -> None:
    (tmp_path / "build").write_text("mine")
    with pytest.raises(EnvironmentProblem):
        replace_folder(tmp_path / "build", "p", NEW)


@pytest.mark.parametrize("step", range(14))
def test_a_run_killed_at_any_step_leaves_all_or_nothing(tmp_path: Path, step: int) -> None:
    """The process kills itself before its system call number `step` that changes the disk."""
    replace_folder(tmp_path, "p", OLD)
    code = f"""
import os, signal, sys
from pathlib import Path
from schedlang.files import replace_folder
left = {step}
def audit(event, args):
    global left
    changes = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod")
    if event in changes or (event == "open" and isinstance(args[2], int) and args[2] & os.O_CREAT):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(audit)
replace_folder(Path({str(tmp_path)!r}), "p", {NEW!r})
"""
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode in (0, -signal.SIGKILL)
    if (tmp_path / "p").exists():
        assert contents(tmp_path / "p") in (OLD, NEW)
    replace_folder(tmp_path, "p", NEW)
    assert contents(tmp_path / "p") == NEW
    assert [p.name for p in tmp_path.iterdir()] == ["p"]


def test_two_writers_at_once_leave_one_whole_folder(tmp_path: Path) -> None:
    versions = [{"report.txt": str(n).encode() * 9, "proof.json": b"{}"} for n in range(8)]
    threads = [
        threading.Thread(target=replace_folder, args=(tmp_path, "p", version))
        for version in versions
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert contents(tmp_path / "p") in versions
    assert [p.name for p in tmp_path.iterdir()] == ["p"]


def test_a_full_disk_leaves_the_old_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_folder(tmp_path, "p", OLD)

    def full(_path: Path, _data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "_write_new", full)
    with pytest.raises(EnvironmentProblem, match="no space left"):
        replace_folder(tmp_path, "p", NEW)
    assert contents(tmp_path / "p") == OLD
    assert [p.name for p in tmp_path.iterdir()] == ["p"]
