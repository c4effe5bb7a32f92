"""`schedc review`: all that somebody has to see who approves a policy."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from schedlang.cli.exits import exit_for
from schedlang.cli.options import (
    exits_with,
    format_option,
    html_option,
    library_option,
    policy_argument,
)
from schedlang.cli.output import Findings, Format, findings_of, print_findings, wants_colour

if TYPE_CHECKING:
    from schedlang.driver import Compilation
    from schedlang.report.review import Review


@click.command()
@policy_argument
@html_option
@library_option
@format_option
@exits_with
def review(policy: str, html: Path | None, libraries: tuple[Path, ...], form: Format) -> int:
    """Show POLICY, its proofs and its C side by side.

    What is accepted or warned of comes first, then digests, guarantees and assumptions, then the
    policy and the C with the lines that belong together. Without a C compiler there is no object.
    """
    from schedlang.driver import Phase, Request, run

    done = run(Request(policy, Phase.BUILD, libraries=libraries))
    found = _review(done)
    if found is None:
        print_findings([findings_of(done)], form)
        return exit_for(done.diagnostics)
    done = _write(replace(done, diagnostics=found.diagnostics), found, html)
    _print(done, found, form, is_shown=html is None)
    return exit_for(done.diagnostics)


def _review(done: Compilation) -> Review | None:
    """What is known of the policy, if it got as far as a proof."""
    from schedlang.driver import load_backend
    from schedlang.report.review import Review

    if done.policy is None or done.proof is None:
        return None
    # A missing compiler is no fault of the policy, which is what is reviewed.
    kept = tuple(d for d in done.diagnostics if d.code != "E0601")
    missing = next((d.message for d in done.diagnostics if d.code == "E0601"), "")
    why = missing or "a property is neither proved nor accepted"
    if done.c is not None and not missing:
        why = "the C compiler failed"
    origins = load_backend().origins(done.c, done.policy) if done.c is not None else ()
    built = done.built.object if done.built is not None else None
    return Review(done.policy, done.proof, kept, done.c, origins, built, why)


def _write(done: Compilation, found: Review, html: Path | None) -> Compilation:
    from schedlang.backend import EnvironmentProblem
    from schedlang.driver import describe_problem
    from schedlang.files import write_file
    from schedlang.report.review import review_page

    if html is None:
        return done
    try:
        write_file(html, review_page(found).encode())
    except EnvironmentProblem as problem:
        return done.told(describe_problem(problem))
    return done


def _print(done: Compilation, found: Review, form: Format, *, is_shown: bool) -> None:
    from schedlang.report.review import review_json, review_text

    if form is not Format.HUMAN:
        more = {"review": review_json(found)} if form is Format.JSON else None
        print_findings([findings_of(done)], form, more)
        return
    # The text tells the policy's own findings; with a page they are all that is said here.
    told = tuple(d for d in done.diagnostics if not is_shown or d not in found.diagnostics)
    print_findings([Findings(done.request.path, told, done.sources)], form)
    if is_shown:
        text = review_text(found, colour=wants_colour(sys.stdout))
        click.echo(text, nl=False, color=True)
