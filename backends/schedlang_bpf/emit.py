"""A typed policy and its proof as C: the same bytes for the same policy, always."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache
from typing import Final, final

from jinja2 import BytecodeCache, Environment, PackageLoader, StrictUndefined
from jinja2.bccache import Bucket

from schedlang.ir.nodes import Policy
from schedlang.kept import keep, recall
from schedlang.prover.verdict import ProofReport
from schedlang_bpf.code import RESUME
from schedlang_bpf.naming import name_policy
from schedlang_bpf.sections import MAX_QUEUES, View, sections

DEFAULT_TIMEOUT_MS: Final = 30_000


@final
@dataclass(frozen=True, slots=True)
class EmitOptions:
    """`timeout_ms`: how long a runnable task may wait before the kernel ejects the scheduler.

    The default is the kernel's own, which is also its greatest. `traced`: the C tells the kernel's
    trace of each arrival, and of each turn's begin and end.
    """

    timeout_ms: int = DEFAULT_TIMEOUT_MS
    traced: bool = False


def emit(policy: Policy, proof: ProofReport, options: EmitOptions = EmitOptions()) -> str:
    """The C of a policy. It needs the headers of this package and nothing else."""
    if len(policy.queues) > MAX_QUEUES:
        raise ValueError(f"{len(policy.queues)} queues reached the emitter")
    names = name_policy(policy)
    parts = sections(policy, names, proof, options.timeout_ms, options.traced)
    text = "".join(_render(section.template, section.view, options) for section in parts)
    return "\n".join(_number(text.split("\n"), f"{names.ops}.bpf.c"))


def _render(template: str, view: View, options: EmitOptions) -> str:
    context = {field.name: getattr(view, field.name) for field in fields(view)}
    context["traced"] = options.traced
    return _environment().get_template(f"{template}.c.j2").render(context)


@final
class _Compiled(BytecodeCache):
    """Templates as Jinja compiled them in an earlier run; it checks that their text is the same."""

    def load_bytecode(self, bucket: Bucket) -> None:
        code = recall(f"template-{bucket.key}")
        if code is not None:
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        keep(f"template-{bucket.key}", bucket.bytecode_to_string())


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("schedlang_bpf"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # C, not HTML: `text` has made everything fit
        bytecode_cache=_Compiled(),
    )


def _number(lines: list[str], file: str) -> Iterator[str]:
    """Fill in where the generated file goes on after lines that cite the policy."""
    for number, line in enumerate(lines, start=1):
        yield f'#line {number + 1} "{file}"' if line == RESUME else line
