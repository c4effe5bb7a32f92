"""Every piece of the standard library is in a policy that proves what it promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from schedlang.backend import KernelRun, RunRequest
from schedlang.cli.workload import default_tasks, task_workload
from schedlang.diagnostics.model import has_errors
from schedlang.driver import Compilation, Phase, Request, load_backend, run
from schedlang.ir import nodes as ir
from schedlang.prover.verdict import Proved
from schedlang.semantics.module import own_declarations
from schedlang.syntax import ast
from schedlang.topology import Topology
from tests.support.stdlib_page import LIBRARIES, POLICIES, ROOT, page, tree_of

FOUND = sorted(POLICIES.glob("*.sched"))


def compiled(path: Path, through: Phase) -> Compilation:
    done = run(Request(str(path), through))
    assert not has_errors(done.diagnostics), done.diagnostics
    return done


@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.stem)
def test_what_is_promised_is_proved_over_ranges(path: Path) -> None:
    done = compiled(path, Phase.PROVE)
    assert done.policy is not None
    assert done.proof is not None
    assert all(isinstance(finding.verdict, Proved) for finding in done.proof.findings)
    assert any(param.tunable for param in done.policy.params)
    assert {goal.property for goal in done.policy.goals} >= {
        ir.Property.STARVATION_FREE,
        ir.Property.NO_LOST_TASK,
    }


@pytest.mark.vm
@pytest.mark.usefixtures("toolbox")
def test_a_kernel_takes_them_all() -> None:
    runs = []
    for path in FOUND:
        done = compiled(path, Phase.BUILD)
        assert done.policy is not None
        assert done.built is not None
        workload = task_workload(default_tasks(done.policy), 1)
        request = RunRequest(Topology(2), workload, deterministic=True)
        runs.append(KernelRun(request, done.policy, done.built.object))
    for path, report in zip(FOUND, load_backend().run_many(runs), strict=True):
        assert report.diagnostics == (), path
        assert report.attached_throughout, path


def test_every_piece_is_used_by_a_policy_that_is_proved() -> None:
    offered = {name for path in LIBRARIES for name in own_declarations(tree_of(path))}
    used = {
        name.name
        for path in FOUND
        for use in tree_of(path).decls
        if isinstance(use, ast.Use)
        for name in use.names
    }
    assert used == offered


def test_every_library_is_known_here() -> None:
    assert set(LIBRARIES) == set((ROOT / "stdlib").glob("*.sched"))


def test_the_page_is_up_to_date() -> None:
    """`python -m tests.support.stdlib_page > docs/stdlib.md` makes it so."""
    assert (ROOT / "docs/stdlib.md").read_text() == page()


def test_every_order_and_tree_says_what_is_proved_of_it() -> None:
    kinds = (ast.Order, ast.TreeTemplate)
    pieces = [own_declarations(tree_of(path)) for path in LIBRARIES]
    named = {name for own in pieces for name, tree in own.items() if isinstance(tree, kinds)}
    assert named <= {path.stem for path in FOUND}
