"""The TOML form: nothing is lost on the way there and back, and nothing wrong gets through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedlang.diagnostics.model import Diagnostic
from schedlang.shapes import load_workload, shape_names
from schedlang.source import Source
from schedlang.workload.check import check
from schedlang.workload.format import format_workload, parse_workload
from schedlang.workload.model import Constant, Group, Run, Workload
from schedlang.workload.phrases import (
    Misread,
    read_length,
    read_phase,
    read_time,
    spell_length,
    spell_time,
)
from tests.support.workloads import lengths, workloads

HOG = '[[group]]\nname = "hog"\nphases = ["run 1s"]\n'


def parsed(text: str) -> Workload:
    found = parse_workload(Source("w.toml", text), "w")
    assert isinstance(found, Workload), found
    return found


def refused(text: str) -> tuple[Diagnostic, ...]:
    found = parse_workload(Source("w.toml", text), "w")
    assert not isinstance(found, Workload)
    assert found
    return found


@given(workloads())
def test_round_trip(workload: Workload) -> None:
    assert check(workload) == ()
    text = format_workload(workload)
    assert parsed(text) == workload
    assert format_workload(parsed(text)) == text


@given(lengths(0))
def test_lengths_round_trip(length: Constant) -> None:
    assert read_length(spell_length(length), 0) == length


@given(st.integers(0, 10**14))
def test_times_round_trip(ns: int) -> None:
    assert read_time(spell_time(ns)) == ns


@pytest.mark.parametrize("name", shape_names())
def test_shapes_are_workloads_of_their_name(name: str) -> None:
    found = load_workload(name).workload
    assert found is not None
    assert found.name == name
    assert len(found.documentation.split()) > 10
    assert parsed(format_workload(found)) == found


def test_defaults() -> None:
    phases = (Run(Constant(10**9)),)
    assert parsed(HOG) == Workload("w", "", (Group("hog", 1, "hog", "hog", phases),))


def test_a_long_name_gives_a_short_comm() -> None:
    assert parsed(HOG.replace('"hog"', '"hogs-that-never-sleep"')).groups[0].comm == (
        "hogs-that-never"
    )


# --- what is wrong: code, and what is underlined

WRONG = [
    ("E0701", "name = ", ""),
    ("E0701", HOG + "x = [", ""),
    ("E0702", HOG + "[[grup]]\n", "[[grup]]"),
    ("E0702", "", ""),
    ("E0702", "title = 1\n" + HOG, "title"),
    ("E0702", HOG + "threads = true\n", "true"),
    ("E0702", HOG + 'threads = "4"\n', '"4"'),
    ("E0702", HOG + 'comm = "sixteen letters!"\n', '"sixteen letters!"'),
    ("E0702", HOG + 'comm = "t\\u00e4t"\n', '"t\\u00e4t"'),
    ("E0702", HOG + 'cgroup = "a/b"\n', '"a/b"'),
    ("E0702", HOG + 'cgroup = "/a/../b"\n', '"/a/../b"'),
    ("E0702", HOG + 'cpus = "3-1"\n', '"3-1"'),
    ("E0702", HOG + "cpus = [1]\n", "[1]"),
    ("E0702", '[[group]]\nphases = ["run 1s"]\n', "[[group]]"),
    ("E0702", '[[group]]\nname = "a"\n', "[[group]]"),
    ("E0702", '[[group]]\nname = "a"\nphases = []\n', "[]"),
    ("E0702", '[[group]]\nname = "a"\nphases = ["run 1s", 3]\n', '["run 1s", 3]'),
    ("E0702", "group = 4\n", "4"),
    ("E0702", "duration = 4\n" + HOG, "4"),
    ("E0702", HOG + "start = 1979-05-27\n", "1979-05-27"),
    ("E0704", HOG + "nice = 20\n", "20"),
    ("E0704", 'duration = "2h"\n'.replace("2h", "7200s") + HOG, '"7200s"'),
    ("E0705", HOG + HOG, '"hog"'),
    ("E0708", '[[group]]\nname = "a"\nthreads = 0\nphases = ["run 1s"]\n', ""),
]

PHASES = [
    ("E0703", "run"),
    ("E0703", "run 1"),
    ("E0703", "run 1.5ms"),
    ("E0703", "run 1ms 2ms"),
    ("E0703", "run ~1ms..2ms"),
    ("E0703", "every 1ms..2ms"),
    ("E0703", "dance 1ms"),
    ("E0703", ""),
    ("E0703", "join x"),
    ("E0703", "send 1st"),
    ("E0703", "send a 0"),
    ("E0703", "barrier b"),
    ("E0703", "loop 3"),
    ("E0704", "run 999ns"),
    ("E0704", "run 3ms..1ms"),
    ("E0704", "sleep 3601s"),
    ("E0704", "send a 1000001"),
    ("E0704", "barrier b 10001"),
    ("E0705", "fork nobody"),
    ("E0705", "send nobody"),
    ("E0706", "unlock m"),
    ("E0706", "end r"),
    ("E0707", "receive work"),
    ("E0707", "barrier b 2"),
    ("E0708", "fork a"),
]


@pytest.mark.parametrize(("code", "text", "underlined"), WRONG)
def test_what_is_wrong_is_told_with_its_place(code: str, text: str, underlined: str) -> None:
    first = refused(text)[0]
    assert first.code == code
    if first.primary is not None:
        span = first.primary.span
        assert text[span.start : span.end] == underlined
    assert first.repairs or code == "E0701"


@pytest.mark.parametrize(("code", "phase"), PHASES)
def test_a_wrong_phase_is_underlined(code: str, phase: str) -> None:
    head = '[[group]]\nname = "a" # "x"\nphases = [\n  "run 1ms",\n'
    text = f'{head}  ["loop 2", "run 1ms", "{phase}"],\n]\n'
    found = refused(text)
    assert found[0].code == code
    if phase != "fork a":
        places = [text[d.primary.span.start : d.primary.span.end] for d in found if d.primary]
        assert f'"{phase}"' in places


def test_all_that_is_wrong_is_told_at_once() -> None:
    text = HOG.replace("run 1s", "runs 1s") + 'nice = 99\ncomm = ""\nhue = 1\n'
    assert [d.code for d in refused(text)] == ["E0702", "E0703", "E0704", "E0702"]


def test_places_are_found_among_texts_that_look_like_tables() -> None:
    text = f'documentation = """\n[[group]]\nname = "x"\n"""\n{HOG}nice = 77\n'
    [found] = refused(text)
    assert found.primary is not None
    assert text[found.primary.span.start :] == "77\n"


@pytest.mark.parametrize(
    "text",
    [
        "phases = " + "[" * 100_000,
        f"{HOG}threads = {'9' * 10_000}\n",
        f"{HOG}threads = -{'9' * 4_000}\n",
        f'[[group]]\nname = "a"\nphases = [{"[" * 20}{"]" * 20}]\n',
        '[[group]]\nname = "a"\nphases = [' + '["loop 2", ' * 9 + '"run 1ms"' + "]" * 10 + "\n",
        "group = [[[]]]\n",
        "group.name = 1\n",
        '[group]\nname = "a"\n',
        f'{HOG}comm = "a\\u001b[31m"\n',
        "\ufeff" + HOG,
        "[[group]]\n" * 5_000,
    ],
)
def test_hostile_texts_are_refused(text: str) -> None:
    assert all(finding.code in ("E0701", "E0702", "E0704") for finding in refused(text))


@given(st.text(max_size=200))
def test_any_text_is_answered(text: str) -> None:
    parse_workload(Source("w.toml", text), "w")


@given(st.text(st.sampled_from("runsleepvythdf 0123.~msu"), max_size=20))
def test_any_phase_is_answered(text: str) -> None:
    phase = read_phase(text)
    assert isinstance(phase, Misread) or read_phase(text) == phase


@pytest.mark.parametrize(
    ("name", "code"),
    [("hogs-and-sleeper", "E0705"), ("./nothing.toml", "E0001"), ("nothing.toml", "E0001")],
)
def test_a_workload_that_is_not_there(name: str, code: str) -> None:
    loaded = load_workload(name)
    assert loaded.workload is None
    assert [d.code for d in loaded.diagnostics] == [code]
