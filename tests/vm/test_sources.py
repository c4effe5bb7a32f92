"""Finding the machine's Debian mirror in apt's files."""

from __future__ import annotations

from pathlib import Path

import pytest

from schedlang_vm.apt import machine_mirror
from schedlang_vm.errors import EnvironmentProblem
from schedlang_vm.sources import (
    DEFAULT_KEYRING,
    AptSource,
    debian_mirror,
    keyring_of,
    parse_deb822,
    parse_one_line,
)

ONE_LINE = """\
# deb http://old.example/debian bookworm main
deb http://mirror.example/debian bookworm main contrib # the usual
deb-src http://mirror.example/debian bookworm main
deb [arch=amd64 signed-by=/usr/share/keyrings/hashi.gpg] https://hashi.example bookworm main
deb [ signed-by=/k/debian-archive-keyring.gpg ] http://signed.example/debian/ bookworm main
"""

DEB822 = """\
Types: deb deb-src
# a comment, as images have it
URIs: http://a.example/debian http://b.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main
Enabled: no

Types: deb
URIs: https://vendor.example/apt
Suites: bookworm
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
"""


def test_one_line_entries() -> None:
    found = parse_one_line(ONE_LINE)
    assert [source.uri for source in found] == [
        "http://mirror.example/debian",
        "https://hashi.example",
        "http://signed.example/debian/",
    ]
    assert found[0].components == ("main", "contrib")
    assert found[1].signed_by == "/usr/share/keyrings/hashi.gpg"


def test_deb822_entries() -> None:
    found = parse_deb822(DEB822)
    assert [source.uri for source in found] == [
        "http://a.example/debian",
        "http://b.example/debian",
        "https://vendor.example/apt",
    ]
    assert found[0].suites == ("bookworm", "bookworm-updates")
    assert found[2].signed_by is not None
    assert "BEGIN PGP" in found[2].signed_by


def test_the_entry_with_debians_key_wins_and_vendors_never_do() -> None:
    best = debian_mirror(parse_one_line(ONE_LINE), "bookworm")
    assert best is not None
    assert best.uri == "http://signed.example/debian/"
    vendors = [s for s in parse_deb822(DEB822) if "vendor" in s.uri]
    assert debian_mirror(vendors, "bookworm") is None


def test_an_unsigned_entry_serves_where_no_other_does() -> None:
    best = debian_mirror(parse_one_line("deb http://local.example/debian trixie main"), "trixie")
    assert best is not None
    assert keyring_of(best) == DEFAULT_KEYRING
    assert debian_mirror([best], "bookworm") is None


def test_security_and_cdrom_entries_are_not_the_mirror() -> None:
    text = "deb cdrom:[Debian 12]/ bookworm main\ndeb http://x.example/s bookworm-security main\n"
    assert debian_mirror(parse_one_line(text), "bookworm") is None


def test_the_machines_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "etc/apt/sources.list.d").mkdir(parents=True)
    (tmp_path / "etc/os-release").write_text('ID=debian\nVERSION_CODENAME="bookworm"\n')
    (tmp_path / "etc/apt/sources.list.d/debian.sources").write_text(DEB822)
    (tmp_path / "etc/apt/sources.list.d/off.list.disabled").write_text(ONE_LINE)
    mirror = machine_mirror(tmp_path)
    assert mirror.codename == "bookworm"
    assert mirror.source == AptSource(
        "http://a.example/debian",
        ("bookworm", "bookworm-updates"),
        ("main",),
        "/usr/share/keyrings/debian-archive-keyring.gpg",
    )


@pytest.mark.parametrize(
    ("release", "said"),
    [
        ("ID=ubuntu\nVERSION_CODENAME=noble\nPRETTY_NAME=Ubuntu\n", "this is Ubuntu"),
        ("ID=debian\nVERSION_CODENAME=bookworm\n", "no apt source"),
    ],
)
def test_other_machines_are_refused_with_a_remedy(tmp_path: Path, release: str, said: str) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text(release)
    with pytest.raises(EnvironmentProblem) as raised:
        machine_mirror(tmp_path)
    assert said in raised.value.what
    assert raised.value.remedy
