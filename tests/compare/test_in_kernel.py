"""A comparison in the micro-VM gives the same samples however busy this machine is."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from schedlang.cli.main import main
from schedlang_vm.toolbox import locate

pytestmark = [pytest.mark.vm, pytest.mark.slow]

EXAMPLES = Path(__file__).parents[2] / "examples"
LOAD = """\
duration = "200ms"

[[group]]
name = "hog"
threads = 3
phases = [["loop", "run 2ms"]]

[[group]]
name = "sleeper"
threads = 2
phases = [["loop", "run 300us", "sleep ~2ms"]]
"""


@contextmanager
def busy(threads: int) -> Iterator[None]:
    """So many processes that do nothing but run."""
    command = [sys.executable, "-c", "while True: pass"]
    hogs = [subprocess.Popen(command) for _ in range(threads)]
    try:
        yield
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()


def test_samples_do_not_depend_on_the_hosts_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lacking = [gap for gap in locate().missing() if gap.needed]
    if lacking:
        pytest.skip(f"{lacking[0].why}: {lacking[0].remedy}")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.toml").write_text(LOAD)
    command = ["compare", str(EXAMPLES / "fair.sched"), "-w", "w.toml", "--seeds", "1", "--out"]
    assert main([*command, "calm"]) == 0
    with busy(4):
        assert main([*command, "loaded"]) == 0
    assert (tmp_path / "calm").read_bytes() == (tmp_path / "loaded").read_bytes()
    first, second = capsys.readouterr().out.split("fair against EEVDF")[1:]
    assert first == second
    runs = [json.loads(line) for line in (tmp_path / "calm").read_text().splitlines()[1:-1]]
    assert [run["attached"] for run in runs] == [True] * 3
    by_scheduler = {(run["entry"]["contender"], run["entry"]["seed"]): run for run in runs}
    assert len({json.dumps(run["outcome"]) for run in by_scheduler.values()}) == 2
