"""The compiler as one pipeline: read, parse, lower, prove, emit, build, write.

Each step is a function of a `Compilation`, what is known of one policy so far, and gives the next.
An error ends it, except that `write` always has the last word: what a folder holds of a policy is
the outcome of its last compilation, never an object of an earlier one. Nothing is printed here.
Parts that are slow to import (the solver, the backends) are imported by the step that needs them.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final, final

from schedlang.backend import Backend, Built, EnvironmentProblem
from schedlang.diagnostics.model import Diagnostic, Repair, Severity, has_errors
from schedlang.files import PROOF, read_policy, replace_folder
from schedlang.ir.nodes import Policy
from schedlang.prover.verdict import ProofReport
from schedlang.source import Source, Sources
from schedlang.syntax import ast

BACKENDS: Final = "schedlang.backends"
DEFAULT_BACKEND: Final = "bpf"
_NAMED = re.compile(r"^[ \t]*policy[ \t]+([a-z_][a-z0-9_]*)", re.MULTILINE)


class Phase(StrEnum):
    READ = "read"
    PARSE = "parse"
    LOWER = "lower"
    PROVE = "prove"
    EMIT = "emit"
    BUILD = "build"
    WRITE = "write"


@final
@dataclass(frozen=True, slots=True)
class Request:
    """What is wanted of a policy.

    `through` is the last step, besides writing. `output_dir` None: nothing is written. `unproved`:
    a refuted or unknown property is a warning only. `attain`: runs that come near to the proved
    bounds are looked for, too. `libraries`: folders to look in after the policy's own.
    """

    path: str
    through: Phase = Phase.BUILD
    output_dir: Path | None = None
    unproved: bool = False
    attain: bool = False
    libraries: tuple[Path, ...] = ()


@final
@dataclass(frozen=True, slots=True)
class Timing:
    phase: Phase
    seconds: float


@final
@dataclass(frozen=True, slots=True)
class Compilation:
    """What is known of a policy. What a step did not reach, or could not make, is None."""

    request: Request
    source: Source | None = None
    tree: ast.File | None = None
    policy: Policy | None = None
    proof: ProofReport | None = None
    c: str | None = None
    built: Built | None = None
    folder: Path | None = None
    sources: Sources = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    timings: tuple[Timing, ...] = ()

    def told(self, *diagnostics: Diagnostic) -> Compilation:
        return replace(self, diagnostics=self.diagnostics + diagnostics)


Step = Callable[[Compilation], Compilation]


def run(request: Request) -> Compilation:
    """Take the policy through the pipeline as far as is wanted and it goes."""
    done = Compilation(request)
    wanted = tuple(Phase).index(request.through)
    for phase, step in PIPELINE:
        is_reached = tuple(Phase).index(phase) <= wanted and not has_errors(done.diagnostics)
        if is_reached or (phase is Phase.WRITE and request.output_dir is not None):
            done = _timed(phase, step, done)
    return done


def _timed(phase: Phase, step: Step, before: Compilation) -> Compilation:
    start = time.perf_counter()
    try:
        after = step(before)
    except EnvironmentProblem as problem:
        after = before.told(describe_problem(problem))
    timing = Timing(phase, time.perf_counter() - start)
    return replace(after, timings=(*before.timings, timing))


def describe_problem(problem: EnvironmentProblem) -> Diagnostic:
    repairs = (Repair(problem.remedy),) if problem.remedy else ()
    return Diagnostic(problem.code, problem.what, repairs=repairs)


@cache
def load_backend(name: str = DEFAULT_BACKEND) -> Backend:
    """The installed backend `name`. Raises EnvironmentProblem."""
    from importlib.metadata import entry_points

    found = entry_points(group=BACKENDS)
    for entry in found:
        if entry.name == name:
            factory: Callable[[], Backend] = entry.load()
            return factory()
    known = ", ".join(sorted(found.names)) or "none"
    raise EnvironmentProblem(
        f"there is no backend `{name}` (installed: {known})", "install schedlang as a whole"
    )


# --- the steps


def _read(done: Compilation) -> Compilation:
    source = read_policy(done.request.path)
    if isinstance(source, Diagnostic):
        return done.told(source)
    return replace(done, source=source, sources=(source,))


def _parse(done: Compilation) -> Compilation:
    from schedlang.syntax.parse import parse

    assert done.source is not None
    tree, findings = parse(done.source)
    return replace(done, tree=tree).told(*findings)


def _lower(done: Compilation) -> Compilation:
    from schedlang.libraries import shelf_for
    from schedlang.semantics.lower import lower

    assert done.source is not None
    assert done.tree is not None
    shelf = shelf_for(done.request.path, done.request.libraries)
    lowered = lower(done.tree, done.source, shelf)
    return replace(done, policy=lowered.policy, sources=lowered.sources).told(*lowered.findings)


def _prove(done: Compilation) -> Compilation:
    from schedlang.prover.prove import prove
    from schedlang.report.findings import diagnose

    assert done.policy is not None
    proof = prove(done.policy, attain=done.request.attain)
    findings = diagnose(proof, done.policy)
    if done.request.unproved:
        findings = tuple(replace(d, severity=Severity.WARNING) for d in findings)
    return replace(done, proof=proof).told(*findings)


def _emit(done: Compilation) -> Compilation:
    assert done.policy is not None
    assert done.proof is not None
    backend = load_backend()
    uncovered = backend.uncovered(done.policy)
    if uncovered:
        return done.told(*uncovered)
    return replace(done, c=backend.emit(done.policy, done.proof))


def _build(done: Compilation) -> Compilation:
    assert done.policy is not None
    assert done.c is not None
    built = load_backend().build(done.c, done.policy)
    if isinstance(built, Built):
        return replace(done, built=built)
    return done.told(*built)


def _write(done: Compilation) -> Compilation:
    assert done.request.output_dir is not None
    name = _folder_name(done)
    if name is None:
        return done
    contents = _contents(done)
    folder = done.request.output_dir / name
    if not contents and not os.path.lexists(folder):
        return done
    replace_folder(done.request.output_dir, name, contents)
    return replace(done, folder=folder if contents else None)


PIPELINE: Final[tuple[tuple[Phase, Step], ...]] = (
    (Phase.READ, _read),
    (Phase.PARSE, _parse),
    (Phase.LOWER, _lower),
    (Phase.PROVE, _prove),
    (Phase.EMIT, _emit),
    (Phase.BUILD, _build),
    (Phase.WRITE, _write),
)


# --- what is written


def _folder_name(done: Compilation) -> str | None:
    """The policy's name; of a text that does not parse, what it most likely would be called."""
    if done.policy is not None:
        return done.policy.name
    named = _NAMED.search(done.source.text) if done.source is not None else None
    return named.group(1) if named else None


def _contents(done: Compilation) -> dict[str, bytes]:
    """The files of the outcome: the object only if nothing failed, and nothing without a proof."""
    from schedlang.report.certificates import certificates
    from schedlang.report.kernel import object_text
    from schedlang.report.proof_json import proof_json
    from schedlang.report.proof_text import proof_text

    if done.policy is None or done.proof is None:
        return {}
    unproved = any(d.code in ("E0301", "E0302") for d in done.diagnostics)
    report = proof_text(done.proof, done.policy, unproved=unproved and done.request.unproved)
    proof = proof_json(done.proof, done.policy, unproved=unproved and done.request.unproved)
    files = {"proof.json": f"{json.dumps(proof, indent=1)}\n".encode()}
    files |= {f"{PROOF}/{n}": data for n, data in certificates(done.proof, done.policy).items()}
    if done.c is not None:
        files["policy.bpf.c"] = done.c.encode()
    if done.built is not None:
        report += f"\n{object_text(done.built)}"
        files["policy.bpf.o"] = done.built.object
    return files | {"report.txt": report.encode()}
