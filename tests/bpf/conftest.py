"""The compilers that tests need; a test is skipped where one is missing."""

from __future__ import annotations

import pytest

from schedlang_bpf.backend import find_compiler
from schedlang_bpf.compiler import Compiler, zig_clang


@pytest.fixture(scope="session")
def compiler() -> Compiler:
    found = find_compiler()
    if found is None:
        pytest.skip("no C compiler for BPF")
    return found


@pytest.fixture(scope="session")
def zig() -> Compiler:
    found = zig_clang()
    if found is None:
        pytest.skip("the ziglang wheel is not installed")
    return found
