"""A proof as certificates: one SMT-LIB file for each query, and an index with their digests.

Pure. Each file stands for itself: any SMT-LIB solver can decide it, and its head says what that
means. Queries that several properties rest on are there once. The index notices files that were
changed, cut or lost; it is no signature, for whoever changes a file can change the index as well.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import Final, TypeGuard, final

from schedlang.certificate_names import INDEX, KIND
from schedlang.diagnostics.printable import printable
from schedlang.diagnostics.render_json import JsonObject, JsonValue
from schedlang.ir.nodes import Policy
from schedlang.prover.verdict import ProofReport
from schedlang.report.findings import claim_text
from schedlang.report.proof_text import verdict_word

_VERSION: Final = 1
_SYMMETRY: Final = 'docs/guarantees.md, "Any number of queues"'


@final
@dataclass(frozen=True, slots=True)
class Certificate:
    """A file and what a solver has to say of it: `needed` for the proof, `answer` is what z3 said.

    In those of `any_number` three queues stand for any number. `claims` are the properties that
    rest on it, each with its verdict.
    """

    file: str
    sha256: str
    lemma: str
    needed: str
    answer: str
    any_number: bool
    claims: tuple[tuple[str, str], ...]


@final
@dataclass(frozen=True, slots=True)
class Index:
    """`sources` are the policy's files and their digests, the policy's own first."""

    policy: str
    sources: tuple[tuple[str, str], ...]
    certificates: tuple[Certificate, ...]


@final
@dataclass(frozen=True, slots=True)
class Flaw:
    """`file` is not what was written; `what` completes the sentence."""

    file: str
    what: str


def digest(data: bytes) -> str:
    return sha256(data).hexdigest()


def source_digests(policy: Policy) -> tuple[tuple[str, str], ...]:
    return tuple((source.name, digest(source.text.encode())) for source in policy.sources)


# --- writing


def certificates(proof: ProofReport, policy: Policy) -> dict[str, bytes]:
    """The files of the folder `proof`: the queries in the order of the proof, and the index."""
    files: dict[str, bytes] = {}
    listed: list[Certificate] = []
    for number, query in enumerate(_queries(proof, policy), 1):
        name = f"{number:03}-{_slug(query.lemma)}{'.hypotheses' * (query.needed == 'sat')}.smt2"
        files[name] = _script(query, policy)
        claims = tuple(query.claims.items())
        listed.append(
            Certificate(
                name,
                digest(files[name]),
                query.lemma,
                query.needed,
                query.answer,
                query.any_number,
                claims,
            )
        )
    index = Index(policy.name, source_digests(policy), tuple(listed))
    return {INDEX: _write_index(index), **files}


@final
@dataclass(slots=True)
class _Query:
    lemma: str
    smt2: str
    needed: str
    answer: str
    any_number: bool
    claims: dict[str, str] = field(default_factory=dict)


def _queries(proof: ProofReport, policy: Policy) -> Iterator[_Query]:
    """Every query once, with all the claims that rest on it."""
    found: dict[tuple[str, str], _Query] = {}
    for finding in proof.findings:
        claim, word = claim_text(finding, policy), verdict_word(finding)
        for obligation in finding.obligations:
            name, any_number = obligation.name, obligation.any_number
            asked = [_Query(name, obligation.smt2, "unsat", obligation.answer, any_number)]
            premise = obligation.premise
            if premise.answer:
                asked.append(_Query(name, premise.smt2, "sat", premise.answer, any_number))
            for query in asked:
                kept = found.setdefault((query.needed, query.smt2), query)
                kept.claims[claim] = word
    yield from found.values()


def _slug(lemma: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", lemma.lower()).strip("-")[:60].strip("-") or "lemma"


def _script(query: _Query, policy: Policy) -> bytes:
    (name, policy_digest), *libraries = source_digests(policy)
    head = [f"policy {policy.name} ({name}), sha256 {policy_digest}"]
    head += [f"with {library}, sha256 {its}" for library, its in libraries]
    head += [f"for {claim}: {word}" for claim, word in query.claims.items()]
    head.append(f"lemma: {query.lemma}")
    if query.any_number:
        head.append(f"three queues of it stand for any number: {_SYMMETRY}")
    if query.needed == "unsat":
        head.append("the hypotheses, and that the lemma is false: a proof needs this to be unsat")
    else:
        head.append("the hypotheses of the lemma alone: a proof needs this to be sat")
    head.append(f"z3 said {query.answer}")
    lines = [*(f"; {printable(line)}" for line in head), "(set-logic ALL)", query.smt2.rstrip("\n")]
    return "\n".join([*filter(None, lines), "(check-sat)", ""]).encode()


def _write_index(index: Index) -> bytes:
    body = _index_json(index)
    return f"{json.dumps({**body, 'digest': _digest_of(body)}, indent=1)}\n".encode()


def _index_json(index: Index) -> JsonObject:
    return {
        "kind": KIND,
        "schema_version": _VERSION,
        "policy": index.policy,
        "sources": [{"file": name, "sha256": its} for name, its in index.sources],
        "certificates": [
            {
                "file": certificate.file,
                "sha256": certificate.sha256,
                "lemma": certificate.lemma,
                "needed": certificate.needed,
                "answer": certificate.answer,
                "any_number": certificate.any_number,
                "claims": [{"claim": c, "verdict": v} for c, v in certificate.claims],
            }
            for certificate in index.certificates
        ],
    }


def _digest_of(body: JsonObject) -> str:
    return digest(json.dumps(body, sort_keys=True, separators=(",", ":")).encode())


# --- reading


def read_index(data: bytes) -> Index | Flaw:
    """The index as it was written, or what is wrong with it."""
    try:
        document: JsonValue = json.loads(data)
    except (ValueError, RecursionError):
        return Flaw(INDEX, "is not a whole JSON document")
    if not _is_object(document) or document.get("kind") != KIND:
        return Flaw(INDEX, "is not an index of certificates")
    if document.get("schema_version") != _VERSION:
        return Flaw(INDEX, "is of another version of schedc")
    body = {key: value for key, value in document.items() if key != "digest"}
    if document.get("digest") != _digest_of(body):
        return Flaw(INDEX, "was changed: its digest differs")
    return Index(
        _string(document, "policy"),
        tuple((_string(s, "file"), _string(s, "sha256")) for s in _objects(document, "sources")),
        tuple(_certificate(c) for c in _objects(document, "certificates")),
    )


def flaws(index: Index, files: Mapping[str, bytes]) -> Iterator[Flaw]:
    """What differs between the folder's files and what the index says of them."""
    for certificate in index.certificates:
        data = files.get(certificate.file)
        if data is None:
            yield Flaw(certificate.file, "is missing")
        elif digest(data) != certificate.sha256:
            yield Flaw(certificate.file, "was changed or cut: its digest differs")
    for extra in sorted(set(files) - {c.file for c in index.certificates} - {INDEX}):
        yield Flaw(extra, "is not in the index")


def _certificate(entry: Mapping[str, JsonValue]) -> Certificate:
    file, its, lemma, needed, answer = (
        _string(entry, key) for key in ("file", "sha256", "lemma", "needed", "answer")
    )
    claims = tuple((_string(c, "claim"), _string(c, "verdict")) for c in _objects(entry, "claims"))
    any_number = entry.get("any_number") is True
    return Certificate(file, its, lemma, needed, answer, any_number, claims)


def _is_object(value: JsonValue) -> TypeGuard[Mapping[str, JsonValue]]:
    return isinstance(value, dict)


def _objects(entry: Mapping[str, JsonValue], key: str) -> list[Mapping[str, JsonValue]]:
    value = entry.get(key)
    return [item for item in value if _is_object(item)] if isinstance(value, list) else []


def _string(entry: Mapping[str, JsonValue], key: str) -> str:
    value = entry.get(key)
    return value if isinstance(value, str) else ""


# --- a second solver


class Standing(StrEnum):
    AGREES = "agreed"
    DISAGREES = "contradicted"
    UNDECIDED = "undecided"


@final
@dataclass(frozen=True, slots=True)
class Opinion:
    """What a second solver said: `answer` is sat, unsat or unknown."""

    certificate: Certificate
    answer: str

    @property
    def standing(self) -> Standing:
        if self.answer not in ("sat", "unsat"):
            return Standing.UNDECIDED
        # Where z3 gave up, an answer contradicts nobody.
        if self.certificate.answer in ("sat", "unsat") and self.answer != self.certificate.answer:
            return Standing.DISAGREES
        return Standing.AGREES


def opinions_json(opinions: Sequence[Opinion]) -> list[JsonValue]:
    return [
        {
            "file": opinion.certificate.file,
            "lemma": opinion.certificate.lemma,
            "needed": opinion.certificate.needed,
            "z3": opinion.certificate.answer,
            "cvc5": opinion.answer,
            "standing": opinion.standing.value,
        }
        for opinion in opinions
    ]
