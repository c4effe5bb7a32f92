"""The designs and the policies for jobs: each is proved, passes its tests, and is accepted.

What stays unknown has its reason on docs/designs.md, where the claim is quoted.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import schedlang_vm.api as vm
from schedlang.backend import Built, KernelRun
from schedlang.conform.check import Plan, check
from schedlang.driver import load_backend
from schedlang.ir.nodes import Policy
from schedlang.prover.prove import prove
from schedlang.prover.verdict import Finding, ProofReport, Proved, Unknown
from schedlang.report.findings import claim_text
from schedlang.source import Source
from schedlang.syntax.format import format_policy
from schedlang.testing.kernel import request_of, trial_of
from schedlang.testing.run import simulated
from schedlang_bpf.backend import find_compiler
from schedlang_bpf.build import build
from schedlang_bpf.compiler import Compiler, zig_clang
from schedlang_bpf.emit import emit
from schedlang_bpf.native import natives
from tests.bpf.native import needs_zig
from tests.support.conforming import c_of
from tests.support.examples import DESIGNS, JOBS, title
from tests.support.policies import compiled
from tests.support.seed import shard_of_the_day

SUBJECTS = [*DESIGNS, *JOBS]
PAGE = (Path(__file__).parents[2] / "docs/designs.md").read_text()
MOST_EFFORT = 500_000  # of the solver, counted by itself: less than a second
SHARDS = 6
KERNELS = ("newest", "6.12")

each = pytest.mark.parametrize("path", SUBJECTS, ids=title)


def policy_in(path: Path) -> Policy:
    return compiled(path.read_text())


@each
def test_it_says_what_it_is_and_is_laid_out(path: Path) -> None:
    policy = policy_in(path)
    assert policy.name == path.stem
    assert policy.documentation
    assert policy.tests
    assert format_policy(Source(path.name, path.read_text())) == path.read_text()


@each
def test_it_is_described(path: Path) -> None:
    assert f"](../examples/{path.parent.name}/{path.name})" in PAGE


@each
def test_it_is_proved(path: Path) -> None:
    policy = policy_in(path)
    report = prove(policy)
    open_ = [f for f in report.findings if not isinstance(f.verdict, Proved) and not f.accepted]
    assert [claim_text(f, policy) for f in open_ if not is_explained(f, policy)] == []
    efforts = {o.smt2: o.effort for finding in report.findings for o in finding.obligations}
    assert sum(efforts.values()) <= MOST_EFFORT


def is_explained(finding: Finding, policy: Policy) -> bool:
    """An unknown whose claim stands on the page, in the paragraph that names the policy."""
    claim = f"`{claim_text(finding, policy)}`"
    told = [part for part in PAGE.split("\n\n") if f"/{policy.name}.sched)" in part]
    return isinstance(finding.verdict, Unknown) and any(claim in part for part in told)


@each
def test_its_tests_hold(path: Path) -> None:
    policy = policy_in(path)
    trials = [simulated(policy, test, seed) for test in policy.tests for seed in (0, 1, 2)]
    assert [(trial.test.name, trial.judged) for trial in trials if not trial.holds] == []


@needs_zig
def test_the_c_conforms() -> None:
    policies = [policy_in(path) for path in SUBJECTS]
    twins = natives([(c_of(policy), policy) for policy in policies])
    for policy, twin in zip(policies, twins, strict=True):
        assert check(policy, twin, Plan(12, 120, 0)).failure is None, policy.name


@pytest.mark.vm
@pytest.mark.shard
@pytest.mark.usefixtures("toolbox")
def test_some_are_accepted_by_the_kernel() -> None:
    """A part of them, another one with each commit; by the newest kernel."""
    require_accepted(SUBJECTS[shard_of_the_day() % SHARDS :: SHARDS], "newest", a_compiler())


@pytest.mark.vm
@pytest.mark.slow
@pytest.mark.usefixtures("toolbox")
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("which", ["clang", "zig"])
def test_all_are_accepted_by_the_kernels(kernel: str, which: str) -> None:
    compiler = zig_clang() if which == "zig" else find_compiler()
    if compiler is None:
        pytest.skip("the compiler is not installed")
    require_accepted(SUBJECTS, kernel, compiler)


@pytest.mark.vm
@pytest.mark.slow
@pytest.mark.usefixtures("toolbox")
@pytest.mark.parametrize("path", JOBS, ids=title)
def test_jobs_keep_their_word_in_a_kernel(path: Path) -> None:
    policy = policy_in(path)
    obj = built(policy, a_compiler())
    requests = [request_of(policy, test, 0, "newest") for test in policy.tests]
    runs = [KernelRun(request, policy, obj) for request in requests]
    for test, report in zip(policy.tests, load_backend().run_many(runs), strict=True):
        assert report.diagnostics == ()
        assert report.ran is not None
        assert trial_of(test, 0, report.ran).holds, test.name


def a_compiler() -> Compiler:
    found = find_compiler()
    if found is None:
        pytest.skip("no C compiler for BPF")
    return found


def require_accepted(paths: list[Path], kernel: str, compiler: Compiler) -> None:
    toolbox = vm.locate()
    image = toolbox.newest() if kernel == "newest" else toolbox.oldest()
    objects = {path.stem: built(policy_in(path), compiler) for path in paths}
    reports = vm.verify_many(objects, kernel=image, topology=vm.Topology(2), timeout_s=300)
    assert [r for r in reports if not isinstance(r.outcome, vm.Accepted)] == []
    assert len(reports) == len(paths)


def built(policy: Policy, compiler: Compiler) -> bytes:
    result = build(emit(policy, ProofReport(())), policy, compiler)
    assert isinstance(result, Built), result
    return result.object
