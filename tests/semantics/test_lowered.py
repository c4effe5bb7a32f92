"""What a good policy becomes: resolved, inlined, with its types and ranges."""

from __future__ import annotations

from pathlib import Path

import pytest

from schedlang.ir import nodes as ir
from schedlang.ir.verify import verify
from schedlang.semantics.lower import Lowered, lower
from schedlang.semantics.scope import MAX_DEPTH
from schedlang.source import Source
from schedlang.syntax.parse import parse
from tests.support.examples import EXAMPLES, title


def lowered(text: str, name: str = "p.sched") -> Lowered:
    source = Source(name, text)
    tree, findings = parse(source)
    assert tree is not None, findings
    return lower(tree, source)


def accepted(text: str) -> ir.Policy:
    result = lowered(text)
    assert result.policy is not None, result.findings
    verify(result.policy)
    return result.policy


def one_queue(slice_: str, declarations: str = "") -> str:
    return f"""policy p
        {declarations}
        queue a {{ global  order fifo  slice {slice_} }}
        route {{ else -> a }}
        serve a"""


@pytest.mark.parametrize("path", EXAMPLES, ids=title)
def test_the_examples_are_accepted(path: Path) -> None:
    assert accepted(path.read_text(encoding="utf-8")).name == path.stem


def test_documentation_is_the_text_before_the_policy() -> None:
    policy = accepted("# not this\n## One.\n##  Two.\n" + one_queue("1ms") + "\n## not this\n")
    assert policy.documentation == "One.\nTwo."


def test_functions_and_params_are_inlined_with_their_ranges() -> None:
    declarations = "param q : duration = 2ms in 1ms..4ms  fn twice(d : duration) = d * 2"
    policy = accepted(one_queue("twice(q) + 1us", declarations))
    assert policy.queues[0].slice.range == ir.Interval(2_001_000, 8_001_000)


def test_a_param_without_a_range_is_a_constant() -> None:
    (param,) = accepted(one_queue("q", "param q : duration = 2ms")).params
    assert (param.lo, param.default, param.hi, param.tunable) == (2_000_000,) * 3 + (False,)


def test_ewma_is_the_floor_of_its_definition() -> None:
    declarations = """
        task { x : duration = 1ms in 0ns..10ms
               on stop { x = ewma(x, min(used, 10ms), 4) } }"""
    policy = accepted(one_queue("1ms", declarations))
    assert policy.handlers[0].assigns[0].value.range == ir.Interval(250, 10_000_000)


def test_library_orders_keep_their_own_source() -> None:
    text = """policy p
        use std.orders.{vruntime}
        queue a { global  order vruntime(credit: 20ms, fork: 1ms)  slice 1ms }
        route { else -> a }
        serve a"""
    policy = accepted(text)
    order = policy.queues[0].order
    assert [source.name for source in policy.sources] == ["p.sched", "std/orders.sched"]
    assert policy.sources[order.span.file].excerpt(order.span).startswith("order vruntime(")
    assert order.clock_state == 0


def test_the_scale_of_a_weighted_child_is_exact() -> None:
    text = """policy p
        queue a { global  order fifo  slice 1ms }
        queue b { global  order fifo  slice 1ms }
        route { nice < 0 -> a  else -> b }
        serve weighted { a: 4  b: 6 }"""
    tree = accepted(text).serve
    assert isinstance(tree, ir.Weighted)
    assert [share.scale for share in tree.shares] == [3, 2]


def test_inlining_that_grows_without_measure_is_refused() -> None:
    nest = "1ms"
    for _ in range(40):
        nest = f"f({nest})"
    result = lowered(one_queue(f"clamp({nest}, 1ms, 2ms)", "fn f(x : duration) = min(x, x)"))
    assert {finding.code for finding in result.findings} == {"E0224"}


def test_inlining_that_nests_too_deeply_is_refused() -> None:
    chain = "fn f0() = 1ms\n" + "\n".join(
        f"fn f{i}() = min(f{i - 1}(), 1ms)" for i in range(1, MAX_DEPTH)
    )
    result = lowered(one_queue(f"f{MAX_DEPTH - 1}()", chain))
    assert {finding.code for finding in result.findings} == {"E0224"}


def test_many_errors_are_told_at_once() -> None:
    text = """policy p
        queue a { global  order nobody  slice 1ms }
        queue b { global  order fifo  slice 1s }
        route { nise < 0 -> a  else -> c }
        serve strict { a  d }"""
    codes = [finding.code for finding in lowered(text).findings]
    assert codes.count("E0201") == 4


def test_a_queue_that_no_rule_reaches_is_warned_of() -> None:
    text = """policy p
        queue a { global  order fifo  slice 1ms }
        queue b { global  order fifo  slice 1ms }
        route { else -> a }
        serve strict { a b }"""
    result = lowered(text)
    assert result.policy is not None
    assert [finding.code for finding in result.findings] == ["W0226"]


def test_sets_are_numbered_and_trees_share_the_numbers_of_their_nodes() -> None:
    text = """policy p
        cpuset front = 0-1, 4
        queue a { global  order fifo  slice 1ms  on front  place { cpu in little } }
        queue b { global  order fifo  slice 1ms }
        route { nice < 0 -> a  else -> b }
        serve on front weighted { a: 4  b: 6 }
        serve weighted { a: 1  b: 1 }"""
    policy = accepted(text)
    assert [cpus.name for cpus in policy.cpusets] == ["front", "little"]
    assert policy.cpusets[0].ranges == ((0, 1), (4, 4))
    assert [queue.cpus for queue in policy.queues] == [0, None]
    assert [rung.within for rung in policy.ladder(0)] == [1]
    trees = [serve.tree for serve in policy.serves]
    assert [tree.index for tree in trees if isinstance(tree, ir.Weighted)] == [0, 1]
    assert [serve.cpus for serve in policy.serves] == [0, None]
