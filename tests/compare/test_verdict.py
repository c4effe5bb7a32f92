"""From samples to a verdict, and to lines and back."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from schedlang.backend import Provenance
from schedlang.compare.lines import read_samples, write_samples
from schedlang.compare.plan import EEVDF, Contender, Entry, Setup, block
from schedlang.compare.samples import Sample, Samples, check
from schedlang.compare.verdict import Found, check_control, judge
from schedlang.diagnostics.model import Diagnostic
from schedlang.report.compare import compare_json, compare_text
from schedlang.report.compare_page import compare_page
from schedlang.source import Source
from schedlang.topology import Topology
from schedlang.workload.format import parse_workload
from schedlang.workload.model import Workload
from schedlang.workload.outcome import GroupOutcome, Latencies, Outcome

BATCH = """
[[group]]
name = "job"
threads = 3
phases = ["run 1ms..3ms"]
"""
DESK = """
duration = "2s"

[[group]]
name = "hog"
phases = [["loop", "run 1ms"]]

[[group]]
name = "beat"
phases = [["loop", "run 1ms", "every 5ms"]]
"""


def workload(name: str, text: str) -> Workload:
    found = parse_workload(Source(name, text), name)
    assert isinstance(found, Workload)
    return found


SETUP = Setup(
    Topology(2),
    "newest",
    (Contender(EEVDF, ""), Contender("quick", "1" * 64), Contender("slow", "2" * 64)),
    (workload("batch", BATCH), workload("desk", DESK)),
    tuple(range(5, 17)),
)
PROVENANCE = Provenance("k", "10.0", "q", "i", 0, "o", ("qemu", "-icount", "shift=1"))
Length = Callable[[Entry, random.Random], int]


def group(name: str, ns: int) -> GroupOutcome:
    taken = Latencies(9, ns // 9, ns // 3, ns // 2, ns)
    return GroupOutcome(name, 1, 1, ns, ns // 2, 7, 3, 1, ns // 1000, taken, (), 0)


def samples(length: Length, setup: Setup = SETUP) -> Samples:
    """Runs whose latencies and makespans are around `length`."""
    made = []
    for place in range(len(setup.seeds)):
        for entry in block(setup, place):
            ns = length(entry, random.Random(repr(entry)))
            loads = {one.name: one for one in setup.workloads}
            groups = tuple(group(one.name, ns) for one in loads[entry.workload].groups)
            outcome = Outcome(entry.workload, entry.contender, ns, groups)
            waits = tuple(1000 for _ in groups)
            made.append(Sample(entry, outcome, waits, True, True, "7.3.4", PROVENANCE))
    return Samples(setup, tuple(made))


def noisy(entry: Entry, chance: random.Random) -> int:
    return int(10**9 * chance.lognormvariate(0, 0.05))


def different(entry: Entry, chance: random.Random) -> int:
    factor = {"quick": 0.7, "slow": 1.4}.get(entry.contender, 1.0)
    return int(noisy(entry, chance) * factor)


def test_a_block_has_every_run_once_and_rotates() -> None:
    first, second = (list(block(SETUP, place)) for place in range(2))
    runs = {(e.workload, e.contender, e.is_control) for e in first}
    assert len(runs) == len(first) == 2 * 4
    assert runs == {(e.workload, e.contender, e.is_control) for e in second}
    assert [e.contender for e in first[:4]] == [EEVDF, "quick", "slow", EEVDF]
    assert [e.contender for e in second[:4]] == ["quick", "slow", EEVDF, EEVDF]


def test_only_the_control_has_draws_of_its_own() -> None:
    for place in range(len(SETUP.seeds)):
        for entry in block(SETUP, place):
            assert entry.seed == SETUP.seeds[place]
            assert (entry.drawn_from == entry.seed) is not entry.is_control


def test_differences_are_found_and_told() -> None:
    report = judge(samples(different), ("makespan",))
    found = {figure.contender: figure for figure in report.figures}
    assert (found["quick"].found, found["slow"].found) == (Found.BETTER, Found.WORSE)
    assert 1.35 < found["quick"].ratio < 1.5
    assert found["quick"].low <= found["quick"].ratio <= found["quick"].high
    assert check_control(report) == ()
    text = compare_text(report)
    assert "quick is better than EEVDF in 1 and worse in 0 of 1 figure" in text
    assert "nothing helps" not in text


def test_no_difference_is_an_answer() -> None:
    report = judge(samples(noisy))
    assert {figure.found for figure in report.figures} == {Found.SAME}
    assert not report.helps
    assert "nothing helps: no policy is better than EEVDF in any figure" in compare_text(report)


def test_too_few_seeds_are_no_answer() -> None:
    few = replace(SETUP, seeds=SETUP.seeds[:3])
    report = judge(samples(different, few))
    assert not report.is_large_enough
    assert "too few seeds" in compare_text(report)
    assert "nothing helps" not in compare_text(report)


def test_what_is_compared_depends_on_the_workload() -> None:
    names = {(figure.workload, figure.metric.name) for figure in judge(samples(noisy)).control}
    assert ("batch", "makespan") in names
    assert ("batch", "share job") not in names
    assert ("desk", "makespan") not in names
    for name in ("share hog", "passes hog", "missed beat", "p99 wakeup beat"):
        assert ("desk", name) in names
    assert ("desk", "missed hog") not in names


def test_a_control_that_differs_refuses_the_comparison() -> None:
    def drifting(entry: Entry, chance: random.Random) -> int:
        return int(different(entry, chance) * (1.3 if entry.is_control else 1.0))

    codes = {d.code for d in check_control(judge(samples(drifting)))}
    assert codes == {"E1002"}


def test_a_control_seldom_differs_by_chance() -> None:
    wrong = 0
    for first in range(0, 600, 12):
        setup = replace(SETUP, seeds=tuple(range(first, first + 12)))
        wrong += bool(check_control(judge(samples(noisy, setup), ("makespan", "passes hog"))))
    assert wrong <= 5


def test_runs_that_do_not_count_are_named() -> None:
    good = samples(noisy)
    assert check(good) == ()

    def fault(sample: Sample) -> str:
        (found,) = check(Samples(SETUP, (good.samples[1], sample)))
        assert found.code == "E1001"
        return found.message

    desk = next(s for s in good.samples if s.entry.workload == "desk")
    idle = replace(desk.outcome.groups[0], run_ns=0)
    outcome = replace(desk.outcome, groups=(idle, *desk.outcome.groups[1:]))
    assert "did not stay attached" in fault(replace(desk, attached=False))
    assert "waited 1000 ms for a CPU" in fault(replace(desk, longest_waits_ns=(5, 10**9)))
    assert "`hog` starved: it did not run at all" in fault(replace(desk, outcome=outcome))
    assert "not all work was done" in fault(replace(good.samples[0], all_ended=False))


@given(st.randoms(use_true_random=False))
def test_the_order_of_the_samples_does_not_matter(chance: random.Random) -> None:
    given_ = SHORT.samples
    shuffled = Samples(SHORT.setup, tuple(chance.sample(given_, len(given_))))
    assert judge(shuffled) == judge(SHORT)


SHORT = samples(different, replace(SETUP, seeds=SETUP.seeds[:4]))
LINES = write_samples(SHORT)


def test_lines_are_read_back() -> None:
    again = read_samples("x", LINES)
    assert again == SHORT
    assert isinstance(again, Samples)
    assert write_samples(again) == LINES
    assert compare_page(again, judge(again)) == compare_page(SHORT, judge(SHORT))
    assert compare_json(judge(again)) == compare_json(judge(SHORT))


@given(st.integers(0, len(LINES) - 1), st.integers(1, 255))
def test_a_changed_byte_is_noticed(place: int, change: int) -> None:
    data = bytearray(LINES)
    data[place] ^= change
    found = read_samples("x", bytes(data))
    assert isinstance(found, Diagnostic)
    assert found.code == "E1003"


@given(st.integers(0, len(LINES) - 2))
def test_a_cut_is_noticed(end: int) -> None:
    assert isinstance(read_samples("x", LINES[:end]), Diagnostic)


def sealed(lines: list[bytes]) -> bytes:
    """With a digest that fits."""
    body = b"".join(line + b"\n" for line in lines)
    return body + json.dumps({"digest": sha256(body).hexdigest()}).encode() + b"\n"


def test_lines_that_are_lost_or_doubled_are_noticed_even_with_a_digest_that_fits() -> None:
    lines = LINES.splitlines()[:-1]
    assert read_samples("x", sealed(lines)) == SHORT
    for wrong in (lines[:-1], [*lines, lines[-1]], [lines[0], *reversed(lines[1:])], lines[:1]):
        assert isinstance(read_samples("x", sealed(wrong)), Diagnostic)


@given(st.data())
def test_what_is_no_sample_is_refused_even_with_a_digest_that_fits(data: st.DataObject) -> None:
    lines = LINES.splitlines()[:-1]
    number = data.draw(st.integers(0, len(lines) - 1))
    value: dict[str, object] = json.loads(lines[number])
    key = data.draw(st.sampled_from(sorted(value)))
    value[key] = data.draw(st.sampled_from([None, -1, 10**400, "x", [], {}, [[]], 1.5]))
    lines[number] = json.dumps(value).encode()
    found = read_samples("x", sealed(lines))
    assert isinstance(found, Diagnostic) or key in ("kernel", "provenance")
