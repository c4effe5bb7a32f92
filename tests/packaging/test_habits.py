"""The checkout itself: its scripts, its targets, and what its texts must not say."""

from __future__ import annotations

import os
import re
import subprocess
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
