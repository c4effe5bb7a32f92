"""The registry, the explain pages and the index agree with each other and with the sources."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from schedlang.diagnostics.codes import CODES, Phase
from schedlang.diagnostics.pages import index, page

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*(ROOT / "schedlang").rglob("*.py"), *(ROOT / "backends").rglob("*.py")])
PAGES = ROOT / "schedlang/diagnostics/explain"
PHASE_DIGITS = {
    "00": Phase.INPUT,
    "01": Phase.SYNTAX,
    "02": Phase.TYPES,
    "03": Phase.PROOF,
    "04": Phase.BACKEND,
    "05": Phase.KERNEL,
    "06": Phase.ENVIRONMENT,
    "07": Phase.WORKLOAD,
    "08": Phase.TESTS,
    "09": Phase.INTERNAL,
    "10": Phase.COMPARISON,
    "11": Phase.CONFORMANCE,
    "12": Phase.IMPORT,
}


def used_codes() -> set[str]:
    registry = ROOT / "schedlang/diagnostics/codes.py"
    texts = [path.read_text() for path in SOURCES if path != registry]
    return {code for text in texts for code in re.findall(r"[\"']([EW]\d{4})[\"']", text)}


def test_every_code_that_the_sources_use_is_registered() -> None:
    assert len(used_codes()) > 30
    assert used_codes() - set(CODES) == set()


def test_every_registered_code_is_used() -> None:
    assert set(CODES) - used_codes() == set()


def test_a_number_has_one_meaning() -> None:
    """No warning shares its number with an error, so `explain 0304` could never be ambiguous."""
    numbers = [code[1:] for code in CODES]
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize("code", CODES)
def test_code_stands_in_its_phase_and_its_title_in_the_house_style(code: str) -> None:
    entry = CODES[code]
    assert entry.code == code
    assert entry.phase is PHASE_DIGITS[code[1:3]]
    assert not entry.title.endswith(".")
    assert "\n" not in entry.title
    assert entry.title[0].islower() or entry.title.split()[0].isupper()


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    assert {path.stem for path in PAGES.glob("*.md")} == set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_page_has_its_parts(code: str) -> None:
    text = page(code)
    assert text.startswith(f"# {code}: {CODES[code].title}\n")
    assert "\n## Why\n" in text
    has_example = "```sched fails\n" in text and "```sched ok\n" in text
    assert has_example or "\n## What to do\n" in text
    assert max(map(len, text.splitlines())) <= 250


def test_index_is_the_registry() -> None:
    """`python -m schedlang.diagnostics.pages > docs/errors/README.md` makes it so."""
    assert (ROOT / "docs/errors/README.md").read_text() == index()


def test_index_links_lead_somewhere() -> None:
    folder = ROOT / "docs/errors"
    links = re.findall(r"\]\(([^)]+)\)", index())
    assert len(links) == len(CODES)
    assert all((folder / link).resolve().is_file() for link in links)
