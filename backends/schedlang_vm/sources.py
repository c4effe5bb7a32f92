"""Reads apt's source files, pure text to values, and picks the machine's Debian mirror.

Guarantee: no mirror's address is known to this project; it always comes from the machine's own
files, and an entry signed with some other archive's key is never taken for Debian.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

DEFAULT_KEYRING: Final = "/usr/share/keyrings/debian-archive-keyring.gpg"
_ONE_LINE: Final = re.compile(r"deb\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<rest>\S.*)")


@dataclass(frozen=True, slots=True)
class AptSource:
    """One archive address with what it is said to serve; `signed_by` is as written, or None."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str | None


def parse_one_line(text: str) -> tuple[AptSource, ...]:
    """The `deb` entries of a sources.list file; comments and `deb-src` are dropped."""
    found: list[AptSource] = []
    for line in text.splitlines():
        match = _ONE_LINE.fullmatch(line.split("#", 1)[0].strip())
        if match is None:
            continue
        words = match["rest"].split()
        options = dict(_options(match["options"] or ""))
        if len(words) >= 3:
            uri, suite, components = words[0], words[1], tuple(words[2:])
            found.append(AptSource(uri, (suite,), components, options.get("signed-by")))
    return tuple(found)


def _options(text: str) -> Iterator[tuple[str, str]]:
    for word in text.split():
        key, _, value = word.partition("=")
        yield key.lower(), value


def parse_deb822(text: str) -> tuple[AptSource, ...]:
    """The enabled `deb` entries of a deb822 `*.sources` file, one per address."""
    found: list[AptSource] = []
    for stanza in _stanzas(text):
        if "deb" not in stanza.get("types", "").split():
            continue
        if stanza.get("enabled", "yes").strip().lower() in ("no", "false", "0"):
            continue
        suites = tuple(stanza.get("suites", "").split())
        components = tuple(stanza.get("components", "").split())
        signed_by = stanza.get("signed-by", "").strip() or None
        found += [
            AptSource(uri, suites, components, signed_by) for uri in stanza.get("uris", "").split()
        ]
    return tuple(found)


def _stanzas(text: str) -> Iterator[Mapping[str, str]]:
    for block in re.split(r"\n[ \t]*\n", text):
        fields: dict[str, str] = {}
        key = ""
        for line in block.splitlines():
            if line.startswith("#"):
                continue
            if line[:1] in (" ", "\t"):
                fields[key] = f"{fields.get(key, '')}\n{line.strip()}"
            elif ":" in line:
                name, _, value = line.partition(":")
                key = name.strip().lower()
                fields[key] = value.strip()
        if fields:
            yield fields


def debian_mirror(sources: Iterable[AptSource], codename: str) -> AptSource | None:
    """The entry that serves Debian `main` for `codename`, or None.

    Other archives also name their suites after Debian's codenames. Best is an entry that is
    signed with Debian's archive key, then one without a key of its own.
    """
    fit = [s for s in sources if codename in s.suites and "main" in s.components]
    ranked = sorted(((_rank(s), s.uri, s) for s in fit), key=lambda entry: entry[0])
    return ranked[0][2] if ranked and ranked[0][0] < _FOREIGN else None


_FOREIGN: Final = 3


def _rank(source: AptSource) -> int:
    if source.uri.startswith("cdrom:"):
        return _FOREIGN
    if source.signed_by is None:
        return 1 if re.search(r"/debian/?$|^mirror\+", source.uri) else 2
    return 0 if "debian-archive" in source.signed_by else _FOREIGN


def keyring_of(source: AptSource) -> str:
    """The keyring file that vouches for the mirror: the entry's own, else Debian's."""
    signed_by = source.signed_by
    return signed_by if signed_by is not None and signed_by.startswith("/") else DEFAULT_KEYRING
