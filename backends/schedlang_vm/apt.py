"""Downloads Debian packages through a private apt: no root, the system's lists untouched.

Guarantees: signatures and hashes are checked by apt itself; nothing is installed; every file
apt writes lies in the folder it was given. The machine's own `Acquire` settings (proxies,
validity checks) are kept, its hooks are not run.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from schedlang_vm.cache import FetchedPackage
from schedlang_vm.errors import EnvironmentProblem
from schedlang_vm.sources import (
    AptSource,
    debian_mirror,
    keyring_of,
    parse_deb822,
    parse_one_line,
)

_URI_LINE: Final = re.compile(r"'[^']+' (?P<file>\S+\.deb) (?P<size>\d+) .*")
_REPORT_EVERY_S: Final = 5.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Mirror:
    """The machine's Debian release and the archive it takes it from."""

    codename: str
    source: AptSource


def machine_mirror(root: Path = Path("/")) -> Mirror:
    """Read the machine's release and apt sources; refuse what is not Debian 12 or 13."""
    release = _os_release(root / "etc/os-release")
    codename = release.get("VERSION_CODENAME", "")
    if release.get("ID") != "debian" or codename not in ("bookworm", "trixie"):
        name = release.get("PRETTY_NAME", "an unknown system")
        raise EnvironmentProblem(
            f"the tools are fetched from Debian 12 or 13, this is {name}",
            "run in a Debian 12 or 13 container",
        )
    source = debian_mirror(_read_sources(root / "etc/apt"), codename)
    if source is None:
        raise EnvironmentProblem(
            f"no apt source on this machine serves Debian {codename} main",
            f"add the `{codename} main` line of your Debian mirror to /etc/apt/sources.list",
        )
    return Mirror(codename, source)


def _os_release(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {key: value.strip("\"'") for key, _, value in pairs}


def _read_sources(apt: Path) -> list[AptSource]:
    parts = apt / "sources.list.d"
    one_line = [apt / "sources.list", *sorted(parts.glob("*.list"))]
    found = [s for p in one_line if p.is_file() for s in parse_one_line(p.read_text())]
    for path in sorted(parts.glob("*.sources")):
        found += parse_deb822(path.read_text())
    return found


@dataclass(frozen=True, slots=True)
class PrivateApt:
    """An apt of our own in `folder`, which sees only `suites` of the machine's mirror.

    `lists` (package lists) may be shared with others like it. `machine_has` names packages to
    treat as installed, so that they and what only they need are not downloaded.
    """

    folder: Path
    lists: Path
    mirror: Mirror
    suites: tuple[str, ...]
    machine_has: tuple[str, ...] = ()

    def prepare(self) -> None:
        """Write the configuration and fetch the package lists."""
        for path in (
            self.lists / "partial",
            self.folder / "archives/partial",
            self.folder / "empty",
        ):
            path.mkdir(parents=True, exist_ok=True)
        keyring, uri = keyring_of(self.mirror.source), self.mirror.source.uri
        lines = [f"deb [signed-by={keyring}] {uri} {suite} main\n" for suite in self.suites]
        (self.folder / "sources.list").write_text("".join(lines))
        (self.folder / "status").write_text("".join(map(_installed, self.machine_has)))
        kept = [line for line in _apt(["apt-config", "dump"], None) if line.startswith("Acquire::")]
        (self.folder / "apt.conf").write_text("\n".join([*kept, *self._settings(), ""]))
        self._run(["apt-get", "update", "-q", "-o", "APT::Update::Error-Mode=any"])

    def _settings(self) -> list[str]:
        folder = self.folder
        settings = {
            "Dir::Etc::parts": f"{folder}/empty",
            "Dir::Etc::main": "/dev/null",
            "Dir::Etc::sourcelist": f"{folder}/sources.list",
            "Dir::Etc::sourceparts": f"{folder}/empty",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": f"{folder}/empty",
            "Dir::State": str(folder),
            "Dir::State::lists": str(self.lists),
            "APT::Get::List-Cleanup": "false",
            "Dir::State::status": f"{folder}/status",
            "Dir::Cache": str(folder),
            "Dir::Log": str(folder),
            "APT::Architecture": "amd64",
            "APT::Install-Recommends": "false",
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
        }
        architectures = ["#clear APT::Architectures;", 'APT::Architectures { "amd64"; };']
        return [*(f'{key} "{value}";' for key, value in settings.items()), *architectures]

    def depends(self, package: str) -> tuple[str, ...]:
        """The names a package depends on directly."""
        lines = self._run(["apt-cache", "depends", "--important", package])
        found = (re.fullmatch(r"[ |]*(?:Pre)?Depends: (\S+)", line) for line in lines)
        return tuple(match[1] for match in found if match is not None)

    def download(self, names: Sequence[str], say: Say) -> tuple[Path, ...]:
        """Fetch the packages with all they need into `archives`; returns the .deb files.

        The last of `suites` is preferred where several hold a package.
        """
        install = ["apt-get", "install", "-q", "-y", "-t", self.suites[-1], *names]
        lines = self._run([*install, "--print-uris"])
        sizes = [int(m["size"]) for m in map(_URI_LINE.fullmatch, lines) if m is not None]
        say(f"downloading {len(sizes)} packages, {sum(sizes) / 1e6:.1f} MB")
        self._watched([*install, "--download-only"], sum(sizes), say)
        return tuple(sorted((self.folder / "archives").glob("*.deb")))

    def _watched(self, command: list[str], total: int, say: Say) -> None:
        log = self.folder / "apt.log"
        with open(log, "wb") as output:
            process = subprocess.Popen(
                command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, env=self._env()
            )
            due_s = time.monotonic() + _REPORT_EVERY_S
            while process.poll() is None:
                time.sleep(0.05)
                if time.monotonic() > due_s:
                    due_s += _REPORT_EVERY_S
                    say(f"  {self._fetched() / 1e6:.0f} of {total / 1e6:.0f} MB")
        if process.returncode != 0:
            raise _apt_problem(log.read_text(errors="replace"))

    def _fetched(self) -> int:
        total = 0
        for path in (self.folder / "archives").rglob("*"):
            try:
                total += path.stat().st_size if path.is_file() else 0
            except FileNotFoundError:  # apt moves a finished file out of `partial`
                continue
        return total

    def _env(self) -> dict[str, str]:
        return {**os.environ, "APT_CONFIG": f"{self.folder}/apt.conf", "LC_ALL": "C"}

    def _run(self, command: list[str]) -> list[str]:
        return _apt(command, self._env())


def _installed(name: str) -> str:
    return (
        f"Package: {name}\nStatus: install ok installed\nArchitecture: amd64\n"
        "Multi-Arch: foreign\nVersion: 9999:0\nMaintainer: none\nDescription: the machine's\n\n"
    )


def _apt(command: list[str], env: dict[str, str] | None) -> list[str]:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", env=env, check=False
        )
    except FileNotFoundError:
        raise EnvironmentProblem(
            f"`{command[0]}` is not on this machine", "run on Debian 12 or 13"
        ) from None
    if done.returncode != 0:
        raise _apt_problem(done.stderr)
    return done.stdout.splitlines()


def _apt_problem(output: str) -> EnvironmentProblem:
    told = [line for line in output.splitlines() if line.startswith(("E:", "W:"))]
    remedy = "check the network and the mirror in /etc/apt, then run the set-up again"
    if "NO_PUBKEY" in output or "not signed" in output:
        remedy = "apt-get install --only-upgrade debian-archive-keyring"
    return EnvironmentProblem("apt failed: " + (" ".join(told[:3]) or output[-300:]), remedy)


def extract(debs: Sequence[Path], into: Path) -> tuple[FetchedPackage, ...]:
    """Unpack .debs into one tree without installing them, and say what they were."""
    into.mkdir(parents=True, exist_ok=True)
    return tuple(_extract_one(deb, into) for deb in debs)


def _extract_one(deb: Path, into: Path) -> FetchedPackage:
    fields = _apt(["dpkg-deb", "-f", str(deb), "Package", "Version"], None)
    values = dict(line.split(": ", 1) for line in fields if ": " in line)
    _apt(["dpkg-deb", "-x", str(deb), str(into)], None)
    digest = hashlib.sha256(deb.read_bytes()).hexdigest()
    return FetchedPackage(values["Package"], values["Version"], digest)
