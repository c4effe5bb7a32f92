"""Each rule of the language, broken: the code, and the text that is underlined."""

from __future__ import annotations

import pytest

from schedlang.diagnostics.model import Diagnostic
from schedlang.semantics.lower import Lowered, lower
from schedlang.source import Source
from schedlang.syntax.parse import parse

BASE = """policy p
{declarations}
{order}
queue a {{ global  order {ordering}  slice {slice} }}
queue b {{ global  order fifo  slice 1ms }}
route {{ {rules} else -> b }}
{serve}
{more}
"""
DEFAULTS = {
    "declarations": "",
    "order": "",
    "ordering": "fifo",
    "slice": "4ms",
    "rules": "nice < 0 -> a",
    "serve": "serve strict { a b }",
    "more": "",
}


def policy(**parts: str) -> str:
    return BASE.format(**{**DEFAULTS, **parts})


def lowered(text: str) -> Lowered:
    source = Source("p.sched", text)
    tree, findings = parse(source)
    assert tree is not None, findings
    return lower(tree, source)


def order(body: str) -> str:
    return policy(order=f"order o {{ {body} }}", ordering="o")


def in_test(body: str) -> str:
    return policy(more=f'test "t" {{ machine 2 cpus {body} }}')


GOOD_STATE = "v : vtime = clock + 1ms"
GOOD_JOIN = "on join { v = max(v, clock - 20ms) }"
GOOD_STOP = "on stop { v = v + used * 100 / weight }"
CASES = [
    # names
    ("E0201", "nise", policy(rules="nise < 0 -> a")),
    ("E0201", "s", policy(more="place { cpu in s }")),
    ("E0201", "s", policy(serve="serve on s strict { a b } serve strict { a b }")),
    ("E0202", "llc", policy(declarations="cpuset llc = 0")),
    ("E0202", "big", policy(declarations="cpuset big = 0")),
    ("E0222", "3-1", policy(declarations="cpuset s = 0, 3-1")),
    ("E0222", "1024", policy(declarations="cpuset s = 0-1024")),
    ("E0211", "a", policy(serve="serve on all a serve strict { a b }")),
    ("E0210", "serve on all strict { a b }", policy(more="serve on all strict { a b }")),
    ("E0210", "cpu in any", policy(more="place { cpu in any  prev  cpu in any }")),
    ("E0201", "bb", policy(serve="serve strict { a b bb }")),
    ("E0201", "vrt", policy(ordering="vrt")),
    ("E0201", "vruntme", "use std.orders.{vruntme}\n"),
    ("E0201", "halt", policy(declarations="task { x : count = 0 in 0..9  on halt { x = 1 } }")),
    ("E0201", "y", policy(declarations="task { x : count = 0 in 0..9  on wake { y = 1 } }")),
    ("E0201", "nickname", policy(rules='nickname ~ "a*" -> a')),
    ("E0202", "a", policy(declarations="param a : count = 1")),
    ("E0202", "weight", policy(declarations="param weight : count = 1")),
    ("E0202", "x", policy(declarations="task { x : count = 0 in 0..9  x : count = 0 in 0..9 }")),
    ("E0102", "big", policy(rules="big < 2 -> a")),
    ("E0208", "group_weight", policy(more="guard b after 1ms * group_weight")),
    ("E0202", "avg_run", policy(declarations="fn avg_run() = 1ms")),
    ("E0208", "avg_run", policy(declarations="task { s : duration = avg_run in 0ns..1s }")),
    ("E0208", "wake_gap", policy(more="guard b after wake_gap")),
    ("E0208", "waker.avg_run", policy(more="guard b after waker.avg_run")),
    ("E0201", "nothing", policy(rules="waker.nothing < 2 -> a")),
    (
        "E0203",
        "waker.at",
        policy(declarations="task { at : time = now }", rules="now < waker.at -> a"),
    ),
    ("E0208", "length", policy(rules="length < 3 -> a")),
    ("E0208", "cpus", policy(more="guard b after 1ms * cpus")),
    ("E0208", "woken", policy(declarations="task { s : bool = true  on stop { s = woken } }")),
    (
        "E0208",
        "waking",
        policy(declarations="order o { v : time = now  on waking { v = now }  key v }").replace(
            "order fifo", "order o", 1
        ),
    ),
    ("E0220", "std.ordres", "use std.ordres.{vruntime}\n"),
    # types
    ("E0203", "nice", policy(rules="nice -> a")),
    ("E0203", "nice < 1ms", policy(rules="nice < 1ms -> a")),
    ("E0203", "20", policy(slice="20")),
    ("E0203", "1ms * 2ms", policy(slice="1ms * 2ms")),
    ("E0203", "comm", policy(rules="comm == 3 -> a")),
    ("E0203", "if nice < 0 then 1ms else 2", policy(slice="if nice < 0 then 1ms else 2")),
    ("E0207", "now + now", policy(rules="now + now > now -> a")),
    ("E0208", "used", policy(rules="used > 1ms -> a")),
    ("E0208", "clock", policy(rules="clock > clock -> a")),
    ("E0208", "weight", policy(more="guard b after weight * 1ms")),
    # arithmetic
    ("E0204", "weight * 4611686018427387904", policy(slice="weight * 4611686018427387904 * 1ns")),
    ("E0204", "x", policy(declarations="task { x : count = 0 }")),
    ("E0204", "11", policy(declarations="task { x : count = 11 in 0..10 }")),
    ("E0205", "nice", policy(slice="1ms / nice")),
    ("E0206", "nice", policy(slice="1ms * (nice / 2)")),
    ("E0206", "nice", policy(slice="1ms * log2(nice)")),
    ("E0209", "min(1ms)", policy(slice="min(1ms)")),
    ("E0209", "f(1)", policy(declarations="fn f() = 1ms", slice="f(1)")),
    (
        "E0219",
        "f(x)",
        policy(declarations="fn f(x : count) = g(x)\nfn g(x : count) = f(x)", slice="1ms * f(2)"),
    ),
    ("E0222", "in 2..1", policy(declarations="param q : count = 1 in 2..1")),
    ("E0222", "param q : count = 5 in 1..2", policy(declarations="param q : count = 5 in 1..2")),
    # claims
    ("E0209", "a", policy(more="guarantee { fair(a, b, a) }")),
    ("E0222", "cpus <= 0", policy(more="guarantee { fair(a) when cpus <= 0 }")),
    ("E0222", "tick <= 0ms", policy(more="guarantee { starvation_free when tick <= 0ms }")),
    ("E0203", "10%", policy(more="guarantee { fair(a, b) within 10% }")),
    (
        "E0225",
        "backlogged(a)",
        policy(more="guarantee { wait(a) <= 1s when tasks(a) <= 2 and backlogged(a) }"),
    ),
    # declarations
    ("E0210", "a", policy(slice="1ms").replace("global", "", 1)),
    ("E0210", "serve strict { a b }", policy(more="serve strict { a b }")),
    ("E0211", "a", policy(serve="serve strict { a b a }")),
    ("E0211", "b", policy(serve="serve b")),
    ("E0212", "guard b after 2ms", policy(more="guard b after 1ms\nguard b after 2ms")),
    ("E0229", "10ns", policy(more="preempt { a over b after 10ns }")),
    (
        "E0229",
        "a over b after 2ms",
        policy(more="preempt { a over b after 1ms a over b after 2ms }"),
    ),
    ("E0229", "a over b earlier after 1ms", policy(more="preempt { a over b earlier after 1ms }")),
    ("E0201", "c", policy(more="preempt { c over b after 1ms }")),
    (
        "E0210",
        "preempt { b over a after 1ms }",
        policy(more="preempt { a over b after 1ms }\npreempt { b over a after 1ms }"),
    ),
    ("E0212", "10ns", policy(more="guard b after 10ns")),
    ("E0212", "guard b at least 50%", policy(more="guard a at least 50%\nguard b at least 50%")),
    ("E0213", "200ms", policy(slice="200ms")),
    ("E0213", "0ns", policy(slice="0ns")),
    ("E0218", '"abcdefghijklmnop"', policy(rules='comm ~ "abcdefghijklmnop" -> a')),
    ("E0218", '"**"', policy(rules='comm ~ "**" -> a')),
    ("E0218", '"abcdefgh*ijklmnop"', policy(rules='comm ~ "abcdefgh*ijklmnop" -> a')),
    ("E0218", '"batch"', policy(rules='cgroup under "batch" -> a')),
    ("E0218", '"/a/../b"', policy(rules='cgroup under "/a/../b" -> a')),
    ("E0223", "0", policy(serve="serve weighted { a: 0  b: 1 }")),
    # tests
    ("E0210", '"t"', in_test("")),
    ("E0210", "machine 3 cpus", in_test('machine 3 cpus spawn 1 job as "j" runs 1ms')),
    ("E0222", "0", policy(more='test "u" { machine 0 cpus }')),
    ("E0227", "machine 3 cpus 2 llcs", policy(more='test "u" { machine 3 cpus 2 llcs }')),
    ("E0227", '"t"', in_test('spawn 1 hog as "h"')),
    ("E0227", '"a_name_too_long_"', in_test('spawn 1 job as "a_name_too_long_" runs 1ms')),
    ("E0227", '"x"', in_test('spawn 1 job as "j" in "x" runs 1ms')),
    ("E0227", "5ms", in_test('spawn 1 sleeper as "s" runs 5ms every 4ms run 1s')),
    ("E0222", "on 2-3", in_test('spawn 1 job as "j" on 2-3 runs 1ms')),
    ("E0222", "-21", in_test('spawn 1 job as "j" nice -21 runs 1ms')),
    ("E0222", "0", in_test('spawn 0 job as "j" runs 1ms')),
    ("E0222", "1ns", in_test('spawn 1 job as "j" runs 1ns')),
    ("E0202", '"j"', in_test('spawn 1 job as "j" runs 1ms spawn 1 job as "j" runs 2ms')),
    ("E0201", "p", in_test("set p = 3")),
    ("E0201", '"i"', in_test('spawn 1 job as "j" runs 1ms expect "i" before "j"')),
    (
        "E0228",
        'expect passes "j" > 3',
        in_test('spawn 1 job as "j" runs 1ms expect passes "j" > 3'),
    ),
    ("E0228", "expect makespan < 1s", in_test('spawn 1 hog as "h" run 1s expect makespan < 1s')),
    (
        "E0228",
        'expect share "h" < 101%',
        in_test('spawn 1 hog as "h" run 1s expect share "h" < 101%'),
    ),
    ("E0223", "weighted { a: 9973  b: 9967 }", policy(serve="serve weighted { a: 9973  b: 9967 }")),
    # orders
    ("E0214", "clock", order(f"v : vtime = clock {GOOD_JOIN} {GOOD_STOP} key v")),
    ("E0215", GOOD_STATE, order(f"{GOOD_STATE} {GOOD_STOP} key v")),
    (
        "E0215",
        GOOD_STATE,
        order(f"{GOOD_STATE} on join if nice < 0 {{ v = max(v, clock) }} {GOOD_STOP} key v"),
    ),
    ("E0217", GOOD_STATE, order(f"{GOOD_STATE} {GOOD_JOIN} key v")),
    (
        "E0217",
        GOOD_STATE,
        order(f"{GOOD_STATE} {GOOD_JOIN} on stop {{ v = v + used / weight }} key v"),
    ),
    (
        "E0217",
        GOOD_STATE,
        order(f"{GOOD_STATE} {GOOD_JOIN} on stop if blocked {{ v = v + used }} key v"),
    ),
    ("E0216", "weight", order(f"{GOOD_STATE} {GOOD_JOIN} {GOOD_STOP} key weight")),
    ("E0216", "clock", order(f"{GOOD_STATE} {GOOD_JOIN} {GOOD_STOP} key clock")),
    (
        "E0216",
        "due : time = now",
        order("due : time = now  on join { due = max(due, now) }  key due"),
    ),
]


@pytest.mark.parametrize(("code", "underlined", "text"), CASES)
def test_a_broken_rule_is_told_where_it_is_broken(code: str, underlined: str, text: str) -> None:
    result = lowered(text if text.startswith("policy") else f"policy p\n{text}")
    found = [(f.code, _underlined(result, f)) for f in result.findings]
    assert result.policy is None
    assert (code, underlined) in found
    assert {c for c, _ in found} <= {code, "E0210"}


def test_a_broken_declaration_is_told_once_not_at_each_use() -> None:
    text = policy(
        declarations="param q : duration = 9ms in 1ms..2ms\ntask { x : count = 1ms in 0..9 }",
        slice="q",
        rules="x > 1 -> a",
    )
    assert [finding.code for finding in lowered(text).findings] == ["E0222", "E0203"]


def _underlined(result: Lowered, finding: Diagnostic) -> str:
    assert finding.primary is not None
    span = finding.primary.span
    return result.sources[span.file].excerpt(span)
