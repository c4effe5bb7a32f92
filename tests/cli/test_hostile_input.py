"""Whatever a file holds and is called: a diagnostic, the right exit code, no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schedlang.cli.exits import Exit
from schedlang.driver import Phase, Request, run
from tests.support.command_line import FIFO, Schedc

FAIR = (Path(__file__).parents[2] / "examples/fair.sched").read_text()
DEEP = 10_000


def fails(schedc: Schedc, data: bytes, code: str) -> str:
    Path("a.sched").write_bytes(data)
    said = schedc("prove", "a.sched")
    for command in ("check", "fmt", "compile"):
        said = schedc(command, "a.sched")
        assert said.status == Exit.POLICY, said.err
        assert f"[{code}]" in said.err
        assert "internal" not in said.err
        assert said.out == ""
    assert not Path("build").exists()
    return said.err


def test_nothing_and_next_to_nothing(schedc: Schedc) -> None:
    for data in (b"", b"\n", b"# only a comment"):
        Path("a.sched").write_bytes(data)
        assert schedc("check", "a.sched").status == Exit.POLICY


@pytest.mark.parametrize("cut", range(1, len(FAIR), 37))
def test_truncated_anywhere(schedc: Schedc, cut: int) -> None:
    Path("a.sched").write_text(FAIR[:cut])
    said = schedc("check", "a.sched")
    assert said.status in (Exit.FINE, Exit.POLICY)
    assert "internal" not in said.err
    assert (said.status == Exit.FINE) == (said.err == "")


def test_binary_data(schedc: Schedc) -> None:
    fails(schedc, b"\x7fELF\x02\x01\x01\x00\x00", "E0002")
    fails(schedc, bytes(range(128, 256)), "E0002")


def test_ten_megabytes(schedc: Schedc) -> None:
    fails(schedc, FIFO.encode() + b"#" * (10 << 20), "E0003")


@pytest.mark.parametrize(
    "nested",
    [
        "(" * DEEP + "1ms" + ")" * DEEP,
        "if true then 1ms else " * DEEP + "1ms",
        "1ms" + " + 1ms" * DEEP,
        "max(1ms, " * DEEP + "1ms" + ")" * DEEP,
        "(" * DEEP,
    ],
    ids=["parentheses", "conditions", "sums", "calls", "never closed"],
)
def test_ten_thousand_levels_of_nesting(schedc: Schedc, nested: str) -> None:
    text = FIFO.replace("4ms", nested)
    fails(schedc, text.encode(), "E0105" if nested.endswith((")", "ms")) else "E0101")


def test_a_tree_of_ten_thousand_levels(schedc: Schedc) -> None:
    text = FIFO.replace("serve tasks", "serve " + "strict { " * DEEP + "tasks" + " }" * DEEP)
    fails(schedc, text.encode(), "E0105")


def test_hostile_letters_are_shown_escaped(schedc: Schedc) -> None:
    error = fails(schedc, "policy x\nqueue \x1b[2Jb\u202ed { }\n".encode(), "E0104")
    assert "\x1b" not in error
    assert "\u202e" not in error


NAMES = [
    "a b.sched",
    "-rf.sched",
    "a\nb.sched",
    "\x1b[31m.sched",
    "ü漢.sched",
    "%s{}.sched",
    "'\".sched",
]


@pytest.mark.parametrize("name", NAMES)
def test_hostile_file_names(schedc: Schedc, name: str) -> None:
    Path(name).write_text("nonsense")
    said = schedc("check", "--format", "concise", "--", name)
    assert said.status == Exit.POLICY
    assert len(said.err.splitlines()) == 1
    hidden = {unicodedata.category(char) for char in said.err if char != "\n"}
    assert "Cc" not in hidden


def test_a_file_name_that_is_no_text(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff.sched"
    Path(os.fsdecode(path)).write_text("nonsense")
    command = [os.fsencode(sys.executable), b"-m", b"schedlang", b"check"]
    for form in (b"human", b"concise", b"json"):
        done = subprocess.run([*command, b"--format", form, path], capture_output=True, check=False)
        assert done.returncode == Exit.POLICY, done.stderr
        assert b"E0101" in done.stdout + done.stderr


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(st.data())
def test_mutilated_policies_never_crash_the_front_end(tmp_path: Path, data: st.DataObject) -> None:
    """Pieces of a valid policy, shuffled, doubled and left out, with other text between them."""
    words = FAIR.split(" ")
    start = data.draw(st.integers(0, len(words)))
    end = data.draw(st.integers(start, len(words)))
    noise = data.draw(st.text(max_size=20) | st.sampled_from(["{", "}", "(", '"', "##", "4ms"]))
    text = " ".join((*words[:start], noise, *words[end:]))
    path = tmp_path / "a.sched"
    path.write_bytes(text.encode(errors="replace"))
    done = run(Request(str(path), through=Phase.LOWER))
    assert (done.policy is None) == any(d.code.startswith("E") for d in done.diagnostics)
