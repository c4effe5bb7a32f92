"""Two policies beside each other: guarantees, words, and a run in which they differ. Pure.

`Difference` is what was found; it is told as text, as JSON values and as a page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, final

from schedlang.diagnostics.printable import printable
from schedlang.diagnostics.render import Paint
from schedlang.diagnostics.render_json import JsonObject, JsonValue
from schedlang.ir.nodes import Policy
from schedlang.prover.verdict import ProofReport
from schedlang.report.chart import Chart
from schedlang.report.chart_html import Table, chart_view, listing, render_page
from schedlang.report.divergence import CPUS, SEEDS, Divergence, find_divergence, told
from schedlang.report.guarantees_diff import Change, Guarantee, Shift, compare, is_weaker
from schedlang.report.policy_diff import PolicyChange, policy_changes

NO_EXAMPLE: Final = (
    f"in {len(CPUS) * len(SEEDS)} runs of 1s both chose the same; that proves nothing"
)


@final
@dataclass(frozen=True, slots=True)
class Side:
    policy: Policy
    proof: ProofReport

    @property
    def file(self) -> str:
        return self.policy.sources[0].name


@final
@dataclass(frozen=True, slots=True)
class Difference:
    old: Side
    new: Side
    shifts: tuple[Shift, ...]
    changes: tuple[PolicyChange, ...]
    example: Divergence | None

    @property
    def is_weaker(self) -> bool:
        """Whether a guarantee got weaker, or one cannot say."""
        return is_weaker(self.shifts)


def difference(old: Side, new: Side) -> Difference:
    changes = policy_changes(old.policy, new.policy)
    # Policies that say the same do the same.
    example = find_divergence(old.policy, new.policy) if changes else None
    shifts = compare(old.policy, old.proof, new.policy, new.proof)
    return Difference(old, new, shifts, changes, example)


_ORDER: Final = (Change.WEAKER, Change.UNCLEAR, Change.STRONGER, Change.OTHER, Change.SAME)


def _sorted(shifts: tuple[Shift, ...]) -> list[Shift]:
    return sorted(shifts, key=lambda shift: _ORDER.index(shift.change))


def claim_of(shift: Shift) -> str:
    guarantee = shift.new or shift.old
    assert guarantee is not None
    return guarantee.claim


def _summary(found: Difference) -> str:
    counts = {change: sum(s.change is change for s in found.shifts) for change in _ORDER}
    words = ", ".join(f"{count} {change}" for change, count in counts.items() if count)
    return f"{found.old.file} -> {found.new.file}: {words}"


def difference_text(
    found: Difference, draw: Callable[[Chart], str], *, colour: bool = False
) -> str:
    paint = Paint(colour)
    lines = [paint.strong(printable(_summary(found))), ""]
    lines += [_shift_line(shift, paint) for shift in _sorted(found.shifts)]
    if found.changes:
        lines += ["", "what the policies say:"]
        lines += [f"  {printable(change.told())}" for change in found.changes]
        lines += ["", *_example(found.example, draw)]
    else:
        lines += ["", "the policies say the same"]
    return "\n".join(lines) + "\n"


def _shift_line(shift: Shift, paint: Paint) -> str:
    word = f"{shift.change.value:8}"
    match shift.change:
        case Change.WEAKER | Change.UNCLEAR:
            word = paint.removed(word)
        case Change.STRONGER:
            word = paint.added(word)
        case _:
            pass
    return f"{word}  {printable(claim_of(shift))}: {printable(shift.what)}"


def _example(example: Divergence | None, draw: Callable[[Chart], str]) -> Iterator[str]:
    if example is None:
        yield NO_EXAMPLE
        return
    yield "a load under which they differ:"
    yield f"  {printable(told(example))}"
    for chart in example.charts:
        yield ""
        yield from (f"  {line}".rstrip() for line in draw(chart).splitlines())


def difference_json(found: Difference) -> JsonObject:
    return {
        "old": found.old.file,
        "new": found.new.file,
        "weaker": found.is_weaker,
        "guarantees": [
            {
                "claim": claim_of(shift),
                "change": shift.change.value,
                "what": shift.what,
                "old": _guarantee_json(shift.old),
                "new": _guarantee_json(shift.new),
            }
            for shift in _sorted(found.shifts)
        ],
        "changes": [{"part": c.part, "old": c.old, "new": c.new} for c in found.changes],
        "example": _example_json(found.example) if found.example else None,
    }


def _guarantee_json(guarantee: Guarantee | None) -> JsonObject | None:
    if guarantee is None:
        return None
    bound = guarantee.bound
    return {
        "claim": guarantee.claim,
        "verdict": guarantee.verdict,
        "claimed": guarantee.claimed,
        "accepted_because": guarantee.accepted,
        "bound": {"formula": bound.formula, "value_ns": bound.value_ns, "case": bound.case}
        if bound
        else None,
    }


def _example_json(example: Divergence) -> JsonObject:
    return {
        "seed": example.seed,
        "cpus": example.cpus,
        "at_ns": example.at_ns,
        "cpu": example.cpu,
        "old": example.old,
        "new": example.new,
        "turns": {
            side: _turns_json(chart)
            for side, chart in zip(("old", "new"), example.charts, strict=True)
        },
    }


def _turns_json(chart: Chart) -> list[JsonValue]:
    return [
        {
            "cpu": bar.cpu,
            "start_ns": bar.start_ns,
            "end_ns": bar.end_ns,
            "task": chart.tasks[bar.task],
            "queue": chart.queues[bar.queue] if bar.queue is not None else None,
        }
        for bar in sorted(chart.bars, key=lambda bar: (bar.start_ns, bar.cpu))
    ]


def difference_page(found: Difference) -> str:
    shifts = tuple((s.change.value, claim_of(s), s.what) for s in _sorted(found.shifts))
    changes = tuple((c.part, c.old or "", c.new or "") for c in found.changes)
    charts = found.example.charts if found.example else ()
    return render_page(
        "diff.html.j2",
        _summary(found),
        guarantees=Table("Guarantees", ("change", "claim", "what"), shifts),
        changes=Table("What the policies say", ("part", "old", "new"), changes),
        example=told(found.example) if found.example else NO_EXAMPLE if found.changes else "",
        charts=tuple(map(chart_view, charts)),
        listings=tuple(
            listing(f"s{n}", side.file, side.policy.sources[0].text)
            for n, side in enumerate((found.old, found.new))
        ),
    )
