"""Realistic specifications, and the policies and gaps that they become.

`SCHEDC_REGENERATE=1 pytest tests/importing/test_goldens.py` writes the goldens anew.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from schedlang.importing.draft import Draft
from schedlang.importing.layered_spec import Match
from schedlang.prover.prove import prove
from schedlang.prover.verdict import Proved
from schedlang.source import Source
from tests.importing.build import draft_of_layers, draft_of_rules
from tests.support.policies import compiled

SPECS = Path(__file__).parent / "specs"
LAYERED = sorted(SPECS.glob("*.json"))


def source(path: Path) -> Source:
    return Source(path.name, path.read_text())


def told(draft: Draft, sources: tuple[Source, ...]) -> str:
    lines = (
        f"{sources[gap.span.file].name}:{sources[gap.span.file].line(gap.span)}: "
        f"{gap.loss} {gap.where}: {gap.why}\n"
        for gap in draft.gaps
    )
    return "".join(lines)


def require_golden(draft: Draft, sources: tuple[Source, ...], name: str) -> None:
    for suffix, text in ((".sched", draft.text), (".gaps", told(draft, sources))):
        golden = SPECS / f"{name}{suffix}"
        if os.environ.get("SCHEDC_REGENERATE"):
            golden.write_text(text)
        assert text == golden.read_text()


def require_proved(draft: Draft) -> None:
    report = prove(compiled(draft.text))
    assert [f for f in report.findings if not isinstance(f.verdict, Proved)] == []


@pytest.mark.parametrize("path", LAYERED, ids=lambda path: path.stem)
def test_layers(path: Path) -> None:
    read = source(path)
    draft = draft_of_layers(read, path.stem)
    require_golden(draft, (read,), path.stem)
    require_proved(draft)


def test_rules() -> None:
    sources = (source(SPECS / "classes.types"), source(SPECS / "classes.rules"))
    draft = draft_of_rules(sources, "classes")
    require_golden(draft, sources, "classes")
    require_proved(draft)


def test_the_specifications_have_most_kinds_of_match() -> None:
    texts = "".join(path.read_text() for path in LAYERED)
    rare = {"CgroupRegex", "NiceEquals", "NSPIDEquals", "NSEquals", "PcommPrefixExclude"}
    rare |= {"SystemCpuUtilBelow", "DsqInsertBelow"}
    assert {match for match in Match if f'"{match}"' not in texts} == rare
