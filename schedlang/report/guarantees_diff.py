"""What became of each guarantee between two policies: weaker, stronger, the same, or else.

Pure. A guarantee is known by its property and its queues, so that a claim with another bound is the
same guarantee, changed. What cannot be compared is never called the same or stronger.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, final

from schedlang.ir.nodes import Goal, Policy, Property
from schedlang.prover.verdict import Bound, Finding, ProofReport, Proved
from schedlang.report.findings import claim_text
from schedlang.report.proof_text import verdict_word
from schedlang.units import duration


class Change(StrEnum):
    WEAKER = "weaker"
    UNCLEAR = "unclear"
    STRONGER = "stronger"
    OTHER = "changed"
    SAME = "same"


@final
@dataclass(frozen=True, slots=True)
class Guarantee:
    """A finding as one of the two policies has it."""

    claim: str
    verdict: str
    bound: Bound | None
    claimed: bool
    accepted: str | None
    goal: Goal | None


@final
@dataclass(frozen=True, slots=True)
class Shift:
    """`old` or `new` is None where the guarantee is only in the other policy."""

    change: Change
    old: Guarantee | None
    new: Guarantee | None
    what: str


_ALWAYS: Final = frozenset(
    {Property.STARVATION_FREE, Property.NO_LOST_TASK, Property.BOUNDED_PREEMPTION}
)
"""Checked of every policy, claimed or not."""

Key = tuple[Property, tuple[str, ...], int]


def compare(
    old: Policy, old_proof: ProofReport, new: Policy, new_proof: ProofReport
) -> tuple[Shift, ...]:
    """Every guarantee of either policy, the old one's first."""
    before, after = _guarantees(old, old_proof), _guarantees(new, new_proof)
    keys = dict.fromkeys((*before, *after))
    return tuple(_shift(key, before.get(key), after.get(key)) for key in keys)


def is_weaker(shifts: tuple[Shift, ...]) -> bool:
    return any(shift.change in (Change.WEAKER, Change.UNCLEAR) for shift in shifts)


def _guarantees(policy: Policy, proof: ProofReport) -> dict[Key, Guarantee]:
    found: dict[Key, Guarantee] = {}
    for finding in proof.findings:
        goal = next((g for g in policy.goals if g.span == finding.claimed), None)
        queues = _queues(finding, goal, policy)
        number = sum(key[:2] == (finding.property, queues) for key in found)
        bound = finding.verdict.bound if isinstance(finding.verdict, Proved) else None
        found[finding.property, queues, number] = Guarantee(
            claim_text(finding, policy),
            verdict_word(finding),
            bound,
            finding.claimed is not None,
            finding.accepted,
            goal,
        )
    return found


def _queues(finding: Finding, goal: Goal | None, policy: Policy) -> tuple[str, ...]:
    if finding.queue is not None:
        return (policy.queues[finding.queue].name,)
    named = goal.queues if goal is not None and finding.property not in _ALWAYS else ()
    return tuple(policy.queues[queue].name for queue in named)


def _shift(key: Key, old: Guarantee | None, new: Guarantee | None) -> Shift:
    if old is None:
        assert new is not None
        return _added(new)
    if new is None:
        return _dropped(key, old)
    proved = "proved"
    if proved not in (old.verdict, new.verdict):
        return _never_proved(old, new)
    if new.verdict != proved:
        return Shift(Change.WEAKER, old, new, f"was proved, is {new.verdict}{_because(new)}")
    if old.verdict != proved:
        return Shift(Change.STRONGER, old, new, f"was {old.verdict}, is proved{_within(new)}")
    return _both_proved(old, new)


def _added(new: Guarantee) -> Shift:
    if new.verdict == "proved":
        return Shift(Change.STRONGER, None, new, f"is new, and proved{_within(new)}")
    return Shift(Change.WEAKER, None, new, f"is new, and {new.verdict}{_because(new)}")


def _dropped(key: Key, old: Guarantee) -> Shift:
    if old.verdict != "proved":
        return Shift(Change.OTHER, old, None, f"was {old.verdict}, and is not there any more")
    if key[0] is Property.STARVATION_FREE:
        return Shift(Change.UNCLEAR, old, None, "was proved; there is no such queue any more")
    return Shift(Change.WEAKER, old, None, "was proved, and is not claimed any more")


def _never_proved(old: Guarantee, new: Guarantee) -> Shift:
    if (old.verdict, old.accepted) == (new.verdict, new.accepted):
        return Shift(Change.SAME, old, new, f"{new.verdict}, as before")
    change = Change.WEAKER if new.verdict == "refuted" else Change.OTHER
    return Shift(change, old, new, f"was {old.verdict}, is {new.verdict}{_because(new)}")


def _both_proved(old: Guarantee, new: Guarantee) -> Shift:
    changes = [*_claims(old, new), *_bounds(old, new)]
    if not changes:
        return Shift(Change.SAME, old, new, f"proved, as before{_within(new)}")
    kinds = {change for change, _ in changes}
    for change in (Change.WEAKER, Change.UNCLEAR, Change.STRONGER):
        if change in kinds:
            return Shift(change, old, new, "; ".join(text for _, text in changes))
    return Shift(Change.OTHER, old, new, "; ".join(text for _, text in changes))


def _claims(old: Guarantee, new: Guarantee) -> Iterator[tuple[Change, str]]:
    """What the policies say of it, apart from what was proved."""
    if old.claimed != new.claimed:
        yield Change.OTHER, "is claimed now" if new.claimed else "is not claimed any more"
    elif old.claim != new.claim:
        yield _claimed_bound(old, new), f"claimed was `{old.claim}`, is `{new.claim}`"


def _claimed_bound(old: Guarantee, new: Guarantee) -> Change:
    """Claims differ: in the bound alone, they compare."""
    first, second = (g.goal for g in (old, new))
    if first is None or second is None or first.bound is None or second.bound is None:
        return Change.UNCLEAR
    least, most = first.bound.range, second.bound.range
    if least is None or most is None or _conditions(old) != _conditions(new) or least == most:
        return Change.UNCLEAR
    more = (most.lo, most.hi) > (least.lo, least.hi)
    grows_better = first.property is Property.SHARE
    return Change.STRONGER if more == grows_better else Change.WEAKER


def _conditions(guarantee: Guarantee) -> str:
    """The claim's words from `when` on."""
    return guarantee.claim.partition(" when ")[2]


def _bounds(old: Guarantee, new: Guarantee) -> Iterator[tuple[Change, str]]:
    before, after = old.bound, new.bound
    if before == after:
        return
    if before is None or after is None:
        change = Change.WEAKER if after is None else Change.STRONGER
        yield change, "has no bound any more" if after is None else f"has a bound{_within(new)}"
    elif before.case != after.case:
        was, now = (f"{duration(b.value_ns)} in the case: {b.case}" for b in (before, after))
        yield Change.UNCLEAR, f"the bound was {was}; is {now}"
    elif before.value_ns != after.value_ns:
        change = Change.WEAKER if after.value_ns > before.value_ns else Change.STRONGER
        was, now = duration(before.value_ns), duration(after.value_ns)
        yield change, f"the bound was {was}, is {now}, in the case: {after.case}"
    elif old.claim == new.claim:
        yield Change.UNCLEAR, f"the formula was {before.formula}, is {after.formula}"


def _within(guarantee: Guarantee) -> str:
    return f", within {duration(guarantee.bound.value_ns)}" if guarantee.bound is not None else ""


def _because(guarantee: Guarantee) -> str:
    return f", because {guarantee.accepted}" if guarantee.accepted is not None else ""
