"""The pages agree with what they describe: links, names of files, commands, exit codes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from schedlang.cli.exits import Exit
from schedlang.cli.main import cli

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
CLI_PAGE = (ROOT / "docs/cli.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_to_files(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_files_named_in_backquotes_exist(page: Path) -> None:
    """Those with a folder, from the top of the checkout; a part in capitals stands for many."""
    folders = "schedlang|backends|agent|grammar|stdlib|examples|tests|docs|bench|scripts"
    named = re.findall(rf"`((?:{folders})/[\w./-]*)`", page.read_text())
    files = [name for name in named if not re.search(r"\b[A-Z]{4,}\b", name.removesuffix(".md"))]
    assert [name for name in files if not (ROOT / name).exists()] == []


def test_every_command_is_documented() -> None:
    table = CLI_PAGE.split("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)", table, re.MULTILINE)) == set(cli.commands)


def test_every_exit_code_is_documented() -> None:
    rows = re.findall(r"^\| ([\d, ]+) \|", CLI_PAGE, re.MULTILINE)
    codes = {int(code) for row in rows for code in row.split(",")}
    assert codes == set(Exit)
