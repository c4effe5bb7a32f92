"""What is kept between runs is this user's alone, and never needed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from schedlang.kept import keep, kept_folder, recall
from schedlang.resources import data_root
from schedlang.source import Source
from schedlang.syntax.parse import load_parser, parse
from schedlang_vm.cache import default_root

POLICY = Source("fifo.sched", (data_root("examples") / "fifo.sched").read_text())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCHEDC_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache/derived"


def test_what_is_kept_comes_back(folder: Path) -> None:
    assert recall("a") is None
    keep("a", b"old")
    keep("a", b"new")
    assert recall("a") == b"new"
    assert [path.name for path in folder.iterdir()] == ["a"]
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("variable", ["SCHEDC_CACHE", "XDG_CACHE_HOME", "HOME"])
def test_it_lies_in_the_one_cache(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SCHEDC_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, str(tmp_path))
    assert kept_folder() == default_root(os.environ) / "derived"


@pytest.mark.parametrize("damage", [b"", b"short", bytes(100)])
def test_damage_is_noticed(damage: bytes, folder: Path) -> None:
    keep("a", b"whole")
    (folder / "a").write_bytes(damage)
    assert recall("a") is None


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o707])
def test_a_folder_that_others_can_enter_is_not_used(mode: int, folder: Path) -> None:
    keep("a", b"mine")
    folder.chmod(mode)
    assert kept_folder() is None
    assert recall("a") is None


def test_a_cache_that_anyone_can_write_is_not_used(folder: Path) -> None:
    keep("a", b"mine")
    folder.parent.chmod(0o777)
    assert recall("a") is None


def test_a_link_is_not_followed(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    folder.parent.mkdir()
    folder.symlink_to(elsewhere)
    assert kept_folder() is None


def test_somebody_else_s_is_not_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep("a", b"mine")
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert recall("a") is None


def test_where_nothing_can_be_kept_all_is_worked_out(folder: Path) -> None:
    folder.parent.write_text("a file is in the way")
    keep("a", b"lost")
    assert recall("a") is None
    assert _tree() == parse(POLICY)


@pytest.mark.parametrize("damage", [None, bytes(100)])
def test_kept_tables_parse_as_new_ones(damage: bytes | None, folder: Path) -> None:
    first = _tree()
    (tables,) = folder.iterdir()
    if damage is not None:
        tables.write_bytes(damage)
    assert _tree() == first == parse(POLICY)
    assert recall(tables.name) is not None


def _tree() -> object:
    load_parser.cache_clear()
    return parse(POLICY)
