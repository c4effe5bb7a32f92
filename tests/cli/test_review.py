"""`schedc review`: what has to be decided comes first, and every line finds its counterparts."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from pathlib import Path

import pytest

from schedlang import driver
from schedlang.backend import EnvironmentProblem
from schedlang.cli.exits import Exit
from schedlang.driver import Phase, Request, run
from schedlang.ir.nodes import Policy
from schedlang.prover.verdict import ProofReport
from tests.support.command_line import (
    ACCEPTED,
    FIFO,
    STARVING,
    WRONG,
    FakeBackend,
    Schedc,
    fails_with,
)
from tests.support.examples import EXAMPLES, title

ROOT = Path(__file__).parents[2]


def test_what_is_accepted_comes_first(schedc: Schedc, backend: FakeBackend) -> None:
    Path("a.sched").write_text(ACCEPTED)
    said = schedc("review", "a.sched")
    assert (said.status, said.err) == (0, "")
    assert said.out.index("warning[W0304]") < said.out.index("proved  starvation_free(urgent)")
    assert said.out.count("W0304") == 1
    assert "idle work" in said.out
    assert sha256(ACCEPTED.encode()).hexdigest() in said.out
    c = backend.emit(driver_policy(), driver_proof())
    assert sha256(c.encode()).hexdigest() in said.out
    assert sha256(f"ELF {c}".encode()).hexdigest() in said.out
    assert "serve strict { urgent  rest }    <- " in said.out
    assert ", C 1\n" in said.out


def driver_policy() -> Policy:
    policy = run(Request("a.sched", through=Phase.LOWER)).policy
    assert policy is not None
    return policy


def driver_proof() -> ProofReport:
    proof = run(Request("a.sched", through=Phase.PROVE)).proof
    assert proof is not None
    return proof


def test_the_page(schedc: Schedc, backend: FakeBackend) -> None:
    Path("a.sched").write_text(ACCEPTED)
    said = schedc("review", "a.sched", "--html", "out.html")
    assert (said.status, said.out) == (0, "")
    assert "W0304" in said.err
    page = Path("out.html").read_text()
    assert page.index("warning[W0304]") < page.index("Guarantees") < page.index("policy.bpf.c</h2>")
    links, targets = (set(re.findall(f'{key}="#?([^"]+)"', page)) for key in ("href", "id"))
    assert links <= targets
    assert "c-1" in links
    assert backend.builds == 1


def test_json(schedc: Schedc, backend: FakeBackend) -> None:
    Path("a.sched").write_text(ACCEPTED)
    document = json.loads(schedc("review", "a.sched", "--format", "json").out)
    review = document["review"]
    assert [d["file"] for d in review["digests"]] == ["a.sched", "policy.bpf.c", "policy.bpf.o"]
    assert [d["code"] for d in review["risks"]] == ["W0304"]
    assert len(review["origins"]) == len(review["c"].splitlines())
    assert review["proof"]["policy"] == "starving"


def test_there_is_no_c_over_what_is_refuted(schedc: Schedc, backend: FakeBackend) -> None:
    Path("a.sched").write_text(STARVING)
    said = schedc("review", "a.sched", "--html", "out.html")
    assert said.status == Exit.REFUTED
    page = Path("out.html").read_text()
    assert "No C: a property is neither proved nor accepted." in page
    assert "queue `rest` can starve" in page
    assert "none: a property is neither proved nor accepted" in schedc("review", "a.sched").out
    assert backend.builds == 0


def test_without_a_compiler_there_is_no_object(schedc: Schedc, backend: FakeBackend) -> None:
    Path("a.sched").write_text(FIFO)
    backend.problem = EnvironmentProblem("there is no clang", "apt install clang")
    said = schedc("review", "a.sched")
    assert (said.status, said.err) == (0, "")
    assert "none: there is no clang  policy.bpf.o" in said.out
    digests = json.loads(schedc("review", "a.sched", "--format", "json").out)["review"]["digests"]
    assert [d["sha256"] is None for d in digests] == [False, False, True]


def test_c_that_does_not_compile(schedc: Schedc, backend: FakeBackend) -> None:
    Path("a.sched").write_text(FIFO)
    backend.build_findings = fails_with("E0401")
    said = schedc("review", "a.sched")
    assert said.status == Exit.COMPILER
    assert "none: the C compiler failed  policy.bpf.o" in said.out


def test_what_is_no_policy(schedc: Schedc, backend: FakeBackend) -> None:
    Path("a.sched").write_text(WRONG)
    assert schedc("review", "a.sched", "--html", "out.html").status == Exit.POLICY
    assert schedc("review", "none.sched").status == Exit.POLICY
    assert not Path("out.html").exists()
    assert schedc("review").status == Exit.USAGE
    assert backend.builds == 0


@pytest.mark.parametrize("path", EXAMPLES, ids=title)
def test_the_origins_of_real_c(path: Path) -> None:
    """Every line of the C that cites the policy leads there, and each guard and queue is found."""
    backend = driver.load_backend()
    done = run(Request(str(path), through=Phase.PROVE))
    assert done.policy is not None
    assert done.proof is not None
    c = backend.emit(done.policy, done.proof)
    origins = backend.origins(c, done.policy)
    assert len(origins) == len(c.splitlines())
    sources = done.policy.sources
    for line, origin in zip(c.splitlines(), origins, strict=True):
        cited = re.search(rf"/\* {re.escape(path.name)}:(\d+) ", line)
        if cited and origin is not None and line.startswith(("/*", "\t")):
            assert sources[origin.file].line(origin) == int(cited[1])
        if line == "}" or line.startswith("#line"):
            assert origin is None
    found = {(o.file, sources[o.file].line(o)) for o in origins if o is not None}
    declared = [*done.policy.queues, *done.policy.guards]
    assert {(d.span.file, sources[d.span.file].line(d.span)) for d in declared} <= found
