"""The wheel, made from the sdist and installed alone: what it holds, that it works anywhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from schedlang.cli.manual import PAGES

ROOT = Path(__file__).parents[2]
# What tools leave in a checkout, and no part of it.
LEFT_BEHIND = (".*", "__pycache__", "*.egg-info", "build", "dist", "results")

pytestmark = [pytest.mark.packaging, pytest.mark.xdist_group("wheel")]


def run(*command: str | Path, cwd: Path) -> str:
    """Run without this checkout's environment; the output if it succeeds, a failed test if not."""
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        command,
        cwd=cwd,
        env=kept,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`build` makes the sdist, then the wheel from the unpacked sdist."""
    folder = tmp_path_factory.mktemp("wheel")
    tree = shutil.copytree(ROOT, folder / "tree", ignore=shutil.ignore_patterns(*LEFT_BEHIND))
    shutil.copy(ROOT / ".gitignore", tree)
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, tree, cwd=folder)
    assert len(list(folder.glob("schedlang-*.tar.gz"))) == 1
    [built] = folder.glob("schedlang-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of a new environment with the locked packages and the wheel, nothing else."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    pip = (folder / "bin/python", "-m", "pip", "--quiet", "--disable-pip-version-check")
    lock = ROOT / "requirements/runtime.txt"
    run(*pip, "install", "--require-hashes", "--requirement", lock, cwd=folder)
    run(*pip, "install", "--no-deps", "--no-index", wheel, cwd=folder)
    run(*pip, "check", cwd=folder)
    return folder / "bin"


def test_the_wheel_has_our_names_only_at_its_top(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    top = {name.split("/")[0] for name in names}
    packages = {name for name in top if not name.endswith(".dist-info")}
    assert packages == {"schedlang", "schedlang_bpf", "schedlang_vm", "schedlang_agent"}


@pytest.mark.parametrize("kind", ["grammar", "stdlib", "examples"])
def test_the_wheel_has_every_data_file(wheel: Path, kind: str) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name.removeprefix("schedlang/_data/") for name in archive.namelist()}
    files = {p.relative_to(ROOT).as_posix() for p in (ROOT / kind).rglob("*") if p.is_file()}
    assert files
    assert files <= packed


def test_the_wheel_has_the_manual(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for page in PAGES:
            packed = archive.read(f"schedlang/_data/docs/{page}.md")
            assert packed == (ROOT / f"docs/{page}.md").read_bytes()


@pytest.mark.parametrize(
    "package", ["schedlang", "backends/schedlang_bpf", "backends/schedlang_vm"]
)
def test_the_wheel_has_every_file_of_a_package(wheel: Path, package: str) -> None:
    """Templates, headers, guest programs and pages of explanation are files too."""
    folder = ROOT / package
    files = {
        p.relative_to(folder.parent).as_posix()
        for p in folder.rglob("*")
        if p.is_file() and "__pycache__" not in p.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        assert files <= set(archive.namelist())


def test_the_wheel_carries_the_licence(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        [licence] = [name for name in archive.namelist() if name.endswith("licenses/LICENSE")]
        [metadata] = [name for name in archive.namelist() if name.endswith("/METADATA")]
        assert archive.read(licence) == (ROOT / "LICENSE").read_bytes()
        assert b"License-Expression: GPL-2.0-only" in archive.read(metadata)


def test_installed_alone_it_compiles_from_an_unrelated_folder(
    installed: Path, tmp_path: Path
) -> None:
    shutil.copy(ROOT / "examples/fifo.sched", tmp_path / "mine.sched")
    assert str(ROOT) not in run(installed / "python", "-c", WHERE, cwd=tmp_path)
    run(installed / "schedc", "compile", "mine.sched", "--output-dir", "out", cwd=tmp_path)
    assert (tmp_path / "out/fifo/policy.bpf.o").read_bytes().startswith(b"\x7fELF")


WHERE = "import schedlang, schedlang_bpf, sys; print(schedlang.__file__, *sys.path)"
