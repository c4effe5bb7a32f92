"""From a place that a compiler or the kernel names, or a line of the C, back to the policy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from schedlang.diagnostics.model import Label
from schedlang.ir.nodes import Policy
from schedlang.source import Source, Span
from schedlang_bpf.text import source_labels


def policy_label(policy: Policy, file: str, line: int) -> Label | None:
    """Line `line` of the source that the generated C calls `file`; None for any other file."""
    for number, label in enumerate(source_labels(policy.sources)):
        source = policy.sources[number]
        if label == file and 1 <= line <= source.position(len(source.text)).line:
            return Label(_line_span(source, number, line))
    return None


_DIRECTIVE: Final = re.compile(r'#line ([0-9]+) "([^"]+)"')
_CITATION: Final = re.compile(r"/\* ([A-Za-z0-9._-]+):([0-9]+) ")


def c_origins(c: str, policy: Policy) -> Iterator[Span | None]:
    """For each line of the C the line of the policy that it stands for, or that it cites."""
    file, number = "", 0
    for line in c.splitlines():
        directive = _DIRECTIVE.fullmatch(line)
        if directive is not None:
            number, file = int(directive[1]), directive[2]
            yield None
            continue
        # A closing brace stands for nothing, though the numbering of lines runs on over it.
        label = policy_label(policy, file, number) if line.strip() != "}" else None
        cited = _CITATION.search(line)
        if label is None and cited is not None:
            label = policy_label(policy, cited[1], int(cited[2]))
        yield label.span if label is not None else None
        number += 1


def _line_span(source: Source, file: int, line: int) -> Span:
    """The line without the blanks around it."""
    text = source.line_text(line)
    start = _offset(source, line) + len(text) - len(text.lstrip())
    return Span(start, start + len(text.strip()), file)


def _offset(source: Source, line: int) -> int:
    """Where line `line` starts: after the line ends before it."""
    return sum(len(source.line_text(number)) + 1 for number in range(1, line))
