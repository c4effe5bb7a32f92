"""`schedc diff`: what got weaker is never called the same, and the run that differs is real."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedlang.cli.exits import Exit
from schedlang.driver import Phase, Request, run
from schedlang.ir.nodes import Policy, Property
from schedlang.prover.verdict import (
    Bound,
    Finding,
    ProofReport,
    Proved,
    Reason,
    Unknown,
    Verdict,
)
from schedlang.report.divergence import find_divergence
from schedlang.report.guarantees_diff import Change, compare, is_weaker
from schedlang.report.policy_diff import policy_changes
from tests.support.command_line import ACCEPTED, FIFO, STARVING, WRONG, Schedc
from tests.support.examples import EXAMPLES, FIRST, title

GUARDED = STARVING + "guard rest at least 10%\n"
CLAIMED = GUARDED + "guarantee { wait(urgent) <= 100ms when tasks(urgent) <= 4 }\n"


def changes(folder: Path, old: str, new: str) -> dict[str, Change]:
    sides = []
    for name, text in (("old", old), ("new", new)):
        path = folder / f"{name}.sched"
        path.write_text(text)
        done = run(Request(str(path), through=Phase.PROVE))
        assert done.policy is not None, done.diagnostics
        assert done.proof is not None
        sides += [(done.policy, done.proof)]
    shifts = compare(*sides[0], *sides[1])
    assert is_weaker(shifts) == any(s.change in (Change.WEAKER, Change.UNCLEAR) for s in shifts)
    found = {}
    for shift in shifts:
        guarantee = shift.new or shift.old
        assert guarantee is not None
        found[guarantee.claim] = shift.change
    return found


def lowered(folder: Path, text: str) -> Policy:
    path = folder / "p.sched"
    path.write_text(text)
    policy = run(Request(str(path), through=Phase.LOWER)).policy
    assert policy is not None
    return policy


# --- guarantees


@pytest.mark.parametrize("path", FIRST, ids=title)
def test_a_policy_is_as_strong_as_itself(tmp_path: Path, path: Path) -> None:
    text = path.read_text()
    assert set(changes(tmp_path, text, text).values()) == {Change.SAME}


def test_a_lost_proof_and_a_found_one(tmp_path: Path) -> None:
    lost = changes(tmp_path, GUARDED, STARVING)
    assert lost["starvation_free(rest)"] is Change.WEAKER
    assert lost["starvation_free(urgent)"] is Change.STRONGER  # nobody interrupts it any more
    found = changes(tmp_path, STARVING, GUARDED)
    assert found["starvation_free(rest)"] is Change.STRONGER
    assert found["starvation_free(urgent)"] is Change.WEAKER


def test_a_bound_that_grew_and_one_that_shrank(tmp_path: Path) -> None:
    longer = FIFO.replace("4ms", "5ms")
    assert changes(tmp_path, FIFO, longer)["starvation_free(tasks)"] is Change.WEAKER
    assert changes(tmp_path, longer, FIFO)["starvation_free(tasks)"] is Change.STRONGER


def test_accepting_what_is_refuted_changes_no_guarantee(tmp_path: Path) -> None:
    assert changes(tmp_path, STARVING, ACCEPTED)["starvation_free(rest)"] is Change.OTHER
    assert changes(tmp_path, ACCEPTED, STARVING)["starvation_free(rest)"] is Change.WEAKER
    assert changes(tmp_path, GUARDED, ACCEPTED)["starvation_free(rest)"] is Change.WEAKER


def test_claims_that_come_and_go(tmp_path: Path) -> None:
    claim = "wait(urgent) <= 100ms when tasks(urgent) <= 4"
    assert changes(tmp_path, GUARDED, CLAIMED)[claim] is Change.STRONGER
    assert changes(tmp_path, CLAIMED, GUARDED)[claim] is Change.WEAKER


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        ("<= 100ms", "<= 200ms", Change.WEAKER),
        ("<= 200ms", "<= 100ms", Change.STRONGER),
        ("urgent) <= 4", "urgent) <= 5", Change.UNCLEAR),
    ],
)
def test_claims_that_change(tmp_path: Path, old: str, new: str, change: Change) -> None:
    first = CLAIMED.replace("<= 100ms", old) if old.endswith("ms") else CLAIMED
    second = CLAIMED.replace("<= 100ms", new) if new.endswith("ms") else CLAIMED.replace(old, new)
    found = changes(tmp_path, first, second)
    assert [c for claim, c in found.items() if claim.startswith("wait")] == [change]


def test_a_queue_that_is_gone_is_not_called_the_same(tmp_path: Path) -> None:
    found = changes(tmp_path, GUARDED, GUARDED.replace("rest", "other"))
    assert found["starvation_free(rest)"] is Change.UNCLEAR
    assert found["starvation_free(other)"] is Change.STRONGER


MS = 1_000_000
verdicts = st.one_of(
    st.integers(1, 3).map(
        lambda n: Proved(Bound(f"{n} turns", n * MS, "4 tasks"), ("a tick is 4ms",), ())
    ),
    st.just(Proved(None, (), ())),
    st.just(Unknown(Reason.SOLVER_LIMIT, "a lemma")),
)


@given(verdicts, verdicts, st.sampled_from([None, "idle work"]))
def test_no_loss_is_called_the_same(before: Verdict, after: Verdict, accepted: str | None) -> None:
    """And what one direction calls weaker, the other calls stronger."""
    policy = run(Request(str(EXAMPLES[0]), through=Phase.LOWER)).policy
    assert policy is not None
    proofs = [
        ProofReport((Finding(Property.STARVATION_FREE, 0, verdict, (), None, accepted),))
        for verdict in (before, after)
    ]
    ((there,), (back,)) = (
        compare(policy, first, policy, second) for first, second in (proofs, (proofs[1], proofs[0]))
    )
    opposite = {Change.WEAKER: Change.STRONGER, Change.STRONGER: Change.WEAKER}
    assert back.change is opposite.get(there.change, there.change)
    assert (there.change is Change.SAME) == (before == after)
    if isinstance(before, Proved) and not isinstance(after, Proved):
        assert there.change is Change.WEAKER


# --- words


@pytest.mark.parametrize("path", EXAMPLES, ids=title)
def test_layout_and_comments_are_no_change(tmp_path: Path, path: Path) -> None:
    text = path.read_text()
    other = text.replace("{", "{ # a comment\n", 1) + "\n# another\n"
    assert policy_changes(lowered(tmp_path, text), lowered(tmp_path, other)) == ()


def test_each_part_that_differs_is_told_in_the_policies_words(tmp_path: Path) -> None:
    old = "policy p\nparam q : duration = 4ms in 1ms..8ms\nfn twice(d : duration) = d * 2\n" + (
        STARVING.split("\n", 1)[1].replace("slice 4ms", "slice twice(q)", 1)
    )
    new = (
        old.replace("= 4ms in 1ms..8ms", "= 5ms in 1ms..8ms")
        .replace("d * 2", "d * 3")
        .replace("nice < 0", "nice < 5")
        .replace("strict { urgent  rest }", "weighted { urgent: 3  rest: 1 }")
    ) + "guard rest at least 10%  # new\nplace { prev }\n"
    told = {
        c.part: c.told() for c in policy_changes(lowered(tmp_path, old), lowered(tmp_path, new))
    }
    assert told == {
        "param q": "param q: was: 4ms in 1ms..8ms; is: 5ms in 1ms..8ms",
        "queue urgent": "queue urgent: reads the same, but what it uses has changed:"
        " queue urgent { global order fifo slice twice(q) }",
        "route": "route: was: route { nice < 0 -> urgent else -> rest };"
        " is: route { nice < 5 -> urgent else -> rest }",
        "serve": "serve: was: strict { urgent rest }; is: weighted { urgent: 3 rest: 1 }",
        "guards": "guards: new: guard rest at least 10%",
        "place": "place: new: prev",
    }


# --- runs


def test_the_run_differs_from_that_moment_on_and_not_before(tmp_path: Path) -> None:
    old, new = lowered(tmp_path, STARVING), lowered(tmp_path, GUARDED)
    found = find_divergence(old, new)
    assert found is not None
    assert found == find_divergence(old, new)
    before = [
        {(max(b.start_ns, 0), b.cpu, b.task) for b in chart.bars if b.end_ns <= found.at_ns}
        for chart in found.charts
    ]
    assert before[0] == before[1] != set()
    assert found.old != found.new


@pytest.mark.parametrize("path", FIRST, ids=title)
def test_a_policy_does_what_itself_does(path: Path) -> None:
    done = run(Request(str(path), through=Phase.LOWER))
    assert done.policy is not None
    assert find_divergence(done.policy, done.policy) is None


def test_policies_of_other_names_and_queues_are_compared(tmp_path: Path) -> None:
    assert find_divergence(lowered(tmp_path, FIFO), lowered(tmp_path, STARVING)) is not None


# --- the command


def write(old: str, new: str) -> None:
    Path("old.sched").write_text(old)
    Path("new.sched").write_text(new)


def test_weaker(schedc: Schedc) -> None:
    write(GUARDED, STARVING)
    said = schedc("diff", "old.sched", "new.sched", "--html", "out.html")
    assert (said.status, said.err) == (Exit.WEAKER, "")
    assert said.out.splitlines()[0] == "old.sched -> new.sched: 1 weaker, 1 stronger, 2 same"
    assert said.out.splitlines()[2].startswith("weaker    starvation_free(rest): was proved")
    assert "guards: gone; was: guard rest at least 10%" in said.out
    assert "  old: a mixed load under starving" in said.out
    assert "  new: a mixed load under starving" in said.out
    lanes = [line for line in said.out.splitlines() if line.startswith("  CPU 0")]
    assert len(lanes) == 2
    assert len({line.index("│") for line in lanes}) == 1
    page = Path("out.html").read_text()
    assert page.count("<figure") == 2
    assert "starvation_free(rest)" in page


def test_the_same(schedc: Schedc) -> None:
    write(FIFO, FIFO + "# a comment\n")
    said = schedc("diff", "old.sched", "new.sched")
    assert said.status == 0
    assert "the policies say the same" in said.out
    document = json.loads(schedc("diff", "old.sched", "new.sched", "--format", "json").out)
    assert document["diff"]["weaker"] is False
    assert document["diff"]["changes"] == []
    assert document["diff"]["example"] is None


def test_json(schedc: Schedc) -> None:
    write(GUARDED, ACCEPTED)
    said = schedc("diff", "old.sched", "new.sched", "--format", "json")
    assert said.status == Exit.WEAKER
    document = json.loads(said.out)
    assert document["diagnostics"] == []
    diff = document["diff"]
    (weaker,) = [g for g in diff["guarantees"] if g["change"] == "weaker"]
    assert weaker["old"]["bound"]["value_ns"] > 0
    assert weaker["new"]["accepted_because"] == "idle work"
    example = diff["example"]
    assert example["turns"]["old"] != example["turns"]["new"]


def test_files_that_are_no_policies(schedc: Schedc) -> None:
    write(WRONG, FIFO)
    for old, new in (("old.sched", "new.sched"), ("new.sched", "none.sched")):
        said = schedc("diff", old, new, "--html", "out.html")
        assert said.status == Exit.POLICY
        assert said.out == ""
    assert not Path("out.html").exists()
    assert schedc("diff", "-", "-").status == Exit.USAGE
    assert schedc("diff", "new.sched").status == Exit.USAGE
    assert schedc("diff", "new.sched", "new.sched", "--html", "none/x").status == Exit.ENVIRONMENT
