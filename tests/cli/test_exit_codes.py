"""Each exit code, reached by the command that users would reach it with."""

from __future__ import annotations

from pathlib import Path

import pytest

from schedlang import driver
from schedlang.backend import EnvironmentProblem
from schedlang.cli.exits import Exit, exit_for
from schedlang.diagnostics.codes import CODES
from schedlang.diagnostics.model import Diagnostic, Severity
from schedlang.ir.nodes import Policy, Property
from schedlang.prover import prove as prover
from schedlang.prover.verdict import Finding, ProofReport, Reason, Unknown
from tests.support.command_line import (
    ACCEPTED,
    FIFO,
    STARVING,
    WRONG,
    FakeBackend,
    Schedc,
    fails_with,
)


def undecided(_policy: Policy, *, attain: bool) -> ProofReport:
    verdict = Unknown(Reason.SOLVER_LIMIT, "after 3 attempts")
    return ProofReport((Finding(Property.STARVATION_FREE, 0, verdict, (), None, None),))


def test_fine(schedc: Schedc, backend: FakeBackend) -> None:
    Path("a.sched").write_text(FIFO)
    for command in ("check", "prove", "compile", "verify", "run", "fmt"):
        assert schedc(command, "a.sched").status == Exit.FINE
    assert backend.builds == 3


def test_errors_in_the_policy(schedc: Schedc) -> None:
    Path("a.sched").write_text(WRONG)
    for command in ("check", "prove", "compile", "verify", "run"):
        said = schedc(command, "a.sched")
        assert said.status == Exit.POLICY
        assert "error[E0201]" in said.err
    for command in ("check", "prove", "compile", "verify", "run", "fmt"):
        said = schedc(command, "missing.sched")
        assert said.status == Exit.POLICY
        assert "error[E0001]: cannot read `missing.sched`" in said.err


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("compile",),
        ("compile", "a.sched", "b.sched"),
        ("--what",),
        ("frobnicate",),
        ("check", "--format", "xml", "a.sched"),
        ("explain", "E9999"),
        ("new", "Not A Name"),
        ("run", "a.sched", "--host"),
        ("run", "a.sched", "--task", "x:0"),
        ("verify", "a.sched", "--cpus", "3", "--llcs", "2"),
        ("completions", "tcsh"),
    ],
)
def test_usage(schedc: Schedc, arguments: tuple[str, ...]) -> None:
    said = schedc(*arguments)
    assert said.status == Exit.USAGE
    assert "Usage: schedc" in said.err


@pytest.mark.parametrize("command", ["prove", "compile", "verify", "run"])
def test_refuted(schedc: Schedc, backend: FakeBackend, command: str) -> None:
    Path("a.sched").write_text(STARVING)
    said = schedc(command, "a.sched")
    assert said.status == Exit.REFUTED
    assert "queue `rest` can starve" in said.out + said.err
    assert backend.builds == 0


@pytest.mark.parametrize("command", ["prove", "compile", "verify", "run"])
def test_unknown(
    schedc: Schedc, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setattr(prover, "prove", undecided)
    Path("a.sched").write_text(FIFO)
    said = schedc(command, "a.sched")
    assert said.status == Exit.UNKNOWN
    assert "the solver gave up" in said.out + said.err
    assert backend.builds == 0


def test_accepted_starvation_is_a_warning(schedc: Schedc, backend: FakeBackend) -> None:
    Path("a.sched").write_text(ACCEPTED)
    said = schedc("compile", "a.sched")
    assert said.status == Exit.FINE
    assert "warning[W0304]" in said.err
    assert "idle work" in Path("build/starving/report.txt").read_text()
    assert backend.builds == 1


@pytest.mark.parametrize("code", ["E0401", "E0402"])
def test_compiler(schedc: Schedc, backend: FakeBackend, code: str) -> None:
    Path("a.sched").write_text(FIFO)
    backend.build_findings = fails_with(code)
    assert schedc("compile", "a.sched").status == Exit.COMPILER


@pytest.mark.parametrize("code", ["E0501", "E0502", "E0503", "E0504", "E0505", "E0506"])
@pytest.mark.parametrize("command", ["verify", "run"])
def test_kernel(schedc: Schedc, backend: FakeBackend, code: str, command: str) -> None:
    Path("a.sched").write_text(FIFO)
    backend.run_findings = fails_with(code)
    said = schedc(command, "a.sched")
    assert said.status == Exit.KERNEL
    assert code in said.err


def test_an_ejection_that_the_backend_does_not_explain(
    schedc: Schedc, backend: FakeBackend
) -> None:
    Path("a.sched").write_text(FIFO)
    backend.attached = False
    said = schedc("verify", "a.sched")
    assert said.status == Exit.KERNEL
    assert "E0503" in said.err


@pytest.mark.parametrize("command", ["compile", "verify", "run"])
def test_environment(schedc: Schedc, backend: FakeBackend, command: str) -> None:
    Path("a.sched").write_text(FIFO)
    backend.problem = EnvironmentProblem("no clang", "apt install clang")
    said = schedc(command, "a.sched")
    assert said.status == Exit.ENVIRONMENT
    assert "error[E0601]: no clang" in said.err
    assert "= help: apt install clang" in said.err


def test_output_that_cannot_be_written(schedc: Schedc, backend: FakeBackend) -> None:
    Path("a.sched").write_text(FIFO)
    Path("build").write_text("a file in the way")
    for output in ("build", "build/deeper", "/proc/schedc"):
        said = schedc("compile", "a.sched", "-o", output)
        assert said.status == Exit.ENVIRONMENT
        assert "E0602" in said.err
    assert Path("build").read_text() == "a file in the way"
    assert backend.builds > 0


def test_our_bug(schedc: Schedc, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("a.sched").write_text(FIFO)

    def fails(_request: driver.Request) -> driver.Compilation:
        raise KeyError("tasks")

    monkeypatch.setattr(driver, "run", fails)
    said = schedc("check", "a.sched")
    assert said.status == Exit.INTERNAL
    assert said.err.startswith("error[E0901]: internal error: KeyError: 'tasks'\n")
    assert "please report" in said.err
    assert "Traceback" not in said.err
    monkeypatch.setenv("SCHEDC_DEBUG", "1")
    assert "Traceback" in schedc("check", "a.sched").err


def test_interrupted(schedc: Schedc, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_request: driver.Request) -> driver.Compilation:
        raise KeyboardInterrupt

    monkeypatch.setattr(driver, "run", interrupted)
    said = schedc("check", "a.sched")
    assert (said.status, said.out, said.err) == (Exit.INTERRUPTED, "", "")


def test_every_error_has_an_exit_code_and_no_warning_has() -> None:
    for code in CODES:
        warning = Diagnostic(code, "x", severity=Severity.WARNING)
        assert exit_for((warning,)) is Exit.FINE
        if code.startswith("E"):
            assert exit_for((Diagnostic(code, "x"), warning)) is not Exit.FINE


def test_the_gravest_error_decides() -> None:
    assert exit_for((Diagnostic("E0302", "x"), Diagnostic("E0301", "x"))) is Exit.REFUTED
    assert exit_for((Diagnostic("E0201", "x"), Diagnostic("E0602", "x"))) is Exit.ENVIRONMENT
    assert exit_for(()) is Exit.FINE
