"""`make demo`: it works, and it notices when schedc does not do what it shows."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# A stand-in for schedc: it writes a report, and `compile` of STRICT exits with the given code.
STAND_IN = """#!/bin/sh
case "$*" in
  "compile examples/strict_priority.sched"*) exit {strict} ;;
  "{fails}"*) exit 1 ;;
  compile*) out="build/$(basename "$2" .sched)"; mkdir -p "$out"; echo proved >"$out/report.txt" ;;
esac
"""


def demo(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [root / "scripts/demo"], capture_output=True, text=True, check=False, timeout=600
    )


def checkout(folder: Path, *, strict: int = 3, fails: str = "nothing") -> Path:
    """A checkout with the real demo and examples, and the stand-in."""
    for name in ("scripts", "examples"):
        shutil.copytree(ROOT / name, folder / name)
    program = folder / ".venv/bin/schedc"
    program.parent.mkdir(parents=True)
    program.write_text(STAND_IN.format(strict=strict, fails=fails))
    program.chmod(0o755)
    return folder


@pytest.mark.vm
def test_the_demo_shows_what_it_says() -> None:
    done = demo(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_stand_in_passes(tmp_path: Path) -> None:
    assert demo(checkout(tmp_path)).returncode == 0


def test_a_starving_policy_that_compiles_is_noticed(tmp_path: Path) -> None:
    done = demo(checkout(tmp_path, strict=0))
    assert done.returncode == 1
    assert "exited with 0 where 3 was due" in done.stderr


@pytest.mark.parametrize("step", ["compile examples/fair", "verify examples/web", "run examples"])
def test_a_step_that_fails_is_noticed(tmp_path: Path, step: str) -> None:
    done = demo(checkout(tmp_path, fails=step))
    assert done.returncode == 1
    assert "exited with 1 where 0 was due" in done.stderr
