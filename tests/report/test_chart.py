"""Charts: lanes that fit a terminal, pages that nothing breaks out of, whatever the names hold."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedlang.diagnostics.printable import printable, width
from schedlang.report.chart import Bar, Chart, Loop, Mark, Wait, beginning, excerpts, ticks, window
from schedlang.report.chart_html import MOST_TURNS, Table, chart_page, chart_view, listing
from schedlang.report.chart_text import chart_text

MS = 1_000_000
HOSTILE = (
    "</title></svg></script><script>alert(1)</script>",
    '" onload="alert(1)" x="',
    "' onclick='alert(1)",
    "{{ 7 * 7 }}{% for x in y %}",
    "]]><!--",
    "\x1b[2J\x1b]0;title\x07",
    "javascript:alert(1)",
    "&lt;b&gt;",
    "\u202egnp.exe\u0000",
    "\udcff",
    "日本語のとても長い名前" * 4,
)
SCRIPT = Path(__file__).parents[2] / "schedlang/report/templates/page.js"


def chart(name: str = "urgent", other: str = "rest") -> Chart:
    return Chart(
        f"{name} and {other}",
        ("CPU 0", "CPU 1"),
        (name, other),
        (other, name),
        (Bar(0, 0, 5 * MS, 0, 1), Bar(0, 5 * MS, 10 * MS, 0, 1), Bar(1, 0, MS, 1, None)),
        (Wait(1, 5 * MS, 10 * MS, 0),),
        10 * MS,
        marks=(Mark(3 * MS, name),),
        loop=Loop(5 * MS, 10 * MS),
        highlighted=1,
        notes=(name,),
    )


def test_lanes_of_a_run() -> None:
    plain = replace(chart(), marks=(), notes=())
    assert chart_text(plain, 60, ascii_only=True).splitlines() == [
        "urgent and rest",
        "CPU 0         |urgent----------------|urgent----------------",
        "CPU 1         |res",
        "rest waits                           ~~~~~~~~~~~~~~~~~~~~~~~",
        "                                     <- repeats for ever -->",
        "              '                      '                     '",
        "              0ns                    5ms                10ms",
    ]


def test_a_column_that_turns_share_says_so() -> None:
    bars = tuple(Bar(0, at * 1000, at * 1000 + 1000, at % 2, 0) for at in range(1000))
    dense = replace(chart(), cpus=("CPU 0",), bars=bars, waits=(), end_ns=MS, marks=(), notes=())
    assert set(chart_text(dense, 60, ascii_only=True).splitlines()[1].split()[2]) == {"#"}


names = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=40))


@given(names, names, st.integers(1, 200), st.booleans())
def test_lanes_stay_in_their_columns(one: str, other: str, columns: int, ascii_only: bool) -> None:
    lines = chart_text(chart(one, other), columns, ascii_only=ascii_only).split("\n")
    assert lines.pop() == ""
    lanes = lines[1:7]
    assert all(width(line) <= max(columns, 46) for line in lanes)
    assert lines == [printable(line) for line in lines]


@given(names, st.integers(1, 10**12), st.integers(0, 10**12))
def test_colour_changes_nothing_but_colour(name: str, end_ns: int, start_ns: int) -> None:
    drawn = window(replace(chart(name), end_ns=end_ns + 10 * MS), start_ns % (5 * MS), end_ns + MS)
    painted = re.sub(r"\x1b\[[0-9;]*m", "", chart_text(drawn, 80, colour=True))
    assert [line.rstrip() for line in painted.split("\n")] == chart_text(drawn, 80).split("\n")


class Reader(HTMLParser):
    """What a browser would find: tags, attributes, and text by the tag that holds it."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    return reader


def page_of(name: str) -> str:
    table = Table(name, (name, "b"), ((name, "2"),))
    return chart_page(name, (chart(name, name),), (listing("s0", name, name),), (table,))


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_breaks_out_of_a_page(name: str) -> None:
    harmless, hostile = read(page_of("harmless")), read(page_of(name))
    drawn = [tag for tag in hostile.tags if tag != "text"]  # a long name gets no label
    assert drawn == [tag for tag in harmless.tags if tag != "text"]
    kinds = {key for key, _ in hostile.attributes}
    assert kinds == {key for key, _ in harmless.attributes}
    assert not any(key.startswith("on") for key in kinds)
    assert {v for k, v in hostile.attributes if k == "href"} == {"#s0-1"}
    page_of(name).encode()


def test_a_page_fetches_nothing_and_runs_only_its_own_script() -> None:
    page = page_of("x")
    assert not re.search(r"(src|href)=\"(?!#)|url\((?!#)|@import|https?://(?!www\.w3\.org)", page)
    (security,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert security.startswith("default-src &#39;none&#39;; style-src &#39;sha256-")
    assert "unsafe" not in security
    assert " style=" not in page
    assert page == page_of("x")


def test_thousands_of_turns_are_drawn_up_to_a_limit() -> None:
    many = MOST_TURNS + 500
    bars = tuple(Bar(0, at * 1000, at * 1000 + 900, 0, 0) for at in range(many))
    view = chart_view(replace(chart(), bars=bars, waits=(), end_ns=many * 1000))
    assert len(view.boxes) == MOST_TURNS
    assert f"{MOST_TURNS} of {many} turns" in view.notes[-1]
    assert len(chart_page("many", (replace(chart(), bars=bars, end_ns=many * 1000),))) < 8_000_000


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_window_holds_what_is_in_it(start: int, length: int) -> None:
    cut = window(chart(), start * 10, start * 10 + length)
    parts: list[Bar | Wait] = [*cut.bars, *cut.waits]
    for part in parts:
        assert cut.start_ns <= part.start_ns < part.end_ns <= cut.end_ns


@given(st.integers(1, 50), st.integers(1, 60))
def test_excerpts_show_both_ends(turns: int, shown: int) -> None:
    bars = tuple(Bar(0, at * 10, at * 10 + 10, at % 2, 0) for at in range(turns))
    loop = Loop(turns * 5, turns * 10)
    whole = replace(chart(), bars=bars, waits=(), end_ns=turns * 10, marks=(), loop=loop)
    parts = excerpts(whole, shown)
    assert len(parts) == (1 if turns <= 2 * shown else 2)
    assert parts[0].bars[0] == bars[0]
    assert parts[-1].bars[-1] == bars[-1]
    if len(parts) == 2:
        assert [len(part.bars) for part in parts] == [shown, shown]
    for part in parts:
        assert part.loop is None or part.start_ns <= part.loop.start_ns < part.loop.end_ns
        chart_text(part, 60)


def test_a_beginning_has_so_many_turns() -> None:
    assert len(beginning(chart(), 2).bars) == 2
    assert beginning(chart(), 3) == chart()


@given(st.integers(0, 10**12), st.integers(1, 10**12), st.integers(1, 40))
def test_ticks_are_round_and_few(start: int, span: int, about: int) -> None:
    found = ticks(start, start + span, about)
    assert all(start <= at <= start + span for at in found)
    assert len(found) <= 2 * about + 2
    assert len({b - a for a, b in pairwise(found)}) <= 1


@pytest.mark.skipif(shutil.which("node") is None, reason="no node to read the script with")
def test_the_script_is_valid() -> None:
    subprocess.run(["node", "--check", SCRIPT], check=True)
