"""Patterns on names in C, against what they mean."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schedlang_bpf.native import HEADERS, HOST, OPTIONS
from schedlang_bpf.text import c_string
from tests.bpf.native import needs_zig

TEXTS = ("a", "ab", "nginx", "aab", "12345678", "123456789", "fifteen-letters", "?", '"\\')
MEANING: dict[str, Callable[[bytes, bytes], bool]] = {
    "is": bytes.__eq__,
    "starts": bytes.startswith,
    "ends": bytes.endswith,
    "contains": bytes.__contains__,
}
letters = st.text('abnginx12345678-?\\"', max_size=15)
pieces = st.lists(st.sampled_from(TEXTS), min_size=1, max_size=3).map("".join)
names = st.one_of(letters, pieces, st.sampled_from(TEXTS)).map(lambda name: name.encode()[:15])


PRELUDE = """\
#include <schedc/names.h>

struct sched_ext_ops no_ops;
#define OPS no_ops
#include "kernel.c"

#define NAMED(text)							\\
	struct task_struct task = {};					\\
	strncpy(task.comm, text, TASK_COMM_LEN - 1);			\\
	const struct name comm = comm_of(&task);
"""


@pytest.fixture(scope="module")
def matchers(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """A function `KIND_NUMBER(comm)` for each kind of pattern and each text."""
    folder = tmp_path_factory.mktemp("names")
    lines = [PRELUDE]
    for kind in MEANING:
        for number, text in enumerate(TEXTS):
            match = f"name_{kind}(&comm, {c_string(text)}, {len(text)})"
            lines.append(f"int {kind}_{number}(const char *text) {{ NAMED(text) return {match}; }}")
    source, library = folder / "names.c", folder / "names.so"
    source.write_text("\n".join(lines) + "\n")
    command = [sys.executable, "-m", "ziglang", "cc", *OPTIONS, "-include", str(HOST / "host.h")]
    command += ["-I", str(HEADERS), "-I", str(HOST), str(source), "-o", str(library)]
    subprocess.run(command, check=True)
    return ctypes.CDLL(str(library))


@needs_zig
@given(name=names)
@example(name=b"")
@example(name=b"fifteen-letters")
@example(name=b"aaab")
def test_patterns_mean_what_they_say(name: bytes, matchers: ctypes.CDLL) -> None:
    for kind, means in MEANING.items():
        for number, text in enumerate(TEXTS):
            matched = getattr(matchers, f"{kind}_{number}")(name)
            assert bool(matched) == means(name, text.encode()), (kind, text)
