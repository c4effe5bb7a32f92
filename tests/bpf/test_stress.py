"""Every example and all of the standard library under stress-ng, and CPUs that come and go."""

from __future__ import annotations

from itertools import product

import pytest

from schedlang.backend import Built
from schedlang.ir.nodes import Policy
from schedlang_bpf.backend import BpfBackend, find_compiler
from schedlang_bpf.build import build
from schedlang_bpf.compiler import Compiler, zig_clang
from schedlang_bpf.emit import emit
from schedlang_vm.stress import Stressed, stress
from schedlang_vm.toolbox import Toolbox
from schedlang_vm.topology import Topology
from tests.bpf.samples import NO_PROOF, in_file
from tests.support.examples import EXAMPLES, title
from tests.support.policies import compiled
from tests.support.seed import shard_of_the_day
from tests.support.stdlib_page import POLICIES as PROVING

pytestmark = [pytest.mark.vm, pytest.mark.usefixtures("toolbox")]

# `strict_priority` starves, which is what it is there for.
PATHS = {title(path): path for path in EXAMPLES if path.stem != "strict_priority"}
PATHS |= {f"stdlib/{path.stem}": path for path in sorted(PROVING.glob("*.sched"))}
NAMES = list(PATHS)
SECONDS = 30
KERNELS = ("newest", "6.12")
TOPOLOGIES = {"2 LLCs": Topology(4, llcs=2), "2 nodes": Topology(4, llcs=2, nodes=2)}
COMPILERS = ("clang", "ziglang")
EVERYWHERE = list(product(KERNELS, TOPOLOGIES, COMPILERS))


def compiler_called(name: str) -> Compiler:
    found = find_compiler() if name == "clang" else zig_clang()
    if found is None:
        pytest.skip(f"no {name}")
    return found


def policy_of(name: str) -> Policy:
    path = PATHS[name]
    policy = in_file(compiled(path.read_text()), path.name)
    if findings := BpfBackend().uncovered(policy):
        pytest.skip(findings[0].message)
    return policy


def stressed(toolbox: Toolbox, name: str, where: tuple[str, str, str]) -> Stressed:
    if toolbox.stress_ng is None:
        pytest.skip("stress-ng is not in the cache: make setup")
    if where[0] == "6.12" and toolbox.oldest_kernel is None:
        pytest.skip("the 6.12 kernel is not built")
    kernel = toolbox.newest() if where[0] == "newest" else toolbox.oldest()
    policy = policy_of(name)
    built = build(emit(policy, NO_PROOF), policy, compiler_called(where[2]))
    assert isinstance(built, Built), built
    (told,) = stress([built.object], kernel, TOPOLOGIES[where[1]], SECONDS)
    return told


@pytest.mark.shard
def test_the_shard_of_the_day_holds_out(toolbox: Toolbox) -> None:
    shard = shard_of_the_day()
    name, where = NAMES[shard % len(NAMES)], EVERYWHERE[shard % len(EVERYWHERE)]
    told = stressed(toolbox, name, where)
    assert told.problems == (), (name, where, told.log[-8000:])


@pytest.mark.slow
@pytest.mark.parametrize("where", EVERYWHERE, ids=", ".join)
@pytest.mark.parametrize("name", NAMES)
def test_every_example_holds_out(name: str, where: tuple[str, str, str], toolbox: Toolbox) -> None:
    told = stressed(toolbox, name, where)
    assert told.problems == (), told.log[-8000:]
    assert told.reloads > 0
