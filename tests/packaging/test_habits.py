"""The checkout itself: its scripts, its targets, and what its texts must not say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = [ROOT / ".ci/run", *sorted((ROOT / "scripts").iterdir())]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_parse_and_are_executable(script: Path) -> None:
    if script.read_text().startswith("#!/usr/bin/env bash") or script.suffix == ".sh":
        subprocess.run(["bash", "-n", script], check=True)
    assert script.suffix == ".sh" or os.access(script, os.X_OK)


def test_help_names_every_target() -> None:
    phony = re.findall(r"^\.PHONY: (\S+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    shown = subprocess.run(["make", "-C", ROOT, "help"], capture_output=True, text=True, check=True)
    assert len(phony) > 10
    assert re.findall(r"^  (\S+)", shown.stdout, re.MULTILINE) == phony


def test_ci_runs_the_tests() -> None:
    assert (ROOT / ".ci/run").read_text().splitlines()[-1] == "exec make test CI=true </dev/null"


def test_every_fragment_reaches_the_change_log() -> None:
    towncrier = [sys.executable, "-m", "towncrier", "build", "--draft", "--version", "9.9"]
    draft = subprocess.run(towncrier, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    fragments = [path for path in (ROOT / "changelog.d").iterdir() if path.name != "README.md"]
    missing = [path.name for path in fragments if path.read_text().split("\n")[0] not in draft]
    assert missing == []


def test_the_hooks_are_valid_and_local() -> None:
    config = ROOT / ".pre-commit-config.yaml"
    subprocess.run([sys.executable, "-m", "pre_commit", "validate-config", config], check=True)
    assert re.findall(r"repo: (\S+)", config.read_text()) == ["local"]
