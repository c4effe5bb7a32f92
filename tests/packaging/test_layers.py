"""The rule that makes backends and the agent replaceable: the compiler never imports them."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OUTER = ("schedlang_bpf", "schedlang_vm", "schedlang_agent")
CORE = sorted((ROOT / "schedlang").rglob("*.py"))


def imported(text: str) -> set[str]:
    """What a source imports, also lazily, and the names it gives to a call (`import_module`)."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Import(names=aliases):
                names |= {alias.name for alias in aliases}
            case ast.ImportFrom(module=str(module)):
                names.add(module)
            case ast.Call(args=[ast.Constant(value=str(name)), *_]):
                names.add(name)
            case _:
                pass
    return names


def ruff(text: str, name: str) -> str:
    """What ruff's ban says of `text`, were it in the file `name`."""
    command = ["-m", "ruff", "check", "--select", "TID251", "--output-format", "concise"]
    done = subprocess.run(
        [sys.executable, *command, "--stdin-filename", name, "-"],
        cwd=ROOT,
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


def test_the_compiler_imports_no_backend_and_no_agent() -> None:
    assert len(CORE) > 10
    found = {path.relative_to(ROOT): imported(path.read_text()) for path in CORE}
    wrong = {p: n for p, names in found.items() for n in names if n.split(".")[0] in OUTER}
    assert wrong == {}


@pytest.mark.parametrize("package", OUTER)
@pytest.mark.parametrize("form", ["import {}", "from {} import x", "import {}.y as z"])
def test_ruff_refuses_such_an_import(package: str, form: str) -> None:
    text = form.format(package) + "\n"
    assert "TID251" in ruff(text, "schedlang/prover/prove.py")
    assert "TID251" not in ruff(text, "backends/schedlang_bpf/build.py")


@pytest.mark.parametrize(
    "text", ["import schedlang_bpf.emit", "def f():\n  import schedlang_vm", "g('schedlang_agent')"]
)
def test_the_check_above_sees_every_form(text: str) -> None:
    assert any(name.split(".")[0] in OUTER for name in imported(text))


def test_the_compiler_loads_without_its_backends() -> None:
    """A fresh interpreter that has imported every module of the compiler has none of theirs."""
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in CORE
        if path.name != "__main__.py"
    ]
    code = f"import importlib, sys\nfor m in {modules}: importlib.import_module(m)\n"
    code += f"print(sorted(m for m in sys.modules if m.split('.')[0] in {OUTER}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# Each part of the compiler may import those before it.
ORDER = (
    *("source", "units", "topology", "diagnostics", "resources", "kept", "workload", "ir"),
    *("tuning", "machine", "syntax", "semantics", "importing", "prover", "backend"),
    *("simulate", "testing", "compare", "conform", "certificate_names", "report", "files"),
    *("shapes", "libraries", "driver", "cli", "__main__"),
)
PURE = (
    *(
        "source",
        "units",
        "topology",
        "diagnostics",
        "workload",
        "ir",
        "tuning",
        "machine",
        "syntax",
    ),
    *("semantics", "importing", "prover", "simulate", "testing", "compare", "report"),
)
IMPURE = {"os", "random", "shutil", "socket", "subprocess", "tempfile", "time"}


def part(path: Path) -> str:
    """`prover` for schedlang/prover/verdict.py, `driver` for schedlang/driver.py."""
    return path.relative_to(ROOT / "schedlang").with_suffix("").parts[0]


MODULES = {
    path.relative_to(ROOT).as_posix(): (part(path), imported(path.read_text()))
    for path in CORE
    if path != ROOT / "schedlang/__init__.py"
}


def test_each_part_imports_only_parts_before_it() -> None:
    wrong = {
        (module, name)
        for module, (where, names) in MODULES.items()
        for name in names
        if name.startswith("schedlang.")
        and name.split(".")[1] not in ORDER[: ORDER.index(where) + 1]
    }
    assert wrong == set()


def test_the_core_does_no_io_and_reads_no_clock() -> None:
    wrong = {
        (module, name)
        for module, (where, names) in MODULES.items()
        for name in names
        if where in PURE and name.split(".")[0] in IMPURE
    }
    assert wrong == set()


# The second machine is worth something only while it stands on the language's text alone.
APART = ("meaning", "reading", "habits", "simulated_cpu", "simulated_units", "simulator")
SYNTAX = {"schedlang.source", "schedlang.syntax", "schedlang.syntax.parse"}


@pytest.mark.parametrize("name", APART)
def test_the_second_machine_takes_the_syntax_tree_and_nothing_else(name: str) -> None:
    text = (ROOT / f"tests/support/{name}.py").read_text()
    ours = {n for n in imported(text) if n.split(".")[0] in {"schedlang", "tests", *OUTER}}
    assert ours or name == "habits"
    assert ours <= {*SYNTAX, *(f"tests.support.{other}" for other in APART)}
    froms = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]
    assert {a.name for f in froms if f.module == "schedlang.syntax" for a in f.names} <= {"ast"}
