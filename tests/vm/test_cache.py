"""The cache: where it lies, that it publishes whole tools only, that writers take turns."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from schedlang_vm.cache import Cache, FetchedPackage, default_root
from schedlang_vm.errors import EnvironmentProblem
from schedlang_vm.toolbox import locate
from schedlang_vm.versions import parse_version

PACKAGES = (FetchedPackage("qemu", "1:10.0", "ab" * 32),)


def test_root_comes_from_the_environment() -> None:
    assert default_root({"SCHEDC_CACHE": "/a", "XDG_CACHE_HOME": "/b"}) == Path("/a")
    assert default_root({"XDG_CACHE_HOME": "/b", "HOME": "/c"}) == Path("/b/schedc")
    assert default_root({"HOME": "/c"}) == Path("/c/.cache/schedc")


def test_publish_then_stamp(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    with cache.writing("setup") as work:
        tree = work / "tree"
        tree.mkdir()
        (tree / "program").write_text("x")
        made = cache.publish("qemu", "10.0", tree, PACKAGES)
    assert cache.stamp("qemu") == made
    assert (made.root / "program").read_text() == "x"
    assert not work.exists()


def test_a_damaged_stamp_or_a_lost_folder_is_no_tool(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    with cache.writing("setup") as work:
        (work / "tree").mkdir()
        made = cache.publish("qemu", "10.0", work / "tree", PACKAGES)
    made.root.rmdir()
    assert cache.stamp("qemu") is None
    for text in ("", "{", '{"format": 99}', "[1]", '{"format": 1}'):
        (cache.tools / "qemu.json").write_text(text)
        assert cache.stamp("qemu") is None


def half_a_fetch(cache: Cache) -> None:
    with cache.writing("setup") as work:
        (work / "half").write_text("x")
        raise ValueError("broken")


def test_a_failed_fetch_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="broken"):
        half_a_fetch(Cache(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["setup.lock", "tools"]
    assert list((tmp_path / "tools").iterdir()) == []


def test_what_a_killed_writer_left_is_cleared_by_the_next(tmp_path: Path) -> None:
    for name in (".work-setup-left", ".work-kernel-6.12-busy"):
        (tmp_path / name / "deep").mkdir(parents=True)
    with Cache(tmp_path).writing("setup"):
        assert not (tmp_path / ".work-setup-left").exists()
    assert (tmp_path / ".work-kernel-6.12-busy/deep").exists()


def test_writers_take_turns(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    inside: list[str] = []
    entered = threading.Event()

    def second() -> None:
        entered.set()
        with cache.writing("setup"):
            inside.append("second")

    with cache.writing("setup"):
        thread = threading.Thread(target=second)
        thread.start()
        entered.wait()
        thread.join(0.1)
        inside.append("first")
    thread.join()
    assert inside == ["first", "second"]


def test_an_empty_cache_says_what_lacks_and_how_to_get_it(tmp_path: Path) -> None:
    found = locate({"SCHEDC_CACHE": str(tmp_path), "PATH": str(tmp_path)})
    assert {gap.name for gap in found.missing() if gap.needed} == {
        *("qemu", "bpftool", "busybox", "clang", "kernel"),
    }
    assert all(gap.remedy for gap in found.missing())
    with pytest.raises(EnvironmentProblem, match="make setup"):
        found.tool("qemu")
    with pytest.raises(EnvironmentProblem, match=r"build-kernel-6\.12"):
        found.oldest()
    assert list(tmp_path.iterdir()) == []


def test_versions_compare_as_numbers() -> None:
    assert parse_version("7.3.4+deb13-cloud-amd64") == (7, 3, 4)
    assert parse_version("9.9") < parse_version("10.0.2")
    assert parse_version("nothing") < (0,)
