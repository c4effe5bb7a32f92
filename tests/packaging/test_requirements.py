"""The locked requirements: complete, hashed, free of addresses and of any machine's own builds."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
LOCKS = ("runtime.txt", "dev.txt")

PIN = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>[0-9][a-z0-9.]*)(?: ; [^@:/]+)? \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?")


def pins(lock: str) -> dict[str, str]:
    lines = (ROOT / "requirements" / lock).read_text().splitlines()
    found = (PIN.fullmatch(line) for line in lines)
    return {match["name"]: match["version"] for match in found if match}


def declared(*extras: str) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = [project["dependencies"], *(project["optional-dependencies"][e] for e in extras)]
    return [Requirement(text) for group in groups for text in group]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_is_a_pin_or_its_hash(lock: str) -> None:
    """So there is no index, no link, no path, and no local version such as `1.0+cpu`."""
    lines = (ROOT / "requirements" / lock).read_text().splitlines()
    assert [line for line in lines if not (PIN.fullmatch(line) or HASH.fullmatch(line))] == []
    assert len(pins(lock)) > 5


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash(lock: str) -> None:
    text = (ROOT / "requirements" / lock).read_text()
    entries = re.split(r"^(?=[a-z])", text, flags=re.MULTILINE)[1:]
    assert [entry.split()[0] for entry in entries if "--hash=" not in entry] == []


@pytest.mark.parametrize(
    ("lock", "extras"), [("runtime.txt", ()), ("dev.txt", ("compiler", "dev"))]
)
def test_what_is_declared_is_locked_and_fits(lock: str, extras: tuple[str, ...]) -> None:
    locked = pins(lock)
    unfit = [str(r) for r in declared(*extras) if not r.specifier.contains(locked[r.name])]
    assert unfit == []


def test_developers_have_the_versions_that_users_get() -> None:
    runtime, dev = pins("runtime.txt"), pins("dev.txt")
    assert {name: dev.get(name) for name in runtime} == runtime
