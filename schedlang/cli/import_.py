"""`schedc import`: what other tools are told, as a policy, and what of it no policy can say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from schedlang.cli.exits import exit_for
from schedlang.cli.options import exits_with, format_option
from schedlang.cli.output import Findings, Format, print_findings
from schedlang.diagnostics.model import Diagnostic

if TYPE_CHECKING:
    from schedlang.diagnostics.render_json import JsonObject
    from schedlang.importing.draft import Draft, Gap
    from schedlang.ir.nodes import Policy
    from schedlang.prover.verdict import ProofReport
    from schedlang.source import Sources

LAYERED, ANANICY = "layered", "ananicy"
_OF_ANANICY = (".rules", ".types", ".cgroups")


@click.command("import")
@click.argument("files", type=click.Path(), nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write the policy there; a file that is there already stays.",
)
@click.option(
    "--from",
    "kind",
    type=click.Choice([LAYERED, ANANICY]),
    help="What the files are, if their names do not say it.",
)
@format_option
@exits_with
def import_(files: tuple[str, ...], output: Path | None, kind: str | None, form: Format) -> int:
    """Make a policy of a layer specification of scx_layered, or of a nice daemon's rules.

    Told as well: each field that no policy can say, with the reason, and what is proved.
    """
    from schedlang.files import read_policy

    read = [read_policy(path) for path in files]
    unread = tuple(one for one in read if isinstance(one, Diagnostic))
    sources = tuple(one for one in read if not isinstance(one, Diagnostic))
    is_rules = kind == ANANICY if kind else all(path.endswith(_OF_ANANICY) for path in files)
    if len(files) > 1 and not is_rules:
        raise click.UsageError("only rules of nice daemons stand in several files")
    name = (output or Path(files[0])).stem
    made = unread or (_from_rules(sources, name) if is_rules else _from_layers(sources, name))
    if isinstance(made, tuple):
        print_findings([Findings(files[0], made, sources)], form)
        return exit_for(made)
    return _tell(made, sources, output, form)


def _from_layers(sources: Sources, name: str) -> Draft | tuple[Diagnostic, ...]:
    from schedlang.importing.layered_policy import layered_policy
    from schedlang.importing.layered_read import read_layers

    (source,) = sources
    read = read_layers(source)
    wrong = tuple(one for one in read if isinstance(one, Diagnostic))
    layers = tuple(one for one in read if not isinstance(one, Diagnostic))
    return wrong or layered_policy(layers, name, Path(source.name).name)


def _from_rules(sources: Sources, name: str) -> Draft | tuple[Diagnostic, ...]:
    from schedlang.importing.nice_policy import nice_policy
    from schedlang.importing.nice_rules import read_rules

    read = read_rules(sources)
    if isinstance(read, tuple):
        return read
    return nice_policy(read, name, [Path(source.name).name for source in sources])


# --- what is told


def _tell(draft: Draft, sources: Sources, output: Path | None, form: Format) -> int:
    from schedlang.report.proof_json import proof_json

    path = str(output or "<import>")
    policy, proof = _proved(path, draft.text)
    problems = _write(draft, output)
    imported: JsonObject = {
        "policy": draft.text,
        "gaps": [_gap_json(gap, sources) for gap in draft.gaps],
        "proof": proof_json(proof, policy),
    }
    print_findings([Findings(path, problems)], form, {"import": imported})
    if not problems and form is not Format.JSON:
        if output is None:
            click.echo(draft.text, nl=False)
        click.echo(_told(draft.gaps, sources, policy, proof), err=True, nl=False)
    return exit_for(problems)


def _proved(path: str, text: str) -> tuple[Policy, ProofReport]:
    """INVARIANT: the compiler accepts what an import makes."""
    from schedlang.prover.prove import prove
    from schedlang.semantics.lower import lower
    from schedlang.source import Source
    from schedlang.syntax.parse import parse

    source = Source(path, text)
    tree, findings = parse(source)
    lowered = lower(tree, source) if tree is not None else None
    if lowered is None or lowered.policy is None:
        said = findings or (lowered.findings if lowered else ())
        raise RuntimeError(f"the imported policy is none: {said[0].message}")
    return lowered.policy, prove(lowered.policy)


def _write(draft: Draft, output: Path | None) -> tuple[Diagnostic, ...]:
    from schedlang.backend import EnvironmentProblem
    from schedlang.driver import describe_problem
    from schedlang.files import create_file

    try:
        if output is not None:
            create_file(output, draft.text.encode())
    except EnvironmentProblem as problem:
        return (describe_problem(problem),)
    return ()


def _gap_json(gap: Gap, sources: Sources) -> JsonObject:
    from schedlang.diagnostics.render_json import span_json

    place = span_json(gap.span, sources)
    return {"where": gap.where, "place": place, "loss": gap.loss.value, "why": gap.why}


def _told(gaps: Sequence[Gap], sources: Sources, policy: Policy, proof: ProofReport) -> str:
    from schedlang.diagnostics.printable import printable

    lines = [
        f"{len(gaps)} fields are not in the policy as they are:" if gaps else "all of it is said"
    ]
    for gap in gaps:
        source = sources[gap.span.file]
        place = f"{source.name}:{source.line(gap.span)}"
        lines.append(printable(f"  {gap.loss:8}  {gap.where} ({place}): {gap.why}"))
    lines.append("of the policy:")
    lines += _proof_lines(policy, proof)
    return "".join(f"{line}\n" for line in lines)


def _proof_lines(policy: Policy, proof: ProofReport) -> list[str]:
    from schedlang.prover.verdict import Proved, Refuted
    from schedlang.report.findings import claim_text
    from schedlang.units import duration

    lines = []
    for finding in proof.findings:
        claim, verdict = claim_text(finding, policy), finding.verdict
        if isinstance(verdict, Proved):
            bound = verdict.bound
            most = (
                f": at most {duration(bound.value_ns)} in the case: {bound.case}" if bound else ""
            )
            lines.append(f"  proved    {claim}{most}")
        elif isinstance(verdict, Refuted):
            lines.append(f"  refuted   {claim}: {verdict.why}")
        else:
            lines.append(f"  unknown   {claim}: {verdict.reason}")
    return lines
