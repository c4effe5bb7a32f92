"""Compiling and looking into objects: figures, refusals, clang's words at the policy's lines."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schedlang.backend import Built
from schedlang.diagnostics.model import Diagnostic
from schedlang_bpf.btf import BtfError, read_btf
from schedlang_bpf.build import build
from schedlang_bpf.compiler import Compiler
from schedlang_bpf.emit import emit
from schedlang_bpf.inspect import inspect_object
from schedlang_bpf.params import with_params
from tests.bpf.samples import NO_PROOF, everything, example


@pytest.fixture(scope="module")
def built(compiler: Compiler) -> Built:
    result = build(emit(everything(), NO_PROOF), everything(), compiler)
    assert isinstance(result, Built), result
    return result


def only(result: Built | tuple[Diagnostic, ...]) -> Diagnostic:
    assert isinstance(result, tuple)
    (finding,) = result
    return finding


def test_figures(built: Built) -> None:
    figures = built.figures
    assert figures.licence == "GPL"
    assert figures.struct_ops == ("everything_ops",)
    assert figures.size_bytes == len(built.object)
    programs = {program.name: program for program in figures.programs}
    assert programs["everything_init"].section == "struct_ops.s/everything_init"
    assert all(program.instructions > 5 for program in figures.programs)
    maps = {entry.name: entry for entry in figures.maps}
    assert (maps["stats"].kind, maps["stats"].max_entries) == ("percpu_array", 4)
    assert (maps["stats"].key_bytes, maps["stats"].value_bytes) == (4, 24)
    assert maps["tasks"].kind == "task_storage"
    assert maps[".data"].value_bytes == 16


def test_both_compilers_do(built: Built, zig: Compiler) -> None:
    by_zig = build(emit(everything(), NO_PROOF), everything(), zig)
    assert isinstance(by_zig, Built), by_zig
    assert by_zig.compiler.startswith("ziglang ")
    assert by_zig.figures.maps == built.figures.maps
    names = [program.name for program in built.figures.programs]
    assert [program.name for program in by_zig.figures.programs] == names


def test_the_same_object_each_time(built: Built, compiler: Compiler) -> None:
    again = build(emit(everything(), NO_PROOF), everything(), compiler)
    assert isinstance(again, Built)
    assert again.object == built.object


def test_no_path_of_this_machine_is_in_it(built: Built) -> None:
    assert str(Path.home()).encode() not in built.object
    assert b"schedc-" not in built.object
    assert b"/tmp" not in built.object


def test_an_error_is_told_at_the_line_of_the_policy(compiler: Compiler) -> None:
    policy = everything()
    c = emit(policy, NO_PROOF).replace("t->turn.slice_ns = 1000000;", "t->turn.slice = 1;", 1)
    finding = only(build(c, policy, compiler))
    assert finding.code == "E0401"
    assert finding.message.startswith("the C compiler rejects the generated code: no member")
    assert finding.primary is not None
    text = policy.sources[0].excerpt(finding.primary.span)
    assert text.startswith("queue urgent {")
    assert text.endswith("}")


def test_an_error_elsewhere_has_no_place(compiler: Compiler) -> None:
    c = emit(example("fifo"), NO_PROOF) + "int x = y;\n"
    finding = only(build(c, example("fifo"), compiler))
    assert (finding.code, finding.primary) == ("E0401", None)


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("import sys; print('no', file=sys.stderr); sys.exit(3)", "ended with status 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "ended with status -11"),
        ("import time; time.sleep(60)", "was stopped"),
        ("pass", "ended with status 0"),
    ],
)
def test_a_compiler_that_fails_otherwise(program: str, message: str) -> None:
    broken = Compiler("broken", (sys.executable, "-c", program))
    limit_s = 1.0 if "sleep" in program else 60.0
    finding = only(build("", example("fifo"), broken, limit_s))
    assert (finding.code, finding.message) == ("E0401", f"the C compiler {message}")


WITHOUT = {
    "the licence": ('SEC("license")', 'SEC(".data")', "lacks the section license"),
    "the right licence": ('= "GPL";', '= "MIT";', "its licence is 'MIT'"),
    "a scheduler": ('SEC(".struct_ops.link")', "__attribute__((used))", ".struct_ops.link"),
}


@pytest.mark.parametrize("lack", WITHOUT)
def test_an_object_that_lacks_something(lack: str, compiler: Compiler) -> None:
    old, new, why = WITHOUT[lack]
    c = emit(example("fifo"), NO_PROOF)
    assert old in c
    finding = only(build(c.replace(old, new), example("fifo"), compiler))
    assert finding.code == "E0402"
    assert why in finding.message


@pytest.mark.parametrize("section", [b".BTF\0", b".BTF.ext\0", b".maps\0"])
def test_an_object_without_a_section(section: bytes, built: Built) -> None:
    renamed = section[:-2] + b"x\0"
    damaged = built.object.replace(b"\0" + section, b"\0" + renamed)
    damaged = damaged.replace(b".rel" + section, b".rel" + renamed)
    finding = inspect_object(damaged)
    assert isinstance(finding, Diagnostic)
    assert finding.code == "E0402"


def test_objects_for_other_machines(built: Built) -> None:
    native = bytearray(built.object)
    native[18:20] = (62).to_bytes(2, "little")
    finding = inspect_object(bytes(native))
    assert isinstance(finding, Diagnostic)
    assert "not made for BPF" in finding.message


@pytest.mark.parametrize("data", [b"", b"\x7fELF", b"#!/bin/sh\n", b"\x7fELF\x02\x01" + bytes(80)])
def test_no_object_at_all(data: bytes) -> None:
    finding = inspect_object(data)
    assert isinstance(finding, Diagnostic)
    assert finding.code == "E0402"


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_objects_never_raise(data: st.DataObject, built: Built) -> None:
    damaged = bytearray(built.object[: data.draw(st.integers(0, len(built.object)))])
    for _ in range(data.draw(st.integers(0, 8))):
        if damaged:
            damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    inspect_object(bytes(damaged))


@given(st.binary(max_size=200))
def test_damaged_types_raise_nothing_else(data: bytes) -> None:
    with contextlib.suppress(BtfError):
        read_btf(b"\x9f\xeb\x01\x00" + data)


def test_cut_objects_are_refused(built: Built) -> None:
    for length in range(0, len(built.object), 997):
        assert isinstance(inspect_object(built.object[:length]), Diagnostic)


def test_params_are_set_in_the_object(built: Built) -> None:
    policy = everything()
    changed = with_params(built.object, policy, (("floor", 20), ("quantum", 1_000_000)))
    places = [i for i, (a, b) in enumerate(zip(built.object, changed, strict=True)) if a != b]
    assert places
    assert max(places) - min(places) < 16
    assert (20).to_bytes(8, "little") in changed
    assert with_params(changed, policy, (("floor", 10), ("quantum", 4_000_000))) == built.object


@pytest.mark.parametrize(("name", "value"), [("floor", 21), ("fixed", 3_000_000), ("none", 1)])
def test_params_out_of_range(name: str, value: int, built: Built) -> None:
    with pytest.raises(ValueError, match=name):
        with_params(built.object, everything(), ((name, value),))
