"""Each page's failing example raises exactly its code, and the mended one raises nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from schedlang.diagnostics.codes import CODES
from schedlang.diagnostics.pages import page
from schedlang.driver import Phase, Request, run
from schedlang.testing.run import simulated

NO_POLICY_RAISES = {
    *("E0001", "E0002", "E0003"),  # no text of a policy is at fault
    *("E0305", "E0306", "E0307"),  # certificates
    *("E0401", "E0402", "E0403", "E0501", "E0502", "E0503", "E0504", "E0505"),
    "E0506",
    *("E0601", "E0602", "E0603", "E0901"),
    *("E1001", "E1002", "E1003", "E1101", "E1102"),
    *("E1201", "E1202"),
    *(code for code in CODES if code.startswith("E07")),  # tests/workload tries their examples
}
EXAMPLE = re.compile(r"^```sched (fails|ok)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LIBRARY = re.compile(r"^```sched (fails|ok) ([\w/]+\.sched)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WITH_EXAMPLES = [code for code in CODES if code not in NO_POLICY_RAISES]


def raised(text: str, folder: Path) -> set[str]:
    path = folder / "example.sched"
    path.write_text(text)
    return {d.code for d in run(Request(str(path), through=Phase.PROVE)).diagnostics}


def raised_before_proof(text: str, folder: Path) -> set[str]:
    path = folder / "example.sched"
    path.write_text(text)
    return {d.code for d in run(Request(str(path), through=Phase.LOWER)).diagnostics}


def raised_by_its_tests(text: str, folder: Path) -> set[str]:
    path = folder / "example.sched"
    path.write_text(text)
    policy = run(Request(str(path), through=Phase.LOWER)).policy
    assert policy is not None
    assert policy.tests
    held = [simulated(policy, test, seed).holds for test in policy.tests for seed in range(3)]
    return set() if all(held) else {"E0801"}


JUDGES = {"03": raised, "08": raised_by_its_tests}


@pytest.mark.parametrize("code", WITH_EXAMPLES)
def test_examples_do_what_the_page_says(code: str, tmp_path: Path) -> None:
    examples = dict(EXAMPLE.findall(page(code)))
    assert set(examples) == {"fails", "ok"}
    judge = JUDGES.get(code[1:3], raised_before_proof)
    for which, expected in (("fails", {code}), ("ok", set())):
        folder = tmp_path / which
        folder.mkdir()
        for example, name, text in LIBRARY.findall(page(code)):
            if example == which:
                (folder / name).write_text(text)
        assert judge(examples[which], folder) == expected


@pytest.mark.parametrize("code", sorted(NO_POLICY_RAISES))
def test_a_page_without_examples_says_what_to_do(code: str) -> None:
    assert EXAMPLE.findall(page(code)) == []
    assert "\n## What to do\n" in page(code)
