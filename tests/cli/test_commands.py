"""What each command prints and writes, beyond its exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from schedlang.backend import Check
from schedlang.cli.exits import Exit
from schedlang.cli.main import cli
from schedlang.cli.new import TEMPLATES
from schedlang.diagnostics.codes import CODES
from schedlang.diagnostics.pages import page
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
REPORTS = {"proof", "proof.json", "report.txt"}
ALL_FILES = {"policy.bpf.c", "policy.bpf.o"} | REPORTS


def names(folder: str) -> set[str]:
    return {path.name for path in Path(folder).iterdir()}


# --- check


def test_check_is_silent_if_all_is_well_and_takes_several(schedc: Schedc) -> None:
    Path("a.sched").write_text(FIFO)
    Path("b.sched").write_text(STARVING)
    said = schedc("check", "a.sched", "b.sched")
    assert (said.status, said.out, said.err) == (0, "", "")


def test_check_tells_of_every_file(schedc: Schedc) -> None:
    Path("a.sched").write_text(WRONG)
    Path("b.sched").write_text("policy")
    said = schedc("check", "--format", "concise", "a.sched", "none.sched", "b.sched")
    assert said.status == Exit.POLICY
    assert [line.split(":")[0] for line in said.err.splitlines()] == [
        "a.sched",
        "error[E0001]",
        "b.sched",
    ]


def test_check_as_json_is_one_document(schedc: Schedc) -> None:
    Path("a.sched").write_text(WRONG)
    Path("b.sched").write_text(FIFO)
    said = schedc("check", "--format", "json", "a.sched", "b.sched", "none.sched")
    document = json.loads(said.out)
    assert said.err == ""
    assert document["schema_version"] == 1
    assert [(d["policy"], d["code"]) for d in document["diagnostics"]] == [
        ("a.sched", "E0201"),
        ("none.sched", "E0001"),
    ]
    place = document["diagnostics"][0]["primary"]["span"]
    data = Path("a.sched").read_bytes()
    assert data[place["bytes"]["start"] : place["bytes"]["end"]] == b"task_s"


def test_the_passes_are_timed(schedc: Schedc) -> None:
    Path("a.sched").write_text(FIFO)
    said = schedc("check", "--time-passes", "a.sched")
    assert [line.split()[0] for line in said.err.splitlines()] == [
        "read",
        "parse",
        "lower",
        "total",
    ]


# --- prove and compile


def test_prove_reports_bound_and_assumptions(schedc: Schedc) -> None:
    Path("a.sched").write_text(FIFO)
    said = schedc("prove", "a.sched")
    assert said.out.startswith("policy fifo (a.sched): ")
    assert "proved  starvation_free(tasks)\n" in said.out
    assert "rests on a.sched:" in said.out
    assert said.err == ""


def test_prove_shows_the_run_that_starves(schedc: Schedc) -> None:
    Path("a.sched").write_text(STARVING)
    said = schedc("prove", "a.sched")
    assert "error[E0301]: queue `rest` can starve" in said.out
    assert "<- the loop starts" in said.out
    assert "repeats for ever" in said.out


def test_prove_as_json_has_the_run(schedc: Schedc) -> None:
    Path("a.sched").write_text(STARVING)
    document = json.loads(schedc("prove", "--format", "json", "a.sched").out)
    (refuted,) = [f for f in document["proof"]["findings"] if f["verdict"] == "refuted"]
    assert refuted["queue"] == "rest"
    assert refuted["run"]["loop_start"] < len(refuted["run"]["steps"])
    assert [d["code"] for d in document["diagnostics"]] == ["E0301"]


def test_compile_writes_a_folder(schedc: Schedc, backend: FakeBackend) -> None:
    Path("a.sched").write_text(FIFO)
    said = schedc("compile", "a.sched")
    assert said.out.startswith("build/fifo/policy.bpf.o")
    assert names("build/fifo") == ALL_FILES
    report = Path("build/fifo/report.txt").read_text()
    assert "starvation_free(tasks)" in report
    assert "enqueue" in report
    proof = json.loads(Path("build/fifo/proof.json").read_text())
    assert (proof["policy"], proof["unproved_build"]) == ("fifo", False)
    assert all(o["smt2"] for f in proof["findings"] for o in f["obligations"])
    assert backend.builds == 1


def test_compile_is_deterministic(schedc: Schedc, backend: FakeBackend) -> None:
    Path("a.sched").write_text(ACCEPTED)
    for output in ("one", "two"):
        assert schedc("compile", "a.sched", "-o", output).status == 0
    one, two = (
        {path.relative_to(output): path.read_bytes() for path in Path(output).rglob("*.*")}
        for output in ("one", "two")
    )
    assert one == two
    assert len(one) > len(ALL_FILES)
    assert backend.builds == 2


def test_an_old_object_never_survives_a_failure(schedc: Schedc, backend: FakeBackend) -> None:
    path = Path("a.sched")
    good = ACCEPTED.replace("policy starving", "policy p")
    failures = {
        STARVING.replace("policy starving", "policy p"): REPORTS,
        good.replace("serve strict", "serve stric"): None,
        good.replace("-> urgent", "-> urgen"): None,
    }
    for text, left in failures.items():
        path.write_text(good)
        assert schedc("compile", "a.sched").status == 0
        assert names("build/p") == ALL_FILES
        path.write_text(text)
        assert schedc("compile", "a.sched").status != 0
        assert (names("build/p") if Path("build/p").exists() else None) == left
    assert backend.builds == len(failures)


def test_no_object_survives_a_failing_compiler(schedc: Schedc, backend: FakeBackend) -> None:
    Path("a.sched").write_text(FIFO)
    assert schedc("compile", "a.sched").status == 0
    backend.build_findings = fails_with("E0401")
    assert schedc("compile", "a.sched").status == Exit.COMPILER
    assert names("build/fifo") == ALL_FILES - {"policy.bpf.o"}


def test_emit_writes_one_form_and_no_folder(schedc: Schedc, backend: FakeBackend) -> None:
    Path("a.sched").write_text(FIFO)
    assert "Queue" in schedc("compile", "a.sched", "--emit", "ast").out
    assert "tasks" in schedc("compile", "a.sched", "--emit", "ir").out
    assert schedc("compile", "a.sched", "--emit", "c").out.startswith("/* fifo")
    assert schedc("compile", "a.sched", "--emit", "obj").out.startswith("ELF")
    assert not Path("build").exists()
    assert backend.builds == 1


def test_nothing_is_emitted_for_an_unproved_policy(schedc: Schedc, backend: FakeBackend) -> None:
    Path("a.sched").write_text(STARVING)
    for form in ("c", "obj"):
        said = schedc("compile", "a.sched", "--emit", form)
        assert (said.status, said.out) == (Exit.REFUTED, "")
    assert backend.builds == 0


def test_compile_as_json(schedc: Schedc, backend: FakeBackend) -> None:
    Path("a.sched").write_text(FIFO)
    document = json.loads(schedc("compile", "--format", "json", "a.sched").out)
    assert document["folder"] == "build/fifo"
    assert document["object"]["programs"][0]["instructions"] == 42
    assert document["diagnostics"] == []
    assert backend.builds == 1


# --- fmt


@pytest.mark.parametrize("path", EXAMPLES, ids=title)
def test_fmt_twice_is_fmt_once_and_says_the_same(schedc: Schedc, path: Path) -> None:
    Path("a.sched").write_text(path.read_text())
    schedc("fmt", "a.sched")
    once = Path("a.sched").read_text()
    assert schedc("fmt", "--check", "a.sched").status == 0
    assert schedc("fmt", "a.sched").err == ""
    assert Path("a.sched").read_text() == once
    assert schedc("check", "a.sched").status == 0


def test_fmt_check_and_diff_write_nothing(schedc: Schedc) -> None:
    ragged = FIFO.replace("  ", "      ")
    Path("a.sched").write_text(ragged)
    said = schedc("fmt", "--check", "a.sched")
    assert (said.status, said.err) == (Exit.POLICY, "a.sched would change\n")
    said = schedc("fmt", "--diff", "a.sched")
    assert said.status == 0
    assert said.out.startswith("--- a.sched\n+++ a.sched")
    assert schedc("fmt", "--check", "--diff", "a.sched").status == Exit.POLICY
    assert Path("a.sched").read_text() == ragged


def test_fmt_goes_on_after_a_file_it_cannot_read(schedc: Schedc) -> None:
    Path("a.sched").write_text("policy")
    Path("b.sched").write_text(FIFO.replace("  ", "    "))
    said = schedc("fmt", "a.sched", "b.sched")
    assert said.status == Exit.POLICY
    assert Path("a.sched").read_text() == "policy"
    assert Path("b.sched").read_text() == FIFO


# --- manual, new, explain, doctor, completions


@pytest.mark.parametrize("page", ["language", "stdlib"])
def test_manual_prints_a_page(schedc: Schedc, page: str) -> None:
    said = schedc("manual", *([] if page == "language" else [page]))
    assert (said.status, said.out) == (0, (ROOT / f"docs/{page}.md").read_text())


@pytest.mark.parametrize("template", TEMPLATES)
def test_new_policies_compile_and_are_laid_out(
    schedc: Schedc, backend: FakeBackend, template: str
) -> None:
    assert schedc("new", "my_policy", "--template", template).status == 0
    assert schedc("fmt", "--check", "my_policy.sched").status == 0
    said = schedc("compile", "my_policy.sched")
    assert (said.status, said.err) == (0, "")
    assert backend.builds == 1


def test_new_never_overwrites(schedc: Schedc) -> None:
    Path("mine.sched").write_text("mine")
    assert schedc("new", "mine").status == Exit.ENVIRONMENT
    assert Path("mine.sched").read_text() == "mine"


@pytest.mark.parametrize("name", ["", "queue", "A", "a-b", "../a", "a\n", "a" * 64, "é", "1a"])
def test_names_that_no_policy_can_have(schedc: Schedc, name: str) -> None:
    assert schedc("new", "--", name).status == Exit.USAGE
    assert list(Path().glob("*.sched")) == []


@pytest.mark.parametrize("code", CODES)
def test_explain_prints_the_page(schedc: Schedc, code: str) -> None:
    assert schedc("explain", code).out == page(code)
    assert schedc("explain", code.lower()).out == page(code)


def test_explain_without_a_code_lists_all(schedc: Schedc) -> None:
    assert [line.split()[0] for line in schedc("explain").out.splitlines()] == list(CODES)


def test_explain_asks_whether_you_mean_another(schedc: Schedc) -> None:
    said = schedc("explain", "W0301")
    assert "did you mean E0301?" in said.err


def test_doctor(schedc: Schedc, backend: FakeBackend) -> None:
    said = schedc("doctor")
    assert said.status == 0
    assert "ok  clang" in said.out
    backend.checks = (Check("qemu", "not installed", "apt install qemu"),)
    said = schedc("doctor")
    assert said.status == Exit.ENVIRONMENT
    assert "missing  qemu" in said.out
    assert "mend it: apt install qemu" in said.out
    document = json.loads(schedc("doctor", "--format", "json").out)
    assert document["checks"][-1]["remedy"] == "apt install qemu"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(schedc: Schedc, shell: str) -> None:
    said = schedc("completions", shell)
    assert said.status == 0
    assert "_SCHEDC_COMPLETE" in said.out


def test_completion_answers(schedc: Schedc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_SCHEDC_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "schedc explain E03")
    monkeypatch.setenv("COMP_CWORD", "2")
    proofs = [f"plain,{code}" for code in CODES if code.startswith("E03")]
    assert schedc().out.split() == proofs
    assert len(proofs) > 1


def test_options_come_from_the_environment(schedc: Schedc, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("a.sched").write_text(WRONG)
    monkeypatch.setenv("SCHEDC_CHECK_FORMAT", "concise")
    assert len(schedc("check", "a.sched").err.splitlines()) == 1


def test_every_option_is_documented() -> None:
    text = (ROOT / "docs/cli.md").read_text()
    for name, command in cli.commands.items():
        for parameter in command.params:
            for option in parameter.opts:
                assert not option.startswith("--") or f"`{option}" in text, (name, option)


def test_a_name_longer_than_a_folder_may_have(schedc: Schedc, backend: FakeBackend) -> None:
    Path("a.sched").write_text(FIFO.replace("policy fifo", f"policy {'x' * 300}"))
    said = schedc("compile", "a.sched")
    assert said.status == Exit.ENVIRONMENT
    assert "file name too long" in said.err
    assert backend.builds == 1
    Path("a.sched").write_text(f"policy {'x' * 300}\n")
    assert schedc("compile", "a.sched").status == Exit.POLICY


def test_a_failure_with_emit_and_json_is_told(schedc: Schedc) -> None:
    Path("a.sched").write_text(STARVING)
    said = schedc("compile", "a.sched", "--emit", "c", "--format", "json")
    assert json.loads(said.out)["diagnostics"][0]["code"] == "E0301"
