"""Certificates: written whole, decided again by a second solver, and noticed if touched."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from pathlib import Path

import pytest

import schedlang.prover.recheck as second
from schedlang.certificate_names import INDEX, is_certificate_name, is_certificate_start
from schedlang.cli.exits import Exit
from schedlang.driver import Phase, Request, run
from schedlang.ir.nodes import Property
from schedlang.prover.recheck import second_opinion
from schedlang.prover.solver import Effort, Ledger, decide
from schedlang.prover.terms import integer, variable
from schedlang.prover.verdict import Finding, ProofReport
from schedlang.report.certificates import Flaw, Index, certificates, flaws, read_index
from tests.support.command_line import FIFO, STARVING, WRONG, FakeBackend, Schedc
from tests.support.examples import DESIGNS, FIRST, JOBS, title

ROOT = Path(__file__).parents[2]
POLICIES = [
    *FIRST,
    *sorted((ROOT / "examples/refuted").glob("*.sched")),
    *(pytest.param(path, marks=pytest.mark.slow) for path in (*DESIGNS, *JOBS)),
]
RLIMIT = 3_000_000


def written(path: Path) -> dict[str, bytes]:
    done = run(Request(str(path), through=Phase.PROVE))
    assert done.policy is not None
    assert done.proof is not None
    return certificates(done.proof, done.policy)


def index_of(files: dict[str, bytes]) -> Index:
    index = read_index(files[INDEX])
    assert isinstance(index, Index)
    return index


# --- what is written


@pytest.mark.parametrize("path", POLICIES, ids=title)
def test_cvc5_agrees_on_every_certificate_of_the_examples(path: Path) -> None:
    """The orders of the standard library among them: the examples use them all."""
    pytest.importorskip("cvc5")
    files = written(path)
    index = index_of(files)
    said = {c.file: second_opinion(files[c.file].decode()) for c in index.certificates}
    undecided = {c.file for c in index.certificates if said[c.file] == "unknown"}
    assert len(undecided) <= (0 if path in FIRST else 1)  # products of unknowns: z3 alone
    assert said == {
        c.file: "unknown" if c.file in undecided else c.answer for c in index.certificates
    }
    assert len(said) > 10


ORDERS = {
    "vruntime": "vruntime(credit: 20ms, fork: 1ms)",
    "deadline": "deadline(period: 5ms)",
    "eevdf": "eevdf(request: 3ms, credit: 20ms)",
    "shortest": "shortest(patience: 100ms)",
    "longest": "longest(patience: 100ms)",
    "latency": "latency(patience: 100ms)",
}
"""Every order of the standard library, as a policy would use it."""


@pytest.mark.parametrize("order", ORDERS)
def test_cvc5_agrees_on_every_certificate_of_the_library(order: str, tmp_path: Path) -> None:
    pytest.importorskip("cvc5")
    path = tmp_path / "a.sched"
    used = f"use std.orders.{{{order}}}\n"
    text = STARVING.replace("\n", f"\n{used}", 1).replace("order fifo", f"order {ORDERS[order]}")
    path.write_text(f"{text}guard rest at least 10%\n")
    files = written(path)
    index = index_of(files)
    said = {c.file: second_opinion(files[c.file].decode()) for c in index.certificates}
    assert said == {c.file: c.answer for c in index.certificates}


def test_no_order_of_the_library_is_left_out() -> None:
    text = (ROOT / "stdlib/orders.sched").read_text()
    assert set(re.findall(r"^order ([a-z_0-9]+)", text, re.MULTILINE)) == set(ORDERS)


def test_a_certificate_stands_for_itself(tmp_path: Path) -> None:
    path = tmp_path / "a.sched"
    path.write_text(FIFO)
    files = written(path)
    index = index_of(files)
    for certificate in index.certificates:
        text = files[certificate.file].decode()
        head = [line for line in text.splitlines() if line.startswith(";")]
        assert sha256(FIFO.encode()).hexdigest() in head[0]
        assert f"; lemma: {certificate.lemma}" in head
        assert f"this to be {certificate.needed}" in text
        assert text.endswith("(check-sat)\n")
        assert decide(text, RLIMIT).answer == certificate.answer == certificate.needed
    needed = [c.needed for c in index.certificates]
    assert needed.count("unsat") == needed.count("sat")


def test_a_query_that_several_claims_rest_on_is_there_once(tmp_path: Path) -> None:
    path = tmp_path / "a.sched"
    path.write_text(STARVING + "guard rest at least 10%\n")
    index = index_of(written(path))
    shared = [c for c in index.certificates if len(c.claims) > 1]
    assert {claim for c in shared for claim, _ in c.claims} >= {
        "starvation_free(urgent)",
        "starvation_free(rest)",
    }
    assert len({c.sha256 for c in index.certificates}) == len(index.certificates)


def test_a_lemma_about_three_queues_says_that_they_stand_for_any_number(tmp_path: Path) -> None:
    path = tmp_path / "a.sched"
    path.write_text(STARVING + "guard rest at least 10%\n")
    files = written(path)
    index = index_of(files)
    for certificate in index.certificates:
        says_so = b"; three queues of it stand for any number: docs/" in files[certificate.file]
        assert says_so == certificate.any_number
    about = {c.lemma for c in index.certificates if c.any_number}
    assert "a strict node serves its first child" in about
    assert any("the guard on `rest`" in lemma for lemma in about)
    assert not any(c.any_number for c in index.certificates if c.lemma.startswith("fifo"))


def test_hypotheses_that_contradict_each_other_are_recorded_as_what_they_are(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.sched"
    path.write_text(FIFO)
    policy = run(Request(str(path), through=Phase.LOWER)).policy
    assert policy is not None
    ledger, x = Ledger(Effort()), variable("x")
    gap = ledger.prove("vacuous", [x < integer(0), integer(0) < x], [x.equals(integer(7))])
    assert gap is not None
    obligations = tuple(ledger.obligations)
    finding = Finding(Property.NO_LOST_TASK, None, gap, obligations, None, None)
    index = index_of(certificates(ProofReport((finding,)), policy))
    said = [(c.needed, c.answer) for c in index.certificates]
    assert said == [("unsat", "unsat"), ("sat", "unsat")]


def test_names_and_beginnings(tmp_path: Path) -> None:
    path = tmp_path / "a.sched"
    path.write_text(FIFO)
    for name, data in written(path).items():
        assert is_certificate_name(name)
        assert is_certificate_start(data[:64])
    for name in ("a.smt2", "001-a.smt2.bak", "001-A.smt2", "../001-a.smt2", "001-a\n.smt2", ""):
        assert not is_certificate_name(name)


def test_proofs_are_replaced_as_a_whole_and_nothing_else_is(schedc: Schedc) -> None:
    Path("a.sched").write_text(STARVING)
    Path("b.sched").write_text(FIFO)
    assert schedc("prove", "a.sched", "--proofs", "out").status == Exit.REFUTED
    before = {path.name for path in Path("out").iterdir()}
    assert schedc("prove", "b.sched", "--proofs", "out").status == 0
    after = {path.name for path in Path("out").iterdir()}
    assert INDEX in after
    assert before - after
    Path("out/thesis.tex").write_text("mine")
    said = schedc("prove", "a.sched", "--proofs", "out")
    assert said.status == Exit.ENVIRONMENT
    assert "it holds `thesis.tex`, which schedc did not write" in said.err
    assert {path.name for path in Path("out").iterdir()} == after | {"thesis.tex"}


def test_an_index_of_somebody_else_is_not_ours(schedc: Schedc) -> None:
    Path("a.sched").write_text(FIFO)
    Path("site").mkdir()
    Path("site/index.json").write_text("{}")
    assert schedc("prove", "a.sched", "--proofs", "site").status == Exit.ENVIRONMENT
    assert Path("site/index.json").read_text() == "{}"
    for here in (".", "..", "/"):
        assert schedc("prove", "a.sched", "--proofs", here).status == Exit.USAGE


def test_compile_writes_the_same_certificates(schedc: Schedc, backend: FakeBackend) -> None:
    Path("a.sched").write_text(FIFO)
    assert schedc("compile", "a.sched").status == 0
    assert schedc("prove", "a.sched", "--proofs", "out").status == 0
    one, two = (
        {path.name: path.read_bytes() for path in Path(folder).iterdir()}
        for folder in ("build/fifo/proof", "out")
    )
    assert one == two
    assert backend.builds == 1


# --- what is rechecked


@pytest.fixture
def proofs(schedc: Schedc) -> Path:
    pytest.importorskip("cvc5")
    Path("a.sched").write_text(FIFO)
    assert schedc("prove", "a.sched", "--proofs", "out").status == 0
    return Path("out")


def test_all_agreed(schedc: Schedc, proofs: Path) -> None:
    said = schedc("prove", "--recheck", str(proofs))
    count = len(list(proofs.iterdir())) - 1
    words = f"{count} agreed, 0 contradicted, 0 undecided"
    assert (said.status, said.err) == (0, "")
    assert said.out == f"out: {count} certificates: {words}\n"
    assert schedc("prove", "a.sched", "--recheck", "out").status == 0
    document = json.loads(schedc("prove", "--recheck", "out", "--format", "json").out)
    assert {c["standing"] for c in document["certificates"]} == {"agreed"}
    assert {c["needed"] for c in document["certificates"]} == {"sat", "unsat"}


def test_those_of_another_policy(schedc: Schedc, proofs: Path) -> None:
    Path("b.sched").write_text(FIFO.replace("4ms", "5ms"))
    said = schedc("prove", "b.sched", "--recheck", str(proofs))
    assert said.status == Exit.CERTIFICATE
    assert "these are not the certificates of the policy's proof as it is now" in said.err
    Path("c.sched").write_text(WRONG)
    for policy, code in (("none.sched", "E0001"), ("c.sched", "E0201")):
        said = schedc("prove", policy, "--recheck", str(proofs))
        assert (said.status, code in said.err) == (Exit.POLICY, True)


@pytest.mark.parametrize("step", range(6))
def test_what_was_touched_is_noticed(schedc: Schedc, proofs: Path, step: int) -> None:
    one = sorted(proofs.glob("*.smt2"))[step % 2]
    index = proofs / INDEX
    match step:
        case 0:
            one.write_bytes(one.read_bytes()[:-20])
        case 1:
            one.write_text(one.read_text().replace("(check-sat)", "(assert false)\n(check-sat)"))
        case 2:
            one.unlink()
        case 3:
            (proofs / "999-new.smt2").write_bytes(one.read_bytes())
        case 4:
            index.write_bytes(index.read_bytes()[:-40])
        case _:
            index.write_text(index.read_text().replace('"unsat"', '"sat"', 1))
    said = schedc("prove", "--recheck", str(proofs))
    assert said.status == Exit.CERTIFICATE
    assert "E0305" in said.err
    assert said.out == ""


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [("sat", Exit.CERTIFICATE, "E0306"), ("unknown", Exit.UNKNOWN, "E0307")],
)
def test_a_second_solver_that_does_not_agree(
    schedc: Schedc,
    proofs: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    status: int,
    code: str,
) -> None:
    monkeypatch.setattr(second, "second_opinion", lambda _text: answer)
    said = schedc("prove", "--recheck", str(proofs))
    assert said.status == status
    assert code in said.err
    assert "rests on it: starvation_free(tasks)" in said.err


def test_without_cvc5_it_says_how_to_get_it(
    schedc: Schedc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(second, "is_installed", lambda: False)
    said = schedc("prove", "--recheck", "out")
    assert said.status == Exit.ENVIRONMENT
    assert "E0601" in said.err
    assert "= help: pip install 'schedlang[recheck]'" in said.err


def test_no_such_folder(schedc: Schedc) -> None:
    pytest.importorskip("cvc5")
    Path("empty").mkdir()
    Path("file").write_text("x")
    assert schedc("prove", "--recheck", "none").status == Exit.POLICY
    assert schedc("prove", "--recheck", "file").status == Exit.POLICY
    assert schedc("prove", "--recheck", "empty").status == Exit.CERTIFICATE
    for more in (("--trace",), ("--html", "x"), ("--proofs", "x"), ("--time-passes",)):
        assert schedc("prove", "--recheck", "empty", *more).status == Exit.USAGE
    assert schedc("prove").status == Exit.USAGE


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff", b"[]", b"null", b'{"kind": "x"}', b"[" * 100_000, b'{"kind": "schedc proof"}'],
)
def test_what_is_no_index(data: bytes) -> None:
    assert isinstance(read_index(data), Flaw)


def test_an_index_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "a.sched"
    path.write_text(FIFO)
    files = written(path)
    index = index_of(files)
    assert index.policy == "fifo"
    assert list(flaws(index, files)) == []
    assert read_index(json.dumps(json.loads(files[INDEX])).encode()) == index


def test_the_second_solver_answers_by_itself() -> None:
    pytest.importorskip("cvc5")
    assert second_opinion("(set-logic ALL)\n(assert (< 1 0))\n(check-sat)\n") == "unsat"
    assert second_opinion("(set-logic ALL)\n(assert (< 0 1))\n(check-sat)\n") == "sat"
    for broken in ("(assert", "(assert (= x 1))(check-sat)", "", "(check-sat)(check-sat)", "\0"):
        assert second_opinion(f"(set-logic ALL)\n{broken}") == "unknown"


def test_a_certificate_cannot_make_the_second_solver_write_files(tmp_path: Path) -> None:
    pytest.importorskip("cvc5")
    path = tmp_path / "out"
    text = f'(set-option :regular-output-channel "{path}")\n(set-logic ALL)\n(check-sat)\n'
    assert second_opinion(text) == "unknown"
    assert not path.exists()
