"""docs/workloads.md and the explain pages: every workload on them does what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from schedlang.diagnostics.codes import CODES
from schedlang.diagnostics.pages import page
from schedlang.shapes import load_workload, shape_names
from schedlang.simulate.engine import Setting, simulate
from schedlang.source import Source
from schedlang.topology import Topology
from schedlang.workload.format import parse_workload
from schedlang.workload.model import Workload
from schedlang.workload.phrases import Misread, read_phase
from tests.support.policies import compiled

ROOT = Path(__file__).parents[2]
FIFO = (ROOT / "examples/fifo.sched").read_text()
MANUAL = (ROOT / "docs/workloads.md").read_text()
BLOCKS = re.findall(r"^```toml(?: ([A-Z]\d{4}))?\n(.*?)^```$", MANUAL, re.MULTILINE | re.DOTALL)
EXAMPLE = re.compile(r"^```toml (fails|ok)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = [code for code in CODES if code.startswith("E07")]


def parse(text: str) -> Workload | set[str]:
    found = parse_workload(Source("w.toml", text), "w")
    return found if isinstance(found, Workload) else {finding.code for finding in found}


def is_run(workload: Workload) -> bool:
    """On two CPUs, to its end."""
    found = simulate(compiled(FIFO), workload, Setting(Topology(2), ()))
    assert found.events.dispatches > 0
    return not found.stuck


@pytest.mark.parametrize(("code", "text"), BLOCKS)
def test_the_manuals_workloads_run_or_fail_as_said(code: str, text: str) -> None:
    found = parse(text)
    if code:
        assert found == {code}
    else:
        assert isinstance(found, Workload)
        assert is_run(found)


@pytest.mark.parametrize("code", PAGES)
def test_explain_pages_examples(code: str) -> None:
    examples = dict(EXAMPLE.findall(page(code)))
    assert parse(examples["fails"]) == {code}
    mended = parse(examples["ok"])
    assert isinstance(mended, Workload)
    assert is_run(mended)


def test_the_manual_lists_every_shape() -> None:
    table = MANUAL.split("\n## Shapes\n")[1]
    assert tuple(re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE)) == shape_names()


@pytest.mark.parametrize("name", shape_names())
def test_shapes_run(name: str) -> None:
    workload = load_workload(name).workload
    assert workload is not None
    assert is_run(workload)


def test_the_manual_lists_every_phase() -> None:
    """Its table has them all, and what the table says is read, one and several."""
    section = MANUAL.split("\n## Phases\n")[1].split("\n## ")[0]
    forms = [
        form
        for row in re.findall(r"^\| ([^|]+) \|", section, re.MULTILINE)[1:]
        for form in re.findall("`([^`]+)`", row)
    ]
    texts = [form for form in forms if not form.startswith(("[", '"'))]
    for form in texts:
        values = re.sub(r"\bN\b", "2", re.sub("LENGTH|TIME", "1ms", form))
        for text in (re.sub(r" \[.*\]", "", values), values.replace("[", "").replace("]", "")):
            assert not isinstance(read_phase(text), Misread), text
    unknown = read_phase("dance")
    assert isinstance(unknown, Misread)
    verbs = re.findall(r"`(\w+)`", unknown.help)
    assert sorted(form.split()[0] for form in texts) == sorted(verbs)
