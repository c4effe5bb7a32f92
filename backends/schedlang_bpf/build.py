"""C becomes an object: clang in a folder of its own, under a time limit, without a shell.

The same C and compiler give the same bytes: file names are relative to the folder. What clang has
to say is told at the policy's line where a `#line` directive names one.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final, final

from schedlang.backend import Built, EnvironmentProblem
from schedlang.diagnostics.model import Diagnostic
from schedlang.ir.nodes import Policy
from schedlang_bpf.compiler import Compiler
from schedlang_bpf.places import policy_label

TIMEOUT_S: Final = 120.0
MAX_FINDINGS: Final = 5
_SOURCE: Final = "policy.bpf.c"
_OBJECT: Final = "policy.bpf.o"
_ERROR: Final = re.compile(
    r"^(?P<file>[^:\n]+):(?P<line>\d+):(?:\d+:)? (?:fatal )?error: (?P<text>.+)$", re.MULTILINE
)


@final
@dataclass(frozen=True, slots=True)
class _Ended:
    """`status` None: it was stopped at the time limit."""

    status: int | None
    messages: str


def build(
    c: str, policy: Policy, compiler: Compiler, timeout_s: float = TIMEOUT_S
) -> Built | tuple[Diagnostic, ...]:
    """Compile and inspect. Raises EnvironmentProblem where no file can be written."""
    try:
        with tempfile.TemporaryDirectory(prefix="schedc-") as name:
            folder = Path(name)
            _prepare(folder, c)
            process = _start(folder, compiler)
            # Slow to import, and not needed before the compiler has ended.
            from schedlang_bpf.inspect import inspect_object

            ended = _wait(process, timeout_s)
            obj = folder / _OBJECT
            data = obj.read_bytes() if ended.status == 0 and obj.is_file() else None
    except OSError as error:
        what = f"the C compiler has no place to work: {error.strerror}"
        raise EnvironmentProblem(what, "set TMPDIR to a folder with space", "E0602") from error
    if data is None:
        return _complaints(ended, policy, compiler)
    figures = inspect_object(data)
    if isinstance(figures, Diagnostic):
        return (figures,)
    return Built(data, figures, compiler.name)


def _prepare(folder: Path, c: str) -> None:
    (folder / _SOURCE).write_text(c, encoding="utf-8")
    headers = folder / "include" / "schedc"
    headers.mkdir(parents=True)
    for header in resources.files(__package__).joinpath("include", "schedc").iterdir():
        if header.name.endswith(".h"):
            (headers / header.name).write_bytes(header.read_bytes())


def _start(folder: Path, compiler: Compiler) -> subprocess.Popen[bytes]:
    env = {**os.environ, "LC_ALL": "C", "TMPDIR": str(folder)}
    if compiler.caches:
        env |= {
            "ZIG_GLOBAL_CACHE_DIR": str(folder / "cache"),
            "ZIG_LOCAL_CACHE_DIR": str(folder / "cache"),
        }
    return subprocess.Popen(
        compiler.arguments(_SOURCE, _OBJECT),
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _wait(process: subprocess.Popen[bytes], timeout_s: float) -> _Ended:
    try:
        output, _ = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        # The compiler may have started others: the whole session goes.
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return _Ended(None, f"it had not ended after {timeout_s:g} s")
    return _Ended(process.returncode, output.decode(errors="replace"))


def _complaints(ended: _Ended, policy: Policy, compiler: Compiler) -> tuple[Diagnostic, ...]:
    """One diagnostic for each error, the first few; all of the compiler's words with the first."""
    errors = list(_ERROR.finditer(ended.messages))[:MAX_FINDINGS]
    everything = (f"{compiler.name} said: {ended.messages.strip() or 'nothing'}",)
    if not errors:
        what = "was stopped" if ended.status is None else f"ended with status {ended.status}"
        return (Diagnostic("E0401", f"the C compiler {what}", notes=everything),)
    return tuple(
        Diagnostic(
            "E0401",
            f"the C compiler rejects the generated code: {error['text']}",
            policy_label(policy, error["file"], int(error["line"])),
            notes=everything if error is errors[0] else (),
        )
        for error in errors
    )
