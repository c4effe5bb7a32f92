"""What is refused without running: each rule, and what stands just inside it."""

from __future__ import annotations

import pytest

from schedlang.source import Source
from schedlang.workload.check import check, check_cpus
from schedlang.workload.format import parse_workload
from schedlang.workload.model import Group, Lock, Loop, Phase, Run, Uniform, Workload
from schedlang.workload.phrases import Misread, read_phase
from schedlang.workload.walk import numbered, thread_counts


def phases(text: str) -> tuple[Phase, ...]:
    """Phases between commas; `3( … )` loops three times, `*( … )` for ever."""
    stack: list[list[Phase]] = [[]]
    heads: list[int | None] = []
    for word in text.replace("(", "(,").replace(")", ",)").split(","):
        part = word.strip()
        if part.endswith("("):
            heads.append(None if part == "*(" else int(part[:-1]))
            stack.append([])
        elif part == ")":
            body = tuple(stack.pop())
            stack[-1].append(Loop(heads.pop(), body))
        elif part:
            phase = read_phase(part)
            assert not isinstance(phase, Misread), phase
            stack[-1].append(phase)
    return tuple(stack[0])


def workload(*groups: tuple[int, str], duration_ns: int | None = None) -> Workload:
    """Groups a, b, …: their threads and phases."""
    made = [
        Group(name, threads, name, name, phases(text))
        for name, (threads, text) in zip("abcdef", groups, strict=False)
    ]
    return Workload("w", "", tuple(made), (), duration_ns)


def both(first: str, second: str) -> str:
    return f"lock {first}, lock {second}, unlock {second}, unlock {first}"


FINE = [
    workload((1, "run 1ms")),
    workload((1, "*(run 1ms)"), duration_ns=1),
    workload((1, "*(send x, receive x)"), duration_ns=1),
    workload((2, "send x 3"), (3, "receive x 2")),
    workload((1, "*(send x)"), (3, "receive x 2"), duration_ns=1),
    workload((1, "send x"), (3, "*(receive x)"), duration_ns=1),
    workload((2, "barrier b 4, barrier b 4"), (2, "2(barrier b 4)")),
    workload((4, "barrier b 2")),
    workload((1, "fork b 4, join"), (0, "barrier x 4")),
    workload((1, "*(fork b 4, join)"), (0, "run 1ms"), duration_ns=1),
    workload((1, "2(fork b)"), (0, "barrier x 2")),
    workload((1, "fork b, join"), (0, "fork c, join"), (0, "run 1ms")),
    workload((1, "lock m, lock n, unlock m, unlock n"), (1, "lock m, lock n, unlock n, unlock m")),
    workload((1, "2(lock m, run 1ms, unlock m)")),
    workload((1, "lock m, 2(unlock m, run 1ms, lock m), unlock m")),
    workload((1, "begin a, begin b, run 1ms, end a, end b")),
    workload((1, "join")),
]

WRONG = [
    ("E0708", None, None, workload((0, "run 1ms"))),
    ("E0708", 0, 0, workload((1, "*(run 1ms)"))),
    ("E0708", 0, 1, workload((1, "2(*(run 1ms))"))),
    ("E0708", 0, 0, workload((1, "3(begin r, end r)"))),
    ("E0708", 0, 2, workload((1, "*(run 1ms), run 2ms"), duration_ns=1)),
    ("E0708", 0, 3, workload((1, "2(*(run 1ms), run 2ms)"), duration_ns=1)),
    ("E0708", 0, None, workload((1, "fork a"))),
    ("E0708", 0, None, workload((1, "fork b"), (0, "fork a"))),
    ("E0708", 1, None, workload((1, "run 1ms"), (0, "run 1ms"))),
    ("E0705", 0, 1, workload((1, "run 1ms, fork z"))),
    ("E0705", 0, 0, workload((1, "send x"))),
    ("E0707", 0, 0, workload((1, "receive x"))),
    ("E0707", 1, 0, workload((2, "send x 2"), (1, "receive x 5"))),
    ("E0707", 1, 1, workload((1, "send x 5"), (2, "3(receive x)"))),
    ("E0707", 0, 1, workload((3, "run 1ms, barrier b 4"))),
    ("E0707", 0, 0, workload((5, "barrier b 4"))),
    ("E0707", 0, 1, workload((1, "3(barrier b 2)"), (1, "barrier b 2"))),
    ("E0707", 0, 0, workload((1, "barrier b 2, run 1ms, barrier b 2"))),
    ("E0707", 0, 1, workload((1, "3(barrier b 3)"), (3, "barrier b 3"))),
    ("E0707", 1, 0, workload((1, "barrier b 2"), (2, "barrier b 3"))),
    ("E0706", 0, 0, workload((1, "unlock m"))),
    ("E0706", 0, None, workload((1, "lock m"))),
    ("E0706", 0, 1, workload((1, "lock m, lock m, unlock m"))),
    ("E0706", 0, 0, workload((1, "2(lock m, run 1ms), unlock m"))),
    ("E0706", 0, 0, workload((1, "end r"))),
    ("E0706", 0, None, workload((1, "begin r"))),
    ("E0707", 0, 1, workload((1, both("m", "n")), (1, both("n", "m")))),
    ("E0707", 0, 1, workload((1, f"{both('m', 'n')}, {both('n', 'o')}, {both('o', 'm')}"))),
    ("E0708", 0, 0, workload((1, "*(fork b, run 1ms)"), (0, "run 1ms"), duration_ns=1)),
    ("E0704", 0, 2, workload((1, "*(9(fork b 1200), join)"), (0, "run 1ms"), duration_ns=1)),
    ("E0704", 1, None, workload((1, "1000(fork b 11)"), (0, "run 1ms"))),
]


@pytest.mark.parametrize("fine", FINE)
def test_what_can_run_passes(fine: Workload) -> None:
    assert check(fine) == ()


@pytest.mark.parametrize(("code", "group", "phase", "wrong"), WRONG)
def test_what_cannot_run_is_refused(
    code: str, group: int | None, phase: int | None, wrong: Workload
) -> None:
    found = check(wrong)
    assert (code, group, phase) in [(p.code, p.group, p.phase) for p in found], found
    assert {p.code for p in found} == {code}
    assert all(p.help for p in found)


def test_numbers_follow_the_text() -> None:
    nested = phases("run 1ms, 2(run 2ms, 3(run 3ms), lock m), lock n")
    found = [(number, type(phase)) for number, phase in numbered(nested)]
    assert found == [(0, Run), (1, Loop), (2, Run), (3, Loop), (4, Run), (5, Lock), (6, Lock)]


def test_threads_are_counted_through_forks() -> None:
    counted = thread_counts(workload((2, "3(fork b 2)"), (0, "fork c 5"), (1, "run 1ms")))
    assert counted == {"a": 2, "b": 12, "c": 61}


def test_a_group_needs_a_cpu_that_is_there() -> None:
    text = '[[group]]\nname = "g"\ncpus = "2-3"\nphases = ["run 1ms"]\n'
    made = parse_workload(Source("w", text), "w")
    assert isinstance(made, Workload)
    assert check_cpus(made, 3) == ()
    assert [p.code for p in check_cpus(made, 2)] == ["E0704"]


def test_lengths_that_are_the_same_are_read_the_same() -> None:
    assert phases("run 1ms..2ms") == (Run(Uniform(10**6, 2 * 10**6)),)
