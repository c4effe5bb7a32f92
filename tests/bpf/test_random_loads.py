"""The kernel verifier's word on random policies: every one is accepted, and cheap to verify."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from itertools import combinations
from multiprocessing import get_context

import pytest

import schedlang_vm.api as vm
from schedlang.backend import Built
from schedlang_bpf.backend import find_compiler
from schedlang_bpf.build import build
from schedlang_bpf.emit import emit
from schedlang_vm.loading import load_all
from tests.bpf.samples import NO_PROOF
from tests.support.constructs import constructs, coverage, covering
from tests.support.policies import COMPILED, compiled
from tests.support.seed import shard_of_the_day
from tests.support.shards import POLICIES_PER_SHARD, drawn

pytestmark = [pytest.mark.vm, pytest.mark.usefixtures("toolbox")]

FEW = 10
DRAWN, LOADED = 3_000, 1_000
# Of each construct and each pair of them.
LEAST = 10
MOST_VERIFIED = 100_000


def object_of(text: str) -> bytes:
    policy, compiler = compiled(text), find_compiler()
    assert compiler is not None
    built = build(emit(policy, NO_PROOF), policy, compiler)
    assert isinstance(built, Built), (text, built)
    return built.object


def constructs_of(shard: int) -> list[tuple[str, frozenset[str]]]:
    texts = drawn(shard, POLICIES_PER_SHARD, COMPILED)
    return [(text, constructs(compiled(text))) for text in texts]


def loaded(texts: list[str], objects: list[bytes]) -> None:
    """All of them in one boot; each is accepted, and within the budget."""
    answers = load_all(objects, vm.locate().newest())
    for text, answer in zip(texts, answers, strict=True):
        assert answer.accepted, f"{text}\n{answer.log[-4000:]}"
        assert 0 < answer.verified < MOST_VERIFIED, text
    verified = sorted(answer.verified for answer in answers)
    middle = verified[len(verified) // 2]
    print(
        f"{len(texts)} policies, instructions verified: {middle} (median), at most {verified[-1]}"
    )


def test_a_few_are_accepted() -> None:
    texts = drawn(shard_of_the_day(), FEW, COMPILED)
    loaded(texts, [object_of(text) for text in texts])


@pytest.mark.slow
def test_a_thousand_with_all_pairs_of_constructs_are_accepted() -> None:
    first = shard_of_the_day()
    shards = range(first, first + DRAWN // POLICIES_PER_SHARD)
    with ProcessPoolExecutor(os.cpu_count() or 1, mp_context=get_context("spawn")) as pool:
        known = [one for shard in pool.map(constructs_of, shards) for one in shard]
        chosen = covering([found for _, found in known], LOADED, LEAST)
        texts = [known[n][0] for n in chosen]
        objects = list(pool.map(object_of, texts, chunksize=10))
    singles, pairs = coverage([known[n][1] for n in chosen])
    for name, number in sorted(singles.items()):
        print(f"{number:5} {name}")
    every = list(combinations(sorted(singles), 2))
    seldom = [(pair, pairs[pair]) for pair in every if pairs[pair] < LEAST]
    print(f"{len(singles)} constructs, {len(every)} pairs, {len(seldom)} of them seldom: {seldom}")
    loaded(texts, objects)
    assert not seldom
