"""Typical mistakes of newcomers and of models: what is underlined, said and offered."""

from __future__ import annotations

from enum import Enum, auto

import pytest

from schedlang.diagnostics.model import Diagnostic
from schedlang.source import Source
from schedlang.syntax.parse import parse

BASE = """policy p
queue a { order fifo  slice 5ms }
queue b { order fifo  slice 5ms }
route { nice > 0 -> b  else -> a }
serve strict { a b }
guard b after 20ms
place { prev core in any cpu in any }
guarantee { starvation_free wait(a) <= 5ms when tasks(a) <= 4 }
"""


class Offer(Enum):
    """What the repair does: nothing offered, the text is right with it, or one step nearer."""

    NOTHING = auto()
    MENDED = auto()
    NEARER = auto()


NOTHING, MENDED, NEARER = Offer

Case = tuple[str, str, str, str, Offer]
CASES: dict[str, tuple[Case, ...]] = {
    "a { order fifo  slice 5ms }": (
        ("a { order fifo  slice 5ms ", "queue", "E0101", "a `}` is missing before `queue`", MENDED),
    ),
    "a { order fifo": (
        ("a order fifo", "order", "E0101", "`{` is missing before `order`", MENDED),
    ),
    "order fifo  slice 5ms }\nqueue b": (
        (
            "order fifo  slice 20msec }\nqueue b",
            "20msec",
            "E0101",
            "`msec` is not a unit of time",
            MENDED,
        ),
        (
            "order fifo  slice 20 ms }\nqueue b",
            "ms",
            "E0101",
            "a number and its unit are one word",
            MENDED,
        ),
        ("order fifo  slice 1.5ms }\nqueue b", ".", "E0101", "numbers are whole", NOTHING),
        (
            "order fifo,  slice 5ms }\nqueue b",
            ",",
            "E0101",
            "nothing separates the parts of a policy but white space, no `,`",
            MENDED,
        ),
        (
            "order fifo;  slice 5ms; }\nqueue b",
            ";",
            "E0101",
            "nothing separates the parts of a policy but white space, no `;`",
            NEARER,
        ),
        (
            "order = fifo  slice = 5ms }\nqueue b",
            "=",
            "E0101",
            "`order` is followed by its value",
            NEARER,
        ),
        (
            "order: fifo  slice: 5ms }\nqueue b",
            ":",
            "E0101",
            "`order` is followed by its value",
            NEARER,
        ),
        (
            "order vruntime(credit = 5ms)  slice: 5ms }\nqueue b",
            "=",
            "E0101",
            "`:` belongs here, not `=`",
            NEARER,
        ),
        ("fifo  slice 5ms }\nqueue b", "fifo", "E0101", "`fifo` cannot stand here", NOTHING),
        ("ordr fifo  slice 5ms }\nqueue b", "ordr", "E0101", "`ordr` cannot stand here", MENDED),
        (
            "frequency high order fifo  slice 5ms }\nqueue b",
            "high",
            "E0101",
            "`high` cannot stand here",
            NOTHING,
        ),
    ),
    "queue a": (
        ("queue A", "A", "E0101", "`A` has capital letters", MENDED),
        ("Queue a", "Queue", "E0101", "`Queue` has capital letters", MENDED),
        ("queu a", "queu", "E0101", "`queu` cannot stand here", MENDED),
        ("queue my-a", "-", "E0101", "a name has no `-`", MENDED),
    ),
    "queue a {": (
        ("queue a:", ":", "E0101", "a block is in braces", MENDED),
        ("queue slice {", "slice", "E0101", "`slice` cannot stand here", NOTHING),
        ('queue "a" {', '"a"', "E0101", '`"a"` cannot stand here', NOTHING),
    ),
    "nice > 0 -> b ": (
        (
            "nice > 0 -> b, ",
            ",",
            "E0101",
            "nothing separates the parts of a policy but white space, no `,`",
            MENDED,
        ),
        ("nice > 0 b ", "b", "E0101", "a rule has an arrow: `CONDITION -> QUEUE`", MENDED),
        ("nice > 0: b ", ":", "E0101", "`->` belongs here, not `:`", MENDED),
        ("nice > 0 => b ", "=", "E0101", "`=>` is written `->`", MENDED),
        ("nice > 0 = b ", "=", "E0101", "`=` gives a value, comparison is `==`", NOTHING),
        ("nice = 0 -> b ", "=", "E0101", "`=` gives a value, comparison is `==`", MENDED),
        ("nice > 0 && kthread -> b ", "&", "E0101", "`&&` is written `and`", MENDED),
        ("nice > 0 || kthread -> b ", "|", "E0101", "`||` is written `or`", MENDED),
        ("!kthread -> b ", "!", "E0101", "`!` is written `not`", MENDED),
        ("not kthread and 0 < nice < 5 -> b ", "<", "E0101", "comparisons do not chain", NOTHING),
        ('comm = "x" -> b ', "=", "E0101", "text is matched with `~`", MENDED),
        ("comm ~ 'x' -> b ", "'", "E0104", "text is in plain double quotes", MENDED),
        ("comm ~ x -> b ", "x", "E0101", "text is in double quotes", NOTHING),
        ('comm =~ "x" -> b ', "=", "E0101", "`=~` is written `~`", MENDED),
        ('comm ~ "x -> b ', '"', "E0104", "the text is not closed on its line", NOTHING),
        ('cgroup ~ "x" -> b ', "~", "E0101", "a cgroup is compared with `under`", MENDED),
        ("if nice > 0 -> b ", "->", "E0101", "`then` is missing", NOTHING),
        (
            "-nice > 0 -> b ",
            "nice",
            "E0101",
            "`-` stands between two values or before a whole number",
            NOTHING,
        ),
        ("nice is 0 -> b ", "is", "E0101", "`is` is not a word of the language", MENDED),
        (
            "nice ≥ 0 -> b ",
            "≥",
            "E0104",
            "the character U+2265 is written `>=` in a policy",
            MENDED,
        ),
        ("nice > 0 → b ", "→", "E0104", "the character U+2192 is written `->` in a policy", MENDED),
        ("comm ~ “x” -> b ", "“", "E0104", "text is in plain double quotes", MENDED),
        (
            "nice % 2 == 0 -> b ",
            "%",
            "E0101",
            "there is no remainder operator; `%` belongs to a number: `10%`",
            NOTHING,
        ),
        ("nice ** 2 == 0 -> b ", "*", "E0101", "there is no power operator", NOTHING),
        ("t.nice == 0 -> b ", ".", "E0101", "attributes and states have no owner", MENDED),
        (
            "nice == 0 ? b : a",
            "?",
            "E0101",
            "a choice is written `if CONDITION then VALUE else VALUE`",
            NOTHING,
        ),
    ),
    "else -> a": (
        ("else a", "a", "E0101", "a rule has an arrow: `CONDITION -> QUEUE`", MENDED),
        ("else: a", ":", "E0101", "`->` belongs here, not `:`", MENDED),
        ("* -> a", "*", "E0101", "`*` cannot stand here", NOTHING),
        (
            "else -> a  nice > 5 -> b",
            "nice",
            "E0101",
            "`else` is the last part of a route",
            NOTHING,
        ),
    ),
    "route {": (
        ("route {  // comment\n", "/", "E0101", "a comment begins with `#`", MENDED),
        ("route {  /* comment */", "/", "E0101", "there are no block comments", NOTHING),
        ("route {  -- comment\n", "-", "E0101", "a comment begins with `#`", MENDED),
        ("route  ", "nice", "E0101", "`{` is missing before `nice`", MENDED),
    ),
    "a b }": (
        (
            "a, b }",
            ",",
            "E0101",
            "nothing separates the parts of a policy but white space, no `,`",
            MENDED,
        ),
        ("a > b }", ">", "E0101", "`>` cannot stand here", NOTHING),
    ),
    "strict { a b }": (
        ("weighted { a b }", "b", "E0101", "`:` is missing before `b`", NOTHING),
        ("weighted { a: 4 b = 1 }", "=", "E0101", "`:` belongs here, not `=`", MENDED),
        ("{ a b }", "{", "E0101", "`{` cannot stand here", NOTHING),
        ("priority { a b }", "{", "E0101", "`{` cannot stand here", NOTHING),
        ("stict { a b }", "{", "E0101", "`stict` is not a way to choose", MENDED),
        ("strict ( a b )", "(", "E0101", "a block is in braces", NEARER),
        ("strict { }", "}", "E0101", "`}` cannot stand here", NOTHING),
        ("a b", "b", "E0101", "`b` cannot stand here", NOTHING),
    ),
    "b after 20ms": (
        ("b at 10%", "10%", "E0101", "`least` is missing before `10%`", MENDED),
        ("b atleast 10%", "atleast", "E0101", "`atleast` is not a word of the language", MENDED),
        ("b at least 10 %", "%", "E0101", "a number and its unit are one word", MENDED),
        (
            "b 20ms",
            "20ms",
            "E0101",
            "a guard says `after DURATION` or `at least PERCENTAGE`",
            MENDED,
        ),
        (
            "b: after 20ms",
            ":",
            "E0101",
            "a guard says `after DURATION` or `at least PERCENTAGE`",
            MENDED,
        ),
        (
            "b { after 20ms }",
            "{",
            "E0101",
            "a guard says `after DURATION` or `at least PERCENTAGE`",
            NEARER,
        ),
    ),
    "guard b after": (("guard after b", "after", "E0101", "`after` cannot stand here", NOTHING),),
    "core in any": (
        ("core", "cpu", "E0101", "`core` is followed by `in any`", MENDED),
        ("core any", "any", "E0101", "`core` is followed by `in any`", MENDED),
        ("core in", "in", "E0101", "`in` cannot stand here", NOTHING),
        ("waker", "cpu", "E0101", "`if` is missing before `cpu`", NOTHING),
        ("waker if async", "async", "E0101", "`sync` is missing before `async`", NOTHING),
    ),
    "place {": (("place : ", ":", "E0101", "a block is in braces", MENDED),),
    "when tasks(a) <= 4": (
        ("and tasks(a) <= 4", "and", "E0101", "the conditions of a claim follow `when`", MENDED),
        ("if tasks(a) <= 4", "if", "E0101", "the conditions of a claim follow `when`", MENDED),
        ("when tasks(a) < 4", "<", "E0101", "only `<=` can stand here", MENDED),
        ("when tick <= 1", "1", "E0101", "a duration has a unit", NOTHING),
        ("when tasks <= 4", "<=", "E0101", "`(` is missing before `<=`", NOTHING),
    ),
    "wait(a) <= 5ms": (
        ("wait(a) < 5ms", "<", "E0101", "only `<=` can stand here", MENDED),
        ("wait a <= 5ms", "a", "E0101", "`(` is missing before `a`", NEARER),
    ),
    "starvation_free": (
        ("starvation-free", "starvation", "E0101", "a name has no `-`", MENDED),
        (
            "StarvationFree",
            "StarvationFree",
            "E0101",
            "`StarvationFree` has capital letters",
            MENDED,
        ),
        ("starvationfree", "starvationfree", "E0101", "`starvationfree` cannot stand here", MENDED),
        (
            "starvation_free,",
            ",",
            "E0101",
            "nothing separates the parts of a policy but white space, no `,`",
            MENDED,
        ),
    ),
    "guard b": (
        (
            'accept starvation b because "x"\nguard b',
            "b",
            "E0101",
            "`of` is missing before `b`",
            MENDED,
        ),
        (
            "accept starvation of b because it is ok\nguard b",
            "it",
            "E0101",
            "text is in double quotes",
            NOTHING,
        ),
        (
            'accept starvation of b "x"\nguard b',
            '"x"',
            "E0101",
            '`because` is missing before `"x"`',
            MENDED,
        ),
        ("param x = 5ms\nguard b", "=", "E0101", "`:` belongs here, not `=`", NOTHING),
        ("param x: duration 5ms\nguard b", "5ms", "E0101", "`=` is missing before `5ms`", MENDED),
        (
            "param x: duration = 5ms in 1ms...3ms\nguard b",
            ".",
            "E0101",
            "a range is written `..`",
            MENDED,
        ),
        (
            "param x: duration = 5ms in 1ms-3ms\nguard b",
            "guard",
            "E0101",
            "`..` is missing before `guard`",
            NOTHING,
        ),
        (
            "param x: duration = 5ms in 1ms to 3ms\nguard b",
            "to",
            "E0101",
            "`to` is not a word of the language",
            MENDED,
        ),
        ("param duration x = 5ms\nguard b", "x", "E0101", "`:` is missing before `x`", NOTHING),
        (
            "param x : Duration = 1_000ms\nguard b",
            "Duration",
            "E0101",
            "`Duration` has capital letters",
            NEARER,
        ),
        (
            "param x : duration == 1ms\nguard b",
            "=",
            "E0101",
            "`==` compares, a value is given with `=`",
            MENDED,
        ),
        ("param x : duration := 1ms\nguard b", ":", "E0101", "`:=` is written `=`", MENDED),
        ("fn f(x) = x\nguard b", ")", "E0101", "`:` is missing before `)`", NOTHING),
        ("fn f(x: count) { x }\nguard b", "{", "E0101", "`=` is missing before `{`", NOTHING),
        (
            "fn f(x: count) -> count = x\nguard b",
            "->",
            "E0101",
            "the type of a function is not written",
            NOTHING,
        ),
        ("fn f = x\nguard b", "=", "E0101", "`(` is missing before `=`", NOTHING),
        (
            "def f(x: count) = x\nguard b",
            "def",
            "E0101",
            "`def` is not a word of the language",
            MENDED,
        ),
        (
            "fn f(x: count) = if x > 1 then 2\nguard b",
            "guard",
            "E0101",
            "`else` is missing",
            NOTHING,
        ),
        ("fn f(x: count) = if x > 1: 2 else 3\nguard b", ":", "E0101", "`then` is missing", MENDED),
        (
            "fn f(x: count) = if x > 1 { 2 } else { 3 }\nguard b",
            "{",
            "E0101",
            "`then` is missing",
            NOTHING,
        ),
        (
            "fn f(x: count) = if x > 1 then 2 elif x > 3 then 5 else 3\nguard b",
            "elif",
            "E0101",
            "`elif` is not a word of the language",
            MENDED,
        ),
        (
            "use std.orders.vruntime\nguard b",
            "guard",
            "E0101",
            "the names to use are in braces",
            MENDED,
        ),
        ("use std.orders\nguard b", "guard", "E0101", "`.` is missing before `guard`", NOTHING),
        (
            "import std.orders.{x}\nguard b",
            "import",
            "E0101",
            "`import` is not a word of the language",
            MENDED,
        ),
        ("use std.orders.*\nguard b", "*", "E0101", "`*` cannot stand here", NOTHING),
        ("use {x}\nguard b", "{", "E0101", "`{` cannot stand here", NOTHING),
        (
            "task { x : count = 0  on stop: x = 1 }\nguard b",
            ":",
            "E0101",
            "a block is in braces",
            NEARER,
        ),
        (
            "task { x : count = 0  on stop { x += 1 } }\nguard b",
            "+",
            "E0101",
            "`+=` is not an operator",
            MENDED,
        ),
        (
            "task { x : count = 0  on stop { x == 1 } }\nguard b",
            "=",
            "E0101",
            "`==` compares, a value is given with `=`",
            MENDED,
        ),
        ("task { x = 0 }\nguard b", "=", "E0101", "`:` belongs here, not `=`", NOTHING),
        ("task { x : count }\nguard b", "}", "E0101", "`=` is missing before `}`", NOTHING),
        (
            "task { x : count = 0; on stop { x = 1; } }\nguard b",
            ";",
            "E0101",
            "nothing separates the parts of a policy but white space, no `;`",
            NEARER,
        ),
        (
            "task { x : count = 0 stop { x = 1 } }\nguard b",
            "{",
            "E0101",
            "`:` is missing before `{`",
            NOTHING,
        ),
        (
            "task { x : count = 0 on stop when blocked { x = 1 } }\nguard b",
            "when",
            "E0101",
            "the condition of a handler follows `if`",
            MENDED,
        ),
        (
            "task { x : count = 0 on stop { if blocked { x = 1 } } }\nguard b",
            "if",
            "E0101",
            "`if` cannot stand here",
            NOTHING,
        ),
        (
            "order o { v : vtime = clock  key v  on stop { v = v } }\nguard b",
            "on",
            "E0101",
            "`key` is the last part of an order",
            NOTHING,
        ),
        (
            "order o { v : vtime = clock  key = v }\nguard b",
            "=",
            "E0101",
            "`key` is followed by its value",
            MENDED,
        ),
        ("order o() { key v }\nguard b", ")", "E0101", "empty parentheses are left out", MENDED),
        ("}\nguard b", "}", "E0101", "this brace closes nothing", MENDED),
        (
            "preempt { a over b 1ms }\nguard b",
            "1ms",
            "E0101",
            "`1ms` cannot stand here",
            NOTHING,
        ),
        ("@foo\nguard b", "@", "E0104", "the character `@` has no meaning in a policy", NOTHING),
        (
            "99999999999999999999999\nguard b",
            "99999999999999999999999",
            "E0101",
            "`99999999999999999999999` cannot stand here",
            NOTHING,
        ),
        (
            "cpuset x = 0-3 tunable\nguard b",
            "tunable",
            "E0102",
            "`tunable` (CPU sets that change while loaded) is for a later version of the language",
            NOTHING,
        ),
    ),
    "policy p": (
        ("policy p {", "{", "E0101", "the declarations of a policy are not in a block", MENDED),
        (
            "policy p;",
            ";",
            "E0101",
            "nothing separates the parts of a policy but white space, no `;`",
            MENDED,
        ),
        ('policy "p"', '"p"', "E0101", '`"p"` cannot stand here', NOTHING),
        ("policy P", "P", "E0101", "`P` has capital letters", MENDED),
        ("policy my-policy", "-", "E0101", "a name has no `-`", MENDED),
        ("policy", "queue", "E0101", "`queue` cannot stand here", NOTHING),
        ("scheduler p", "scheduler", "E0101", "`scheduler` is not a word of the language", MENDED),
        (
            "\ufeffpolicy p",
            "\ufeff",
            "E0104",
            "an invisible character, U+FEFF, that no policy contains",
            MENDED,
        ),
    ),
    "prev core": (
        (
            "prev\xa0core",
            "\xa0",
            "E0104",
            "an invisible character, U+00A0, that no policy contains",
            MENDED,
        ),
    ),
    "20ms\n": (
        ("99999999999s\n", "99999999999s", "E0106", "the number is larger than 2^62", NOTHING),
    ),
    "guarantee { starvation_free wait(a) <= 5ms when tasks(a) <= 4 }": (
        (
            "guarantee starvation_free",
            "starvation_free",
            "E0101",
            "`{` is missing before `starvation_free`",
            NEARER,
        ),
    ),
    "guarantee {": (
        ("guarantees {", "guarantees", "E0101", "`guarantees` cannot stand here", MENDED),
    ),
}
"""What is replaced in `BASE`: by what; then the underlined text, the code and the message."""


def broken(old: str, new: str) -> str:
    assert BASE.count(old) >= 1
    return BASE.replace(old, new, 1)


def findings(text: str) -> tuple[Diagnostic, ...]:
    return parse(Source("p.sched", text))[1]


def mended(text: str, finding: Diagnostic) -> str:
    (repair,) = finding.repairs
    for edit in repair.edits:
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text


@pytest.mark.parametrize(
    ("old", "case"), [(old, case) for old, cases in CASES.items() for case in cases]
)
def test_a_mistake_is_named_and_mended(old: str, case: Case) -> None:
    new, underlined, code, message, offer = case
    text = broken(old, new)
    (finding,) = findings(text)
    assert finding.primary
    span = finding.primary.span
    assert (text[span.start : span.end], finding.code) == (underlined, code)
    assert finding.message == message
    if offer is Offer.NOTHING:
        assert not finding.repairs
        return
    rest = findings(mended(text, finding))
    assert bool(rest) is (offer is Offer.NEARER)
    assert not rest or rest[0].primary != finding.primary


@pytest.mark.parametrize(
    ("old", "new"), [(old, case[0]) for old, cases in CASES.items() for case in cases]
)
def test_every_finding_says_what_belongs_there(old: str, new: str) -> None:
    (finding,) = findings(broken(old, new))
    assert finding.primary
    assert finding.primary.text or finding.notes or finding.code in ("E0104", "E0106")


def test_the_base_is_right() -> None:
    assert not findings(BASE)


def test_a_missing_brace_points_at_the_open_one() -> None:
    text = broken("queue a { order fifo  slice 5ms }", "queue a { order fifo  slice 5ms")
    (finding,) = findings(text)
    (opened,) = finding.secondary
    assert opened.span.start == text.index("{")


@pytest.mark.parametrize("cut", ["wait(a) <= 5ms when tasks(a) <= 4 }", "4 }"])
def test_a_text_that_ends_early(cut: str) -> None:
    (finding,) = findings(BASE[: BASE.index(cut)])
    assert finding.code == "E0103"
    assert finding.secondary[0].text == "this block is not closed"


def test_closing_the_last_block_is_offered() -> None:
    text = BASE.rstrip().removesuffix("}")
    (finding,) = findings(text)
    assert finding.code == "E0103"
    assert not findings(mended(text, finding))


def test_the_form_is_shown_where_nothing_can_be_offered() -> None:
    (finding,) = findings(broken("b after 20ms", "after b"))
    assert finding.notes
    (finding,) = findings(broken("slice 5ms", "slice"))
    assert finding.notes == ("the form is `slice DURATION`",)
