"""The set-up from nothing: in a bare Debian root `make setup` alone leads to a verified policy."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.bare
@pytest.mark.xdist_group("bare")
def test_a_bare_debian_root_compiles_and_verifies_a_policy() -> None:
    done = subprocess.run(
        [ROOT / "scripts/bare-root"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=1500,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
