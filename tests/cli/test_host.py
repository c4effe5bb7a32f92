"""The host: what it is refused for, and that it reverts however the command ends.

A folder stands for the BPF file system and a script for bpftool, so no scheduler is touched.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from schedlang.backend import EnvironmentProblem
from schedlang.cli import guardian
from schedlang.cli.host import Host, require_fit, run_on_host
from schedlang.cli.passes import record_pass

OBJECT = b"an object"


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A host that is fit, and on which `OBJECT` has passed."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    record_pass(OBJECT, "7.3.4")
    sched_ext, bpf = tmp_path / "sched_ext", tmp_path / "bpf"
    sched_ext.mkdir()
    bpf.mkdir()
    (sched_ext / "state").write_text("disabled\n")
    return Host(sched_ext, bpf, True, fake_bpftool(tmp_path, "exit 0"), True)


def fake_bpftool(folder: Path, end: str) -> str:
    """Pins a link as bpftool does, tells the state, and ends with `end`."""
    path = folder / "bpftool"
    attach = f"echo pinned >$4/ops; echo enabled >{folder}/sched_ext/state"
    path.write_text(f"#!/bin/sh\n{attach}\n{end}\n")
    path.chmod(0o755)
    return str(path)


def wait_until_empty(folder: Path) -> None:
    for _ in range(500):
        if not list(folder.iterdir()):
            return
        time.sleep(0.02)
    raise AssertionError(list(folder.rglob("*")))


def test_a_fit_host(host: Host) -> None:
    assert require_fit(host, OBJECT) == host.bpftool


def test_what_a_host_is_refused_for(host: Host) -> None:
    unfit = {
        "has not passed": (host, b"another object"),
        "needs root": (replace(host, is_root=False), OBJECT),
        "no BPF file system": (replace(host, has_bpf=False), OBJECT),
        "no sched_ext": (replace(host, sched_ext=host.bpf), OBJECT),
        "bpftool is not installed": (replace(host, bpftool=None), OBJECT),
    }
    for words, (machine, obj) in unfit.items():
        with pytest.raises(EnvironmentProblem, match=words):
            require_fit(machine, obj)
    (host.sched_ext / "state").write_text("enabled\n")
    with pytest.raises(EnvironmentProblem, match="loaded already"):
        require_fit(host, OBJECT)


def test_it_is_held_for_the_time_and_then_reverts(host: Host) -> None:
    assert run_on_host(host, OBJECT, "fifo", 0.3) == ()
    assert list(host.bpf.iterdir()) == []


def test_a_failed_attachment_leaves_nothing(host: Host, tmp_path: Path) -> None:
    failing = fake_bpftool(tmp_path, "echo 'libbpf: no' >&2; exit 255")
    (finding,) = run_on_host(replace(host, bpftool=failing), OBJECT, "fifo", 5)
    assert finding.code == "E0504"
    assert "libbpf: no" in finding.message
    assert list(host.bpf.iterdir()) == []


def test_an_ejection_is_noticed(host: Host, tmp_path: Path) -> None:
    ejected = fake_bpftool(tmp_path, f"echo disabled >{tmp_path}/sched_ext/state")
    (finding,) = run_on_host(replace(host, bpftool=ejected), OBJECT, "fifo", 5)
    assert finding.code == "E0503"
    assert list(host.bpf.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_reverts_if_the_command_is_killed(host: Host, number: signal.Signals) -> None:
    # Whoever runs the tests in the background may have made them deaf to some signals.
    code = f"""
import signal
from pathlib import Path
from schedlang.cli.host import Host, run_on_host
for deaf in (signal.SIGINT, signal.SIGHUP):
    signal.signal(deaf, signal.SIG_DFL)
host = Host(Path({str(host.sched_ext)!r}), Path({str(host.bpf)!r}), True, {host.bpftool!r}, True)
run_on_host(host, {OBJECT!r}, "fifo", 600)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code], start_new_session=True, stderr=subprocess.DEVNULL
    )
    while not list(host.bpf.glob("*/ops")):
        assert process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, number)
    process.wait()
    wait_until_empty(host.bpf)


def test_the_guardian_outlives_the_signals_that_end_a_session(host: Host) -> None:
    assert host.bpftool is not None
    pins = host.bpf / "pins"
    process = subprocess.Popen(
        [sys.executable, "-I", guardian.__file__, host.bpftool, "object", str(pins), "600"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        assert process.stdout.readline() == b"attached\n"
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process.send_signal(number)
        process.stdin.write(b"still here")
        process.stdin.flush()
        assert process.poll() is None
        assert (pins / "ops").exists()
        process.stdin.close()
        process.wait()
    assert list(host.bpf.iterdir()) == []
