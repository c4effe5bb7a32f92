"""The C of whole policies: goldens, the same bytes each time, nothing hostile, nothing unused.

`SCHEDC_REGENERATE=1 pytest tests/bpf/test_emit.py` writes the goldens anew.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from schedlang.backend import Built
from schedlang.ir.nodes import Match, Policy, Property
from schedlang.prover.verdict import Bound, Finding, ProofReport, Proved, Reason, Unknown
from schedlang.source import Source
from schedlang_bpf.build import build
from schedlang_bpf.compiler import Compiler
from schedlang_bpf.emit import EmitOptions, emit
from tests.bpf.samples import NO_PROOF, everything, example, in_file, scopes
from tests.support.policies import compiled

GOLDEN = Path(__file__).parent / "golden"
SAMPLES: dict[str, Callable[[], Policy]] = {
    "everything": everything,
    "fair": lambda: example("fair"),
    "fifo": lambda: example("fifo"),
    "scopes": scopes,
    "strict_priority": lambda: example("strict_priority"),
    "web_server": lambda: example("web_server"),
}
HOSTILE = '*/ "; #include "/etc/passwd" ??/\n{{ 7 * 7 }} \\'


@pytest.mark.parametrize("name", SAMPLES)
def test_golden(name: str) -> None:
    c = emit(SAMPLES[name](), NO_PROOF)
    golden = GOLDEN / f"{name}.bpf.c"
    if os.environ.get("SCHEDC_REGENERATE"):
        golden.write_text(c)
    assert c == golden.read_text()


def test_the_same_bytes_in_another_process() -> None:
    code = (
        "import sys; from tests.bpf.samples import *; from schedlang_bpf.emit import emit;"
        "sys.stdout.write(emit(everything(), NO_PROOF))"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": "7"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=env, check=True)
    assert done.stdout.decode() == emit(everything(), NO_PROOF)


def test_where_the_policy_lies_does_not_show() -> None:
    policy = example("fair")
    elsewhere = in_file(policy, "/home/somebody/policies/fair.sched")
    assert emit(elsewhere, NO_PROOF) == emit(policy, NO_PROOF)


def test_nothing_unused() -> None:
    c = emit(example("fifo"), NO_PROOF)
    unused = ("settle", "params", "clock", "guard", "weighted", "cgroup", "names.h", "by_key")
    for word in (*unused, "now_ns"):
        assert word not in c


def test_line_directives_come_back_to_the_file() -> None:
    lines = emit(everything(), NO_PROOF).split("\n")
    back = [(i, line) for i, line in enumerate(lines) if line.endswith('"everything.bpf.c"')]
    assert back
    assert all(line.split()[1] == str(i + 2) for i, line in back)


@pytest.mark.parametrize(
    ("policy_text", "c_text"),
    [
        ("on wake { calm", "t->task.calm = t->task.burst < 2000000;"),
        ("cgroup under", "if (t->under[0])"),
        ("guard line", "c->due[GUARD_LINE_SHARE] += "),
        ("queue rest", "t->turn.slice_ns = is_pinned(p) ? 1000000 : 8000000;"),
    ],
)
def test_a_line_of_the_policy_is_cited_before_its_c(policy_text: str, c_text: str) -> None:
    policy = everything()
    text = policy.sources[0].text
    number = text[: text.index(policy_text)].count("\n") + 1
    lines = emit(policy, NO_PROOF).split("\n")
    at = next(i for i, line in enumerate(lines) if c_text in line)
    cited = next(i for i in range(at, 0, -1) if lines[i].startswith("#line"))
    first = int(lines[cited].split()[1])
    assert lines[cited].endswith('"everything.sched"')
    assert first + (at - cited - 1) == number


def test_the_proof_is_told() -> None:
    proved = Proved(Bound("2 * slice + tick", 12_500_000, "2 tasks"), ("ticks <= 4ms",), ())
    unknown = Unknown(Reason.NO_RULE, HOSTILE)
    proof = ProofReport(
        (
            Finding(Property.STARVATION_FREE, 0, proved, (), None, None),
            Finding(Property.NO_LOST_TASK, None, unknown, (), None, None),
        )
    )
    c = emit(example("fair"), proof)
    head = c[: c.index("#include <schedc")]
    assert "within 12.5ms = 2 * slice + tick (2 tasks)" in head
    assert "assuming ticks <= 4ms" in head
    assert "UNPROVED" in head
    assert head.count("*/") == 2


def test_what_the_policy_accepts_is_told() -> None:
    c = emit(everything(), NO_PROOF)
    assert " * Accepted: queue rest may starve, because it is idle work\n" in c
    assert "UNPROVED" not in c


def hostile_policy(name: str, queue: str, state: str) -> Policy:
    """A policy with texts in it that no grammar would let through."""
    policy = everything()
    first = replace(policy.queues[0], name=queue)
    rule = policy.route.rules[0]
    source = Source(HOSTILE, policy.sources[0].text)
    return replace(
        policy,
        name=name,
        documentation=HOSTILE,
        queues=(first, *policy.queues[1:]),
        states=(replace(policy.states[0], name=state), *policy.states[1:]),
        params=(replace(policy.params[0], name=state), *policy.params[1:]),
        accepts=(replace(policy.accepts[0], reason=HOSTILE),),
        route=replace(policy.route, rules=(rule, *policy.route.rules[1:])),
        sources=(source, *policy.sources[1:]),
    )


@pytest.mark.parametrize(
    ("name", "queue", "state"),
    [
        (HOSTILE, HOSTILE, HOSTILE),
        ("task", "task", "int"),
        ("queue_fair", "advance", "register"),
        ("save", "queue", "now"),
        ("static", "NR", "key"),
        ("x" * 300, "y" * 300, "z" * 300),
        ("émigré", "пример", "naïve"),
    ],
)
def test_hostile_names_compile_to_the_same_program(
    name: str, queue: str, state: str, compiler: Compiler
) -> None:
    policy = hostile_policy(name, queue, state)
    c = emit(policy, NO_PROOF)
    built = build(c, policy, compiler)
    assert isinstance(built, Built), built
    plain = build(emit(everything(), NO_PROOF), everything(), compiler)
    assert isinstance(plain, Built)
    sizes = [program.instructions for program in built.figures.programs]
    assert sorted(sizes) == sorted(program.instructions for program in plain.figures.programs)
    assert "/etc/passwd" not in "".join(line for line in c.split("\n") if line.startswith("#"))


@pytest.mark.parametrize("text", ['"; } //', "a\\", "??/", "*/", "%s%n", "{{ x }}"])
def test_hostile_patterns_stay_strings(text: str, compiler: Compiler) -> None:
    policy = compiled(
        "policy p queue q { global order fifo slice 1ms } queue r { global order fifo slice 1ms }\n"
        'route { comm ~ "x*" -> q  else -> r } serve strict { q r }\n'
    )
    match = policy.route.rules[0].condition
    assert isinstance(match, Match)
    rule = replace(policy.route.rules[0], condition=replace(match, text=text))
    hostile = replace(policy, route=replace(policy.route, rules=(rule,)))
    built = build(emit(hostile, NO_PROOF), hostile, compiler)
    assert isinstance(built, Built), built


def test_the_watchdog_time_is_an_option() -> None:
    assert ".timeout_ms = 30000," in emit(example("fifo"), NO_PROOF)
    assert ".timeout_ms = 5000," in emit(example("fifo"), NO_PROOF, EmitOptions(5000))
