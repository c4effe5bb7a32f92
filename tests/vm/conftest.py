"""The tools, and the schedulers of objects/*.c compiled; tests are skipped where tools lack."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from schedlang_vm.errors import EnvironmentProblem
from schedlang_vm.toolbox import Kernel, Toolbox

HERE = Path(__file__).parent


@pytest.fixture(params=["newest", "oldest"])
def kernel(request: pytest.FixtureRequest, toolbox: Toolbox) -> Kernel:
    try:
        return toolbox.newest() if request.param == "newest" else toolbox.oldest()
    except EnvironmentProblem as problem:
        pytest.skip(str(problem))


@pytest.fixture(scope="session")
def scheduler(toolbox: Toolbox, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], bytes]:
    """The object of objects/NAME.c, by name."""
    folder = tmp_path_factory.mktemp("objects")

    def compiled(name: str) -> bytes:
        made = folder / f"{name}.o"
        if not made.exists():
            flags = ["-O2", "-g", "-target", "bpf", "-mcpu=v3", "-Wall", "-Werror"]
            source = HERE / "objects" / f"{name}.c"
            clang = toolbox.tool("clang").path
            subprocess.run([clang, *flags, "-c", source, "-o", made], check=True)
        return made.read_bytes()

    return compiled
