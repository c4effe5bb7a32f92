"""Reading policies and writing results: the compiler's only dealings with the file system.

Reading refuses what is no policy (a folder, a pipe, a device, 10 MB, bytes that are no text), each
with its diagnostic. Writing is atomic: a set of files appears as a whole folder or not at all, and
what a killed run left behind is swept away by the next.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from schedlang.backend import EnvironmentProblem
from schedlang.certificate_names import (
    CERTIFICATE_SUFFIX,
    is_certificate_name,
    is_certificate_start,
)
from schedlang.diagnostics.model import Diagnostic
from schedlang.source import Source

MAX_POLICY_BYTES: Final = 1 << 20
MAX_CERTIFICATE_BYTES: Final = 16 << 20
STDIN: Final = "-"
_PREFIX: Final = ".schedc-"  # a temporary folder: `.schedc-NAME-XXXXXXXX`

_KINDS: Final = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


# --- reading


def read_policy(path: str) -> Source | Diagnostic:
    """The policy in the file `path`, or on standard input for `-`, or why there is none."""
    if path == STDIN:
        return decode_policy("<stdin>", sys.stdin.buffer.read(MAX_POLICY_BYTES + 1))
    name = os.fsdecode(path)
    try:
        # Non-blocking, or opening a pipe that nobody writes to would wait for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        return _unreadable(name, error)
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            kind = next((words for is_kind, words in _KINDS if is_kind(mode)), "no file")
            return Diagnostic("E0001", f"cannot read `{name}`: it is {kind}")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(MAX_POLICY_BYTES + 1)
    except OSError as error:
        return _unreadable(name, error)
    finally:
        os.close(descriptor)
    return decode_policy(name, data)


def decode_policy(name: str, data: bytes) -> Source | Diagnostic:
    """The policy whose bytes are `data`, or why they are none."""
    if len(data) > MAX_POLICY_BYTES:
        message = f"`{name}` is larger than {MAX_POLICY_BYTES} bytes, the most that is read"
        return Diagnostic("E0003", message)
    if (at := data.find(b"\0")) >= 0:
        return Diagnostic("E0002", f"`{name}` is not text: byte {at} is zero")
    try:
        return Source(name, data.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        where = f"byte {error.start}, on line {line}"
        return Diagnostic("E0002", f"`{name}` is not UTF-8 text: {where}, has no meaning there")


def _unreadable(name: str, error: OSError | ValueError) -> Diagnostic:
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return Diagnostic("E0001", f"cannot read `{name}`: {why[:1].lower()}{why[1:]}")


# --- writing


def create_file(path: Path, data: bytes) -> None:
    """A new file. Raises EnvironmentProblem, also if anything is at `path` already."""
    with _problems(path):
        _write_new(path, data)


def replace_file(path: Path, data: bytes) -> None:
    """Make the file `path` hold `data`, or leave it as it is. Its mode stays.

    A symbolic link stays too: its target is what changes. Raises EnvironmentProblem.
    """
    with _problems(path):
        target = path.resolve(strict=True)
        _swap_file(target, data, stat.S_IMODE(target.stat().st_mode))


def write_file(path: Path, data: bytes) -> None:
    """Make the file `path` hold `data`, whether it was there or not. Raises EnvironmentProblem.

    What is there and no file (a folder, a device) is left alone.
    """
    with _problems(path):
        target = path.resolve()
        try:
            mode = target.stat().st_mode
        except FileNotFoundError:
            mode = stat.S_IFREG | (0o666 & ~_umask())
        if not stat.S_ISREG(mode):
            raise FileExistsError(errno.EEXIST, "what is in its place is no file", str(path))
        _swap_file(target, data, stat.S_IMODE(mode))


def _swap_file(target: Path, data: bytes, mode: int) -> None:
    descriptor, temporary = tempfile.mkstemp(prefix=_PREFIX, dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise
    _sync_folder(target.parent)


Ours = Callable[[Path], bool]
"""Whether a file in a folder, by its path from there, is one of those that schedc writes."""


def replace_folder(
    parent: Path, name: str, contents: Mapping[str, bytes], is_ours: Ours | None = None
) -> Path:
    """Make `parent/name` hold exactly `contents`; with none, remove it. Raises EnvironmentProblem.

    Names may have one folder before them. Only a folder of which every file `is_ours` (`is_built`
    if not given) is replaced: never one that is not ours.
    """
    folder = parent / name
    with _problems(folder):
        parent.mkdir(parents=True, exist_ok=True)
        with _locked(parent):
            _sweep(parent, name)
            _require_ours(folder, is_ours or is_built)
            if contents:
                _swap_in(parent, name, contents)
            elif folder.exists():
                _discard(parent, name)
            _sync_folder(parent)
    return folder


_BUILT: Final = frozenset({"policy.bpf.c", "policy.bpf.o", "proof.json", "report.txt"})
PROOF: Final = "proof"


def is_built(path: Path) -> bool:
    """Of the outcome of a compilation."""
    match path.parts:
        case (name,):
            return name in _BUILT
        case (folder, name):
            return folder == PROOF and is_certificate_name(name)
        case _:
            return False


def replace_certificates(folder: Path, contents: Mapping[str, bytes]) -> Path:
    """Make `folder` hold exactly these certificates. Raises EnvironmentProblem.

    What is there may only be certificates too, by their names and their beginnings.
    """
    place = Path(os.path.abspath(folder))

    def is_certificate(path: Path) -> bool:
        if len(path.parts) != 1 or not is_certificate_name(path.name):
            return False
        with (place / path).open("rb") as file:
            return is_certificate_start(file.read(64))

    return replace_folder(place.parent, place.name, contents, is_certificate)


def read_folder(folder: Path) -> dict[str, bytes] | Diagnostic:
    """The files of a folder of certificates, or why there are none."""
    try:
        return {
            path.name: path.read_bytes()
            for path in sorted(folder.iterdir())
            if path.is_file() and path.stat().st_size <= MAX_CERTIFICATE_BYTES
        }
    except (OSError, ValueError) as error:
        return _unreadable(str(folder), error)


def _require_ours(folder: Path, is_ours: Ours) -> None:
    try:
        mode = folder.lstat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISLNK(mode):
        raise FileExistsError(errno.EEXIST, "a symbolic link is in its place", str(folder))
    if not stat.S_ISDIR(mode):
        raise FileExistsError(errno.EEXIST, "a file is in its place", str(folder))
    for found in sorted(folder.rglob("*")):
        inner = found.relative_to(folder)
        is_known = inner == Path(PROOF) if found.is_dir() else is_ours(inner)
        if found.is_symlink() or not is_known:
            words = f"it holds `{inner}`, which schedc did not write"
            raise FileExistsError(errno.EEXIST, words, str(folder))


def _swap_in(parent: Path, name: str, contents: Mapping[str, bytes]) -> None:
    fresh = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{name}-", dir=parent))
    try:
        fresh.chmod(0o777 & ~_umask())
        for file_name, data in contents.items():
            path = fresh / file_name
            path.parent.mkdir(exist_ok=True)
            _write_new(path, data)
        for folder in {fresh, *((fresh / file_name).parent for file_name in contents)}:
            _sync_folder(folder)
        if (parent / name).exists():
            _discard(parent, name)
        fresh.rename(parent / name)
    except OSError:
        shutil.rmtree(fresh, ignore_errors=True)
        raise


def _discard(parent: Path, name: str) -> None:
    """Take the folder away in one step, then delete it at leisure."""
    grave = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{name}-", dir=parent))
    (parent / name).rename(grave)  # onto an empty folder: allowed, and atomic
    shutil.rmtree(grave)


def _sweep(parent: Path, name: str) -> None:
    """Delete what killed runs left. Nobody is using it: the lock is ours."""
    for left in parent.glob(f"{_PREFIX}{name}-????????"):
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left)


def _write_new(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        # A hundred certificates would take a second; their index tells if a crash cut one.
        if path.suffix != CERTIFICATE_SUFFIX:
            os.fsync(file.fileno())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One writer at a time in `folder`; the lock goes with the process that holds it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _problems(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        remedy = "choose another place, or make room there"
        what = f"cannot write `{path}`: {why[:1].lower()}{why[1:]}"
        raise EnvironmentProblem(what, remedy, "E0602") from error
