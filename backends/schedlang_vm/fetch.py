"""How each tool is fetched: which packages, from which suite, and what is made of them.

Guarantees: nothing is fetched that is already there; no version is written down here, each is
resolved when it is fetched, because point releases disappear from the archive; a kernel without
sched_ext is refused.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from schedlang_vm.apt import Mirror, PrivateApt, Say, extract, machine_mirror
from schedlang_vm.cache import Cache, FetchedPackage
from schedlang_vm.errors import EnvironmentProblem
from schedlang_vm.versions import KERNEL_MINIMUM, parse_version

_KERNEL_SUITE: Final = "trixie-backports"
_LIBC: Final = ("libc6",)
# What maintainer scripts need, and nothing else does when packages are only unpacked.
_SCRIPTS: Final = ("adduser", "passwd", "debconf")
_LIBRARY_FOLDERS: Final = ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu")


@dataclass(frozen=True, slots=True)
class Fetched:
    """A tree that is ready to publish."""

    version: str
    tree: Path
    packages: tuple[FetchedPackage, ...]


@dataclass(frozen=True, slots=True)
class Fetching:
    """One set-up run: the mirror, a scratch folder, and where to tell the progress."""

    mirror: Mirror
    work: Path
    say: Say

    def apt(self, name: str, suites: tuple[str, ...], has: Sequence[str] = ()) -> PrivateApt:
        apt = PrivateApt(self.work / name, self.work / "lists", self.mirror, suites, tuple(has))
        apt.prepare()
        return apt

    def suites(self, *, newer: bool) -> tuple[str, ...]:
        """The machine's release, with its backports on Debian 12 where a newer tool is needed."""
        codename = self.mirror.codename
        if newer and codename == "bookworm":
            return (codename, f"{codename}-backports")
        return (codename,)


def fetch_missing(cache: Cache, names: Sequence[str], say: Say) -> tuple[str, ...]:
    """Publish those of `names` that the cache lacks; returns what was fetched."""
    with cache.writing("setup") as work:
        missing = [name for name in names if cache.stamp(name) is None]
        if not missing:
            return ()
        mirror = machine_mirror()
        for name in missing:
            begun_s = time.monotonic()
            fetching = Fetching(mirror, work, partial(_say_of, say, name))
            got = RECIPES[name](fetching)
            cache.publish(name, got.version, got.tree, got.packages)
            fetching.say(f"{got.version} ready after {time.monotonic() - begun_s:.0f} s")
    return tuple(missing)


def _say_of(say: Say, name: str, text: str) -> None:
    say(f"{name}: {text}")


def _fetch(apt: PrivateApt, names: Sequence[str], main: str, say: Say) -> Fetched:
    debs = apt.download(names, say)
    tree = apt.folder / "tree"
    packages = extract(debs, tree)
    version = next(package.version for package in packages if package.name == main)
    return Fetched(re.sub(r"^\d+:", "", version), tree, packages)


def _kernel(fetching: Fetching) -> Fetched:
    apt = fetching.apt("kernel", (_KERNEL_SUITE,))
    pattern = re.compile(r"linux-image-(\d.*-cloud-amd64)")
    found = [m[1] for m in map(pattern.fullmatch, apt.depends("linux-image-cloud-amd64")) if m]
    if not found:
        raise EnvironmentProblem(
            f"`linux-image-cloud-amd64` in {_KERNEL_SUITE} names no kernel", "report this as a bug"
        )
    release = found[0]
    binary = f"linux-binary-{release}"
    got = _fetch(apt, [binary, f"linux-base-{release}"], binary, fetching.say)
    tree = apt.folder / "kernel"
    tree.mkdir()
    for name in ("vmlinuz", "config"):
        # Kept under modules/<release>/ today, under boot/ with the release appended before.
        place = next(
            (p for p in got.tree.rglob(f"{name}*") if p.name in (name, f"{name}-{release}")), None
        )
        if place is None:
            raise EnvironmentProblem(f"{binary} holds no {name}", "report this as a bug")
        place.rename(tree / name)
    _refuse_without_sched_ext(release, (tree / "config").read_text())
    return Fetched(release, tree, got.packages)


def _refuse_without_sched_ext(release: str, config: str) -> None:
    if "CONFIG_SCHED_CLASS_EXT=y" not in config.splitlines():
        reason = "is built without CONFIG_SCHED_CLASS_EXT"
    elif parse_version(release) < KERNEL_MINIMUM:
        reason = "is older than 6.12"
    else:
        return
    raise EnvironmentProblem(
        f"the kernel {release} of {_KERNEL_SUITE} {reason}",
        "python -m schedlang_vm build-kernel-6.12",
    )


def _qemu(fetching: Fetching) -> Fetched:
    apt = fetching.apt("qemu", fetching.suites(newer=True), [*_LIBC, *_SCRIPTS])
    got = _fetch(apt, ["qemu-system-x86"], "qemu-system-x86", fetching.say)
    _wrapper(
        got.tree,
        "qemu-system-x86_64",
        "usr/bin/qemu-system-x86_64",
        setting='QEMU_MODULE_DIR="$root/usr/lib/x86_64-linux-gnu/qemu"',
        arguments='-L "$root/usr/share/qemu" -L "$root/usr/share/seabios"',
    )
    return got


def _bpftool(fetching: Fetching) -> Fetched:
    apt = fetching.apt("bpftool", fetching.suites(newer=True), _LIBC)
    got = _fetch(apt, ["bpftool"], "bpftool", fetching.say)
    _wrapper(got.tree, "bpftool", "usr/sbin/bpftool")
    return got


def _busybox(fetching: Fetching) -> Fetched:
    apt = fetching.apt("busybox", fetching.suites(newer=False))
    return _fetch(apt, ["busybox-static"], "busybox-static", fetching.say)


def _clang(fetching: Fetching) -> Fetched:
    apt = fetching.apt("clang", fetching.suites(newer=False))
    # For BPF objects neither a linker nor a C library is needed: four fifths of the packages.
    needless = re.compile(r"(?!libclang-).*-dev|binutils")
    spared = [name for name in apt.depends("clang-19") if needless.fullmatch(name)]
    apt = fetching.apt("clang", fetching.suites(newer=False), [*_LIBC, *spared])
    got = _fetch(apt, ["clang-19"], "clang-19", fetching.say)
    _wrapper(got.tree, "clang-19", "usr/lib/llvm-19/bin/clang")
    return got


def _stress_ng(fetching: Fetching) -> Fetched:
    apt = fetching.apt("stress-ng", fetching.suites(newer=False), _LIBC)
    return _fetch(apt, ["stress-ng"], "stress-ng", fetching.say)


RECIPES: Final[dict[str, Callable[[Fetching], Fetched]]] = {
    "kernel": _kernel,
    "qemu": _qemu,
    "bpftool": _bpftool,
    "busybox": _busybox,
    "clang": _clang,
    "stress-ng": _stress_ng,
}


def _wrapper(tree: Path, name: str, program: str, setting: str = "", arguments: str = "") -> None:
    """A starter in `bin/` that finds the unpacked libraries wherever the tree is moved to.

    The C library is the machine's: it is of the same release as the packages.
    """
    libraries = ":".join(f"$root/{folder}" for folder in _LIBRARY_FOLDERS)
    lines = [
        "#!/bin/sh",
        'self=$(readlink -f "$0")',
        "root=${self%/bin/*}",
        f'LD_LIBRARY_PATH="{libraries}:$root/usr/lib/x86_64-linux-gnu/pulseaudio" {setting} \\',
        f'exec "$root/{program}" {arguments} "$@"',
    ]
    path = tree / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    path.chmod(0o755)
