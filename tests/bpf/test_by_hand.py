"""The schedulers written by hand that emitted code is measured against do what the policies say."""

from __future__ import annotations

import pytest

from bench.emitted_code import POLICIES, by_hand
from schedlang.backend import Built
from schedlang.conform.check import Plan, check
from schedlang_bpf.build import build
from schedlang_bpf.compiler import Compiler
from schedlang_bpf.emit import emit
from schedlang_bpf.native import natives
from tests.bpf.native import needs_zig
from tests.bpf.samples import NO_PROOF, example

PLAN = Plan(100, 120, 0)
# Emitted code keeps something of each task even where a queue and a slice are all there is to know.
WITH_TASKS = tuple(name for name in POLICIES if name != "fifo")


@needs_zig
@pytest.mark.parametrize("name", POLICIES)
def test_it_conforms(name: str) -> None:
    policy = example(name)
    (twin,) = natives([(by_hand(name), policy)])
    assert check(policy, twin, PLAN).failure is None


@needs_zig
@pytest.mark.parametrize("name", WITH_TASKS)
def test_emitted_code_looks_no_more_often_into_maps(name: str) -> None:
    policy = example(name)
    hand, emitted = natives([(by_hand(name), policy), (emit(policy, NO_PROOF), policy)])
    for twin in (hand, emitted):
        assert check(policy, twin, PLAN).failure is None
    assert emitted.lookups() <= hand.lookups()


@pytest.mark.parametrize("name", POLICIES)
def test_it_compiles(name: str, compiler: Compiler) -> None:
    assert isinstance(build(by_hand(name), example(name), compiler), Built)
