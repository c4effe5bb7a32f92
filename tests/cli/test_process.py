"""The real process: its start, its pipes, its interruption."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from schedlang.cli.exits import Exit
from tests.support.command_line import FIFO, WRONG

SCHEDC = [sys.executable, "-m", "schedlang"]


def test_help_and_explain_load_neither_solver_nor_parser() -> None:
    code = """
import sys
from schedlang.cli.main import main
main(["--help"]); main(["explain", "E0201"]); main(["completions", "fish"])
slow = {"z3", "jinja2", "lark", "elftools", "rich", "schedlang_bpf", "schedlang.ir.nodes"}
print("loaded:", sorted(slow & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("loaded: []\n")


def test_check_and_fmt_load_no_solver(tmp_path: Path) -> None:
    path = tmp_path / "a.sched"
    path.write_text(FIFO)
    code = f"""
import sys
from schedlang.cli.main import main
main(["check", {str(path)!r}]); main(["fmt", {str(path)!r}])
print("loaded:", sorted({{"z3", "jinja2", "elftools", "rich", "schedlang_bpf"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "loaded: []\n"


def test_exit_status_and_streams(tmp_path: Path) -> None:
    (tmp_path / "a.sched").write_text(WRONG)
    done = subprocess.run(
        [*SCHEDC, "check", "a.sched"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (Exit.POLICY, "")
    assert done.stderr.startswith("error[E0201]")
    assert "\x1b" not in done.stderr


def test_standard_input(tmp_path: Path) -> None:
    for text, status in ((FIFO, 0), (WRONG, 1)):
        done = subprocess.run(
            [*SCHEDC, "check", "-"], input=text, capture_output=True, text=True, check=False
        )
        assert done.returncode == status
        assert ("<stdin>:6:7" in done.stderr) == bool(status)
    ragged = FIFO.replace("  ", "     ")
    done = subprocess.run(
        [*SCHEDC, "fmt", "-"], input=ragged, capture_output=True, text=True, check=True
    )
    assert done.stdout == FIFO


def test_a_reader_that_goes_away_is_no_error_of_ours() -> None:
    """The pipe is closed before anything is written to it."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*SCHEDC, "explain"], stdout=writing, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (Exit.BROKEN_PIPE, "")


def test_ctrl_c_is_quiet(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*SCHEDC, "check", "-"], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stderr is not None
    with process:
        while Path(f"/proc/{process.pid}/wchan").read_text() not in ("pipe_read", "anon_pipe_read"):
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == ""
    assert process.returncode == Exit.INTERRUPTED


def test_output_that_takes_no_unicode(tmp_path: Path) -> None:
    (tmp_path / "a.sched").write_text("policy x # " + "é" * 200 + "\nqueue é\n")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii:strict"}
    for arguments in (["check", "a.sched"], ["explain", "E0302"]):
        done = subprocess.run(
            [*SCHEDC, *arguments], cwd=tmp_path, env=environment, capture_output=True, check=False
        )
        assert done.returncode in (Exit.FINE, Exit.POLICY)
        assert b"internal" not in done.stderr


def test_colours_only_on_a_terminal_and_not_against_no_color(tmp_path: Path) -> None:
    (tmp_path / "a.sched").write_text(WRONG)
    for no_color, expected in (("", True), ("1", False)):
        terminal, end = os.openpty()
        environment = {**os.environ, "NO_COLOR": no_color, "TERM": "xterm"}
        subprocess.run(
            [*SCHEDC, "check", "a.sched"],
            cwd=tmp_path,
            env=environment,
            stderr=end,
            stdout=subprocess.DEVNULL,
            check=False,
        )
        os.close(end)
        shown = os.read(terminal, 10_000)
        os.close(terminal)
        assert (b"\x1b[1;31m" in shown) is expected


def test_explain_on_a_terminal_is_laid_out(tmp_path: Path) -> None:
    terminal, end = os.openpty()
    environment = {**os.environ, "NO_COLOR": "", "TERM": "xterm", "COLUMNS": "60"}
    subprocess.run([*SCHEDC, "explain", "E0201"], env=environment, stdout=end, check=True)
    os.close(end)
    shown = os.read(terminal, 100_000)
    os.close(terminal)
    assert b"\x1b[1;4mE0201" in shown
    assert b"```" not in shown


@pytest.mark.slow
def test_a_build_killed_at_any_time_leaves_a_whole_folder(tmp_path: Path) -> None:
    """Kills real compilations after growing delays, and looks at what they left."""
    (tmp_path / "a.sched").write_text(FIFO)
    folder = tmp_path / "build" / "fifo"
    for delay_ms in range(0, 1500, 75):
        process = subprocess.Popen(
            [*SCHEDC, "compile", "a.sched"],
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(delay_ms / 1000)
        process.kill()
        process.wait()
        if folder.exists():
            assert {"policy.bpf.o", "report.txt"} <= {path.name for path in folder.iterdir()}
