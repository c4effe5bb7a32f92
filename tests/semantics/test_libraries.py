"""Libraries, tree templates and ladders: put in as if the policy had said it itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given

from schedlang.diagnostics.model import Severity
from schedlang.ir.text import print_ir
from schedlang.libraries import Folders
from schedlang.semantics.lower import Lowered, lower
from schedlang.source import Source
from schedlang.syntax.parse import parse
from tests.support.policies import shared_declarations

POLICY = """policy p
use my.lib.{{{names}}}
queue a {{ global  order {order}  slice {slice} }}
queue b {{ global  order fifo  slice 1ms }}
route {{ {rules} else -> b }}
serve {serve}
{more}
"""
DEFAULTS = {
    "names": "f",
    "order": "fifo",
    "slice": "4ms",
    "rules": "nice < 0 -> a",
    "serve": "strict { a  b }",
    "more": "",
}


def policy(**parts: str) -> str:
    return POLICY.format(**{**DEFAULTS, **parts})


class Texts:
    """A shelf of texts by the library's name."""

    def __init__(self, **texts: str) -> None:
        self.texts = texts

    def find(self, path: tuple[str, ...]) -> Source | None:
        text = self.texts.get(path[-1])
        return None if text is None else Source("/".join(path) + ".sched", text)

    def near(self, path: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
        return tuple((*path[:-1], name) for name in self.texts)

    def places(self, path: tuple[str, ...]) -> tuple[str, ...]:
        return (f"there/{'/'.join(path)}.sched",)


def lowered(text: str, **libraries: str) -> Lowered:
    source = Source("p.sched", text)
    tree, findings = parse(source)
    assert tree is not None, findings
    return lower(tree, source, Texts(**libraries))


def ir_text(text: str, **libraries: str) -> str:
    result = lowered(text, **libraries)
    assert result.policy is not None, result.findings
    return print_ir(result.policy)


# --- what is put in


@given(shared_declarations())
def test_what_a_library_says_is_what_the_policy_would_have_said(
    drawn: tuple[list[str], str],
) -> None:
    declarations, ordering = drawn
    order = ordering.partition("(")[0]
    shared = policy(names=order, order=ordering)
    own = shared.replace(f"use my.lib.{{{order}}}", "\n".join(declarations))
    library = "library lib\n" + "\n".join(declarations)
    # The constant is a param of the policy when it stands there.
    without_params = [line for line in ir_text(own).splitlines() if "far_off" not in line]
    assert ir_text(shared, lib=library).splitlines() == without_params


@pytest.mark.parametrize(
    ("serve", "template", "same"),
    [
        ("t(a, b)", "(x, y) = strict { y  x }", "strict { b  a }"),
        ("strict { a  t(b) }", "(x) = x", "strict { a  b }"),
        ("strict { t(t(a))  b }", "(x) = strict { x }", "strict { strict { strict { a } }  b }"),
        ("t(strict { a  b })", "(x) = strict { x }", "strict { strict { a  b } }"),
        ("weighted { t(a): 2  b: 1 }", "(x) = strict { x }", "weighted { strict { a }: 2  b: 1 }"),
        (
            "t(a, b)",
            "(x, y) = u(y, x)  tree u(x, y) = weighted { x: 3  y: 1 }",
            "weighted { b: 3  a: 1 }",
        ),
    ],
)
def test_a_tree_is_put_in(serve: str, template: str, same: str) -> None:
    plain = ir_text(policy(serve=same).replace("use my.lib.{f}\n", ""))
    assert ir_text(policy(names="t", serve=serve), lib=f"library lib  tree t{template}") == plain
    assert ir_text(policy(serve=serve).replace("use my.lib.{f}", f"tree t{template}")) == plain


def test_the_root_of_a_tree_stands_where_the_policy_uses_the_template() -> None:
    library = "library lib  tree t(x, y) = u(x, y)  tree u(x, y) = strict { x  y }"
    found = lowered(policy(names="t", serve="t(a, b)"), lib=library).policy
    assert found is not None
    assert found.sources[found.serve.span.file].excerpt(found.serve.span) == "t(a, b)"


def test_a_ladder_is_put_in() -> None:
    plain = policy(more="place { cpu in any  prev }").replace("use my.lib.{f}\n", "")
    library = "library lib  ladder up { cpu in any  prev }"
    assert ir_text(policy(names="up", more="place up"), lib=library) == ir_text(plain)


def test_a_library_reads_names_in_its_own_file() -> None:
    """Its `deep` and its `limit` are meant, not the policy's."""
    library = """library lib
    use my.other.{near}
    param limit : duration = 7ms
    fn deep() = near() + limit
    fn f() = deep()"""
    other = "library other  param limit : duration = 1ms  fn near() = limit"
    more = "param limit : duration = 90ms  fn deep() = 80ms"
    result = lowered(policy(slice="f()", more=more), lib=library, other=other)
    assert result.policy is not None, result.findings
    bounds = result.policy.queues[0].slice.range
    assert bounds is not None
    assert (bounds.lo, bounds.hi) == (8_000_000, 8_000_000)


def test_functions_of_one_name_in_two_files_are_two() -> None:
    library = "library lib  use my.other.{f_of_other}  fn g() = 1ms  fn f() = f_of_other() + g()"
    other = "library other  fn g() = 2ms  fn f_of_other() = g()"
    assert lowered(policy(slice="f()"), lib=library, other=other).policy is not None


# --- what is refused


FN = "fn f() = 4ms"
T = {"names": "t", "serve": "t(a)"}
STATE = {"slice": "f()", "more": "task { ran : duration = 1ms in 1ms..2ms }"}
NO_GAP = """order o {
  v : vtime = clock
  on join { v = max(v, clock) }
  on stop { v = v + used }
  key v
}"""
REFUSED: list[tuple[str, str, dict[str, str], str]] = [
    ("E0103", "=", {}, "fn f() ="),
    ("E0201", "g", {"names": "g"}, FN),
    ("E0201", "fifo", {"names": "fifo"}, FN),
    ("E0201", "near", {"names": "near"}, "use my.other.{near}"),
    ("E0201", "ran", STATE, "fn f() = ran"),
    ("E0201", "a", {"names": "t", "serve": "t(b)"}, "tree t(x) = strict { a x }"),
    ("E0201", "tt", {"serve": "tt(a, b)"}, FN),
    ("E0201", "up", {"more": "place up"}, FN),
    ("E0202", "f", {"names": "f, f"}, FN),
    ("E0202", "f", {"more": "fn f() = 1ms"}, FN),
    ("E0202", "f", {}, f"{FN} {FN}"),
    ("E0203", "d + 1", {"slice": "f(1ms)"}, "fn f(d : duration) = d + 1"),
    ("E0208", "now", {"slice": "f()"}, "fn f() = now"),
    ("E0209", "t(a)", T, "tree t(x, y) = strict { x y }"),
    ("E0211", "y", {**T, "serve": "t(a, b)"}, "tree t(x, y) = strict { x }"),
    ("E0211", "x", T, "tree t(x) = strict { x x }"),
    ("E0214", "clock", {"names": "o", "order": "o"}, NO_GAP),
    ("E0219", "t", T, "tree t(x) = u(x)  tree u(x) = t(x)"),
    ("E0220", "my.none", {"more": "use my.none.{g}"}, FN),
    ("E0230", "task { }", {}, f"{FN} task {{ }}"),
    ("E0230", "in 1..2", {}, f"{FN} param n : count = 1 in 1..2"),
    ("E0231", "my.lib", {}, f"use my.lib.{{g}} {FN}"),
]


@pytest.mark.parametrize(("code", "text", "parts", "library"), REFUSED)
def test_what_is_wrong_is_said_where_it_stands(
    code: str, text: str, parts: dict[str, str], library: str
) -> None:
    other = "library other  fn near() = 1ms"
    result = lowered(policy(**parts), lib=f"library lib  {library}", other=other)
    check_finding(result, code, text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("library lob  fn f() = 4ms", "library lob"),
        ("policy lib  fn f() = 4ms", "policy lib"),
        ("fn f() = 4ms", "f"),
    ],
)
def test_a_library_says_what_it_is(text: str, shown: str) -> None:
    check_finding(lowered(policy(), lib=text), "E0230", shown)


def check_finding(result: Lowered, code: str, text: str) -> None:
    """One error, at that text; one in a library also says from where in the policy it was used."""
    errors = [f for f in result.findings if f.severity is Severity.ERROR]
    assert [error.code for error in errors] == [code], errors
    primary = errors[0].primary
    assert primary is not None
    assert result.sources[primary.span.file].excerpt(primary.span) == text
    if primary.span.file:
        sites = [label.span for label in errors[0].secondary if label.text == "used here"]
        assert [site.file for site in sites] == [0]


def test_a_tree_that_grows_without_bound_is_refused() -> None:
    doubled = "  ".join(f"tree t{n + 1}(x) = t{n}(t{n}(x))" for n in range(30))
    library = f"library lib  tree t0(x) = strict {{ x }}  {doubled}"
    result = lowered(policy(names="t30", serve="t30(a)"), lib=library)
    assert "E0224" in {finding.code for finding in result.findings}


def test_a_library_that_cannot_be_parsed_is_told_of_once() -> None:
    text = policy(names="f, o, t", order="o", slice="f()", serve="t(a, b)")
    assert len(lowered(text, lib="library lib  fn f( = 4ms").findings) == 1


# --- where libraries are


def write(folder: Path, name: str, text: str) -> None:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_the_first_folder_wins_and_std_is_never_replaced(tmp_path: Path) -> None:
    beside, further = tmp_path / "beside", tmp_path / "further"
    write(beside, "my/lib.sched", "first")
    write(further, "my/lib.sched", "second")
    write(further, "my/other.sched", "third")
    write(beside, "std/orders.sched", "never")
    shelf = Folders((beside, further))
    found = [shelf.find(("my", "lib")), shelf.find(("my", "other")), shelf.find(("std", "orders"))]
    texts = [source.text for source in found if isinstance(source, Source)]
    assert texts[:2] == ["first", "third"]
    assert "library orders" in texts[2]
    assert shelf.find(("my", "none")) is None
    assert ("my", "other") in shelf.near(("my", "othre"))


def test_what_is_no_file_is_told_where_it_is_used(tmp_path: Path) -> None:
    (tmp_path / "my" / "lib.sched").mkdir(parents=True)
    source = Source("p.sched", policy())
    tree, _ = parse(source)
    assert tree is not None
    (finding,) = lower(tree, source, Folders((tmp_path,))).findings
    assert finding.code == "E0001"
    assert finding.primary is not None
    assert source.excerpt(finding.primary.span) == "my.lib"
