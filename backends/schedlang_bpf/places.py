"""From a place that a compiler or the kernel names back to the policy."""

from __future__ import annotations

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


def _line_span(source: Source, file: int, line: int) -> Span:
    """The line without the blanks around it."""
    text = source.line_text(line)
    start = _offset(source, line) + len(text) - len(text.lstrip())
    return Span(start, start + len(text.strip()), file)


def _offset(source: Source, line: int) -> int:
    """Where line `line` starts: after the line ends before it."""
    return sum(len(source.line_text(number)) + 1 for number in range(1, line))
