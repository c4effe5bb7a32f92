"""What a person needs who has to approve a policy: risks first, then proofs, policy and C together.

Pure. `Review` is what is known; it is told as text, as JSON values and as a page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

from schedlang.diagnostics.model import Diagnostic, Severity
from schedlang.diagnostics.printable import printable
from schedlang.diagnostics.render import Paint, render_human
from schedlang.diagnostics.render_json import JsonObject, diagnostics_json, span_json
from schedlang.ir.nodes import Policy
from schedlang.prover.verdict import ProofReport
from schedlang.report.certificates import digest, source_digests
from schedlang.report.chart_html import Line, Listing, Table, render_page
from schedlang.report.proof_json import proof_json
from schedlang.report.proof_page import finding_views, policy_listings
from schedlang.report.proof_text import numbered_assumptions, proof_text, summary
from schedlang.source import Span

_C_KEY: Final = "c"
_C_NAME: Final = "policy.bpf.c"


@final
@dataclass(frozen=True, slots=True)
class Review:
    """`origins` are, for each line of `c`, the place in the policy that it stands for.

    `c` is None if a property is neither proved nor accepted; `object` also if `no_object` says why.
    """

    policy: Policy
    proof: ProofReport
    diagnostics: tuple[Diagnostic, ...]
    c: str | None
    origins: tuple[Span | None, ...]
    object: bytes | None
    no_object: str


def risks(review: Review) -> tuple[Diagnostic, ...]:
    """What to decide about, the gravest first: errors, then what is accepted, then warnings."""
    rank = {"W0304": 1}
    return tuple(
        sorted(
            review.diagnostics,
            key=lambda d: 0 if d.severity is Severity.ERROR else rank.get(d.code, 2),
        )
    )


def digests(review: Review) -> tuple[tuple[str, str | None], ...]:
    """Each file with its sha256; None where there is no file, for the reason `no_object`."""
    c = review.c.encode() if review.c is not None else None
    made = ((_C_NAME, c), ("policy.bpf.o", review.object))
    return (
        *source_digests(review.policy),
        *((name, digest(data) if data is not None else None) for name, data in made),
    )


def _digest_rows(review: Review) -> tuple[tuple[str, str], ...]:
    return tuple((name, its or f"none: {review.no_object}") for name, its in digests(review))


def review_text(review: Review, *, colour: bool = False) -> str:
    policy, paint = review.policy, Paint(colour)
    parts = [paint.strong(f"review of policy {policy.name}: {summary(review.proof)}")]
    found = render_human(risks(review), policy.sources, colour)
    parts.append(f"to decide:\n\n{found.rstrip()}" if found else "nothing is accepted or warned of")
    lines = [f"  {its}  {printable(name)}" for name, its in _digest_rows(review)]
    parts.append("\n".join(["sha256:", *lines]))
    parts.append(proof_text(review.proof, policy, colour=colour, brief=True).rstrip())
    parts += ["\n".join(_listing_text(listing)) for listing in _listings(review)]
    return "\n\n".join(parts) + "\n"


def review_json(review: Review) -> JsonObject:
    policy = review.policy
    return {
        "risks": diagnostics_json(risks(review), policy.sources),
        "digests": [{"file": name, "sha256": its} for name, its in digests(review)],
        "proof": proof_json(review.proof, policy),
        "c": review.c,
        "origins": [span_json(o, policy.sources) if o else None for o in review.origins],
    }


def review_page(review: Review) -> str:
    policy = review.policy
    return render_page(
        "review.html.j2",
        f"review of policy {policy.name}: {summary(review.proof)}",
        risks=tuple(
            (d.severity.value, tuple(render_human((d,), policy.sources).splitlines()))
            for d in risks(review)
        ),
        digests=Table("Digests", ("file", "sha256"), _digest_rows(review)),
        findings=finding_views(review.proof, policy),
        assumptions=tuple(numbered_assumptions(review.proof)),
        listings=_listings(review),
    )


def _listing_text(listing: Listing) -> Iterator[str]:
    """The listing with its cross-references behind each line, where there are any."""
    yield f"{printable(listing.name)}:"
    for number, line in enumerate(listing.lines, 1):
        words = ", ".join(words for _, words in line.links)
        shown = f"{number:5}  {printable(line.text)}"
        yield f"{shown.rstrip()}{f'    <- {printable(words)}' if words else ''}"


def _listings(review: Review) -> tuple[Listing, ...]:
    """The policy's files and the C, each line with the places of the others that belong to it."""
    sources = review.policy.sources
    places = [
        (origin.file, sources[origin.file].line(origin)) if origin is not None else None
        for origin in review.origins
    ]
    lines_of: dict[tuple[int, int], list[int]] = {}
    for number, place in enumerate(places, 1):
        if place is not None:
            lines_of.setdefault(place, []).append(number)
    listings = [
        Listing(found.key, found.name, _with_c(found.lines, file, lines_of))
        for file, found in enumerate(policy_listings(review.proof, review.policy))
    ]
    if review.c is not None:
        lines = tuple(
            Line(text, False, ((f"#s{at[0]}-{at[1]}", f"{sources[at[0]].name}:{at[1]}"),))
            if at is not None
            else Line(text)
            for text, at in zip(review.c.splitlines(), places, strict=True)
        )
        listings.append(Listing(_C_KEY, _C_NAME, lines))
    return tuple(listings)


def _with_c(
    lines: Sequence[Line], file: int, lines_of: Mapping[tuple[int, int], list[int]]
) -> tuple[Line, ...]:
    """The policy's lines, each with the lines of the C that come from it."""
    return tuple(
        Line(line.text, line.marked, (*line.links, *_spans(lines_of.get((file, number), ()))))
        for number, line in enumerate(lines, 1)
    )


def _spans(numbers: Sequence[int]) -> Iterator[tuple[str, str]]:
    """Lines that follow each other as one address."""
    start = previous = 0
    for number in (*numbers, 0):
        if number != previous + 1 or not previous:
            if start:
                words = f"C {start}" if start == previous else f"C {start}-{previous}"
                yield f"#{_C_KEY}-{start}", words
            start = number
        previous = number
