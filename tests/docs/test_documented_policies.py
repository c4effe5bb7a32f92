"""Every policy in the documentation is compiled; one marked with a code fails with just that."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from schedlang.diagnostics.model import Severity
from schedlang.libraries import Folders
from schedlang.semantics.lower import lower
from schedlang.source import Source
from schedlang.syntax.parse import parse

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(
    r"^```sched(?: (?P<code>[EW]\d{4}))?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
LIBRARY = re.compile(
    r"^```sched (?P<file>[\w/]+\.sched)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)

BLOCKS = [
    pytest.param(
        match["text"],
        match["code"],
        page_text,
        id=f"{page.stem}:{page_text[: match.start()].count(chr(10)) + 1}",
    )
    for page in PAGES
    for page_text in [page.read_text()]
    for match in BLOCK.finditer(page_text)
]


def errors(text: str, folder: Path) -> set[str]:
    source = Source("documented.sched", text)
    tree, findings = parse(source)
    if tree is not None:
        findings = lower(tree, source, Folders((folder,))).findings
    return {finding.code for finding in findings if finding.severity is Severity.ERROR}


@pytest.mark.parametrize(("text", "code", "page"), BLOCKS)
def test_documented_policies_compile_or_fail_as_said(
    text: str, code: str | None, page: str, tmp_path: Path
) -> None:
    """Beside the libraries of their page."""
    for library in LIBRARY.finditer(page):
        file = tmp_path / library["file"]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(library["text"])
    assert errors(text, tmp_path) == ({code} if code else set())


def test_there_are_documented_policies() -> None:
    assert len(BLOCKS) >= 8
