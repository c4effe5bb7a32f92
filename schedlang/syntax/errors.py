"""A problem of the parser as a finding: what is wrong there, what belongs there, how to mend it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import assert_never

from lark import Token, UnexpectedCharacters, UnexpectedToken

from schedlang.diagnostics.model import Diagnostic, Edit, Label, Repair
from schedlang.diagnostics.suggest import did_you_mean
from schedlang.source import Span
from schedlang.syntax.build import MAX_DEPTH, TooDeep, TooLarge
from schedlang.syntax.lookahead import acceptable
from schedlang.syntax.problems import Problem, place
from schedlang.syntax.scan import open_brace
from schedlang.syntax.slips import recognise
from schedlang.syntax.stumble import Stumble, word_at
from schedlang.syntax.words import (
    CLAIMS,
    DECLARATIONS,
    FIXED,
    LATER,
    OPEN,
    RESERVED,
    expectation,
    written,
)

Readable = Callable[[str], int]
"""Up to where a text can be read."""


def describe(problem: Problem, text: str, file: int, readable: Readable) -> Diagnostic:
    """The finding. A repair is offered only if the text can be read further with it."""
    match problem:
        case TooDeep():
            note = "give a part of it a name with `fn`, or split the rule in two"
            message = f"nested more than {MAX_DEPTH} levels deep"
            return Diagnostic("E0105", message, Label(problem.span), notes=(note,))
        case TooLarge():
            return Diagnostic("E0106", "the number is larger than 2^62", Label(problem.span))
        case UnexpectedToken(token=Token(type="$END")):
            return _too_early(text, file, acceptable(problem))
        case UnexpectedToken():
            start = place(problem)
            word = str(problem.token)
            at = Stumble(text, start, file, word, acceptable(problem))
            return _checked(_unexpected(at), at, readable)
        case UnexpectedCharacters():
            start = place(problem)
            word = word_at(text, start)
            at = Stumble(text, start, file, word, acceptable(problem))
            return _checked(_unexpected(at), at, readable)
        case _:
            assert_never(problem)


def _too_early(text: str, file: int, expected: frozenset[str]) -> Diagnostic:
    end = len(text.rstrip())
    at = Label(Span(max(end - 1, 0), end, file), "after this")
    message = f"the file ends too early, {expectation(expected)} is missing"
    brace = open_brace(text, len(text))
    if brace is None:
        return Diagnostic("E0103", message, at)
    opened = (Label(Span(brace, brace + 1, file), "this block is not closed"),)
    if "RBRACE" not in expected:
        return Diagnostic("E0103", message, at, opened)
    repair = Repair("close the block", (Edit(Span(len(text), len(text), file), "\n}\n"),))
    message = "the file ends before the block does, `}` is missing"
    return Diagnostic("E0103", message, at, opened, repairs=(repair,))


def _unexpected(at: Stumble) -> Diagnostic:
    later = at.last_word if at.word == "." else at.word
    if later in LATER:
        message = f"`{later}` ({LATER[later]}) is for a later version of the language"
        return Diagnostic("E0102", message, Label(at.span(), "reserved word"))
    if at.word == '"':
        label = Label(at.span(), "opened here")
        return Diagnostic("E0104", "the text is not closed on its line", label)
    expected = f"expected {expectation(at.expected)}"
    if slip := recognise(at):
        label = Label(at.span(), slip.label or expected)
        return Diagnostic(
            slip.code,
            slip.message,
            label,
            _opened(at) if "RBRACE" in at.expected and at.word in DECLARATIONS else (),
            (slip.note,) if slip.note else (),
            (slip.repair,) if slip.repair else (),
        )
    if not (at.word.isascii() and at.word.isprintable()) or at.word in "@$[]\\":
        return _illegal(at)
    return _misplaced(at, Label(at.span(), expected))


def _checked(finding: Diagnostic, at: Stumble, readable: Readable) -> Diagnostic:
    """`finding` without a repair that does not help; then with the construct's form."""
    repairs = tuple(repair for repair in finding.repairs if _helps(repair, at.text, readable))
    if repairs or finding.notes or at.form is None or finding.code != "E0101":
        return replace(finding, repairs=repairs)
    return replace(finding, repairs=repairs, notes=(f"the form is {at.form}",))


def _helps(repair: Repair, text: str, readable: Readable) -> bool:
    (edit,) = repair.edits
    mended = text[: edit.span.start] + edit.text + text[edit.span.end :]
    end = edit.span.start + len(edit.text)
    end += len(mended[end:]) - len(mended[end:].lstrip())
    return readable(mended) > end


def _opened(at: Stumble) -> tuple[Label, ...]:
    brace = open_brace(at.text, at.start)
    return () if brace is None else (Label(Span(brace, brace + 1, at.file), "opened here"),)


def _misplaced(at: Stumble, label: Label) -> Diagnostic:
    message = f"`{at.shown}` cannot stand here"
    words = [written(t) for t in at.expected if t not in FIXED and t not in OPEN]
    claims = CLAIMS if "CLAIM" in at.expected and "NAME" not in at.expected else ()
    if near := did_you_mean(at.word, (*claims, *(word for word in words if word))):
        repair = Repair(f"did you mean `{near}`?", (Edit(at.span(), near),))
        return Diagnostic("E0101", message, label, repairs=(repair,))
    if at.word in RESERVED and "NAME" in at.expected:
        note = f"`{at.word}` is a word of the language and cannot be a name"
        return Diagnostic("E0101", message, label, notes=(note,))
    return Diagnostic("E0101", message, label)


def _illegal(at: Stumble) -> Diagnostic:
    shown = at.word[:1].encode("unicode_escape").decode()
    shown = "\\" if at.word == "\\" else shown
    message = f"the character `{shown}` has no meaning in a policy"
    return Diagnostic("E0104", message, Label(at.span(1)))
