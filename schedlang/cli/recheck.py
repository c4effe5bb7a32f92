"""`schedc prove --recheck`: what a second solver says of the certificates in a folder."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from schedlang.cli.exits import exit_for
from schedlang.cli.output import Findings, Format, findings_of, print_findings, print_problem
from schedlang.diagnostics.model import Diagnostic, Repair
from schedlang.diagnostics.printable import printable

if TYPE_CHECKING:
    from schedlang.diagnostics.render_json import JsonObject
    from schedlang.driver import Request
    from schedlang.report.certificates import Flaw, Index, Opinion


def recheck_folder(folder: Path, policy: Request | None, form: Format) -> int:
    """Decide every certificate again; they have to be those of the proof of `policy`, if given."""
    from schedlang.backend import EnvironmentProblem
    from schedlang.files import read_folder
    from schedlang.prover.recheck import is_installed

    if not is_installed():
        problem = EnvironmentProblem("cvc5 is not installed", "pip install 'schedlang[recheck]'")
        return exit_for(print_problem(problem, str(folder), form))
    files = read_folder(folder)
    if isinstance(files, Diagnostic):
        print_findings([Findings(str(folder), (files,))], form)
        return exit_for((files,))
    expected = _expected(policy) if policy is not None else None
    if isinstance(expected, Findings):
        print_findings([expected], form)
        return exit_for(expected.diagnostics)
    opinions: list[Opinion] = []
    index, findings = _index(files, expected)
    if index is not None and not findings:
        opinions = list(_opinions(index, files, form))
        findings = tuple(_judged(opinions))
    _print(folder, opinions, findings, form)
    return exit_for(findings)


def _expected(request: Request) -> Mapping[str, bytes] | Findings:
    """The certificates of the policy's proof as it is now, or why there is none."""
    from schedlang.driver import run
    from schedlang.report.certificates import certificates

    done = run(request)
    if done.policy is None or done.proof is None:
        return findings_of(done)
    return certificates(done.proof, done.policy)


def _index(
    files: Mapping[str, bytes], expected: Mapping[str, bytes] | None
) -> tuple[Index | None, tuple[Diagnostic, ...]]:
    from schedlang.certificate_names import INDEX
    from schedlang.report.certificates import Flaw, flaws, read_index

    if INDEX not in files:
        return None, (Diagnostic("E0305", f"there is no `{INDEX}`: this is no folder of proofs"),)
    index = read_index(files[INDEX])
    if isinstance(index, Flaw):
        return None, (_flaw(index),)
    found = tuple(map(_flaw, flaws(index, files)))
    if not found and expected is not None and dict(files) != dict(expected):
        message = "these are not the certificates of the policy's proof as it is now"
        found = (Diagnostic("E0305", message, notes=_difference(files, expected)),)
    return index, found


def _flaw(flaw: Flaw) -> Diagnostic:
    return Diagnostic("E0305", f"`{flaw.file}` {flaw.what}")


def _difference(files: Mapping[str, bytes], expected: Mapping[str, bytes]) -> tuple[str, ...]:
    names = sorted(n for n in {*files, *expected} if files.get(n) != expected.get(n))
    return (f"{len(names)} files differ, `{names[0]}` first",)


def _opinions(index: Index, files: Mapping[str, bytes], form: Format) -> Iterator[Opinion]:
    from schedlang.prover.recheck import second_opinion
    from schedlang.report.certificates import Opinion

    shows_progress = form is Format.HUMAN and sys.stderr.isatty()
    for number, certificate in enumerate(index.certificates, 1):
        if shows_progress:
            click.echo(f"\r{number}/{len(index.certificates)}", err=True, nl=False)
        text = files[certificate.file].decode(errors="replace")
        yield Opinion(certificate, second_opinion(text))
    if shows_progress:
        click.echo("\r", err=True, nl=False)


def _judged(opinions: list[Opinion]) -> Iterator[Diagnostic]:
    from schedlang.report.certificates import Standing

    for opinion in opinions:
        one = opinion.certificate
        claims = ", ".join(claim for claim, _ in one.claims)
        notes = (f"lemma: {one.lemma}", f"rests on it: {claims}")
        match opinion.standing:
            case Standing.DISAGREES:
                message = f"`{one.file}`: z3 said {one.answer}, cvc5 says {opinion.answer}"
                yield Diagnostic("E0306", message, notes=notes)
            case Standing.UNDECIDED:
                message = f"`{one.file}`: z3 said {one.answer}, cvc5 cannot decide it"
                repair = Repair("give the file to a third solver")
                yield Diagnostic("E0307", message, notes=notes, repairs=(repair,))
            case Standing.AGREES:
                pass


def _print(
    folder: Path, opinions: list[Opinion], findings: tuple[Diagnostic, ...], form: Format
) -> None:
    from schedlang.report.certificates import Standing, opinions_json

    if form is Format.JSON:
        more: JsonObject = {"certificates": opinions_json(opinions)}
        print_findings([Findings(str(folder), findings)], form, more)
        return
    print_findings([Findings(str(folder), findings)], form)
    if opinions:
        counts = {s: sum(o.standing is s for o in opinions) for s in Standing}
        words = ", ".join(f"{count} {s.value}" for s, count in counts.items())
        click.echo(f"{printable(str(folder))}: {len(opinions)} certificates: {words}")
