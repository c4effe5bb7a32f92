"""A command line to call in a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from schedlang import driver
from schedlang.cli.main import main
from tests.support.command_line import FakeBackend, Said, Schedc


@pytest.fixture
def schedc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Schedc:
    """Runs a command line in `tmp_path`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("SCHEDC_DEBUG", raising=False)

    def run(*arguments: str) -> Said:
        status = main(arguments)
        captured = capsys.readouterr()
        return Said(status, captured.out, captured.err)

    return run


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> FakeBackend:
    fake = FakeBackend()
    monkeypatch.setattr(driver, "load_backend", lambda: fake)
    return fake
