"""The sessions in README.md are what schedc really says; `…` stands for lines that are left out."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
SESSION = re.compile(r"^```console\n\$ schedc ([^\n]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SESSIONS = SESSION.findall(README)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With README's policy in `desk.sched`, and without its guard in `unguarded.sched`."""
    found = re.search(r"^```sched\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert found is not None
    (tmp_path / "desk.sched").write_text(found[1])
    unguarded = re.sub(r"^guard .*\n", "", found[1], flags=re.MULTILINE)
    (tmp_path / "unguarded.sched").write_text(unguarded)
    return tmp_path


@pytest.mark.parametrize(("command", "shown"), SESSIONS, ids=[command for command, _ in SESSIONS])
def test_readme_shows_what_schedc_says(folder: Path, command: str, shown: str) -> None:
    argv = [sys.executable, "-m", "schedlang", *command.split()]
    wide = {**os.environ, "COLUMNS": "100"}
    done = subprocess.run(argv, cwd=folder, env=wide, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert [part for part in shown.split("…\n") if part not in said] == [], said


def test_readme_has_a_proof_and_a_refutation() -> None:
    assert [command for command, _ in SESSIONS] == [
        "prove desk.sched",
        "prove unguarded.sched --trace",
    ]


def test_readmes_policy_is_laid_out(folder: Path) -> None:
    argv = [sys.executable, "-m", "schedlang", "fmt", "--check", "desk.sched"]
    subprocess.run(argv, cwd=folder, check=True)
