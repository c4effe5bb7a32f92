"""The full fuzz in shards: which policies a seed stands for, and the table of what came of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from statistics import median, quantiles

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.support.attack import Budget
from tests.support.fuzz import Examined, Ratio, examine
from tests.support.policies import RULED, Part, policies, steered_policies

SHARDS = 40
POLICIES_PER_SHARD = 50
NUMBER = re.compile(r"\d[\d.]*")


def drawn(shard: int, count: int, using: frozenset[Part] = RULED) -> list[str]:
    """The same policies for the same shard."""
    texts: list[str] = []

    @seed(shard)
    @settings(
        max_examples=count,
        database=None,
        derandomize=False,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.one_of(policies(using=using), steered_policies(using=using)))
    def collect(text: str) -> None:
        texts.append(text)

    collect()
    return texts


@dataclass
class Table:
    verdicts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    ratios: list[Ratio] = field(default_factory=list)
    policies: int = 0

    def add(self, examined: Examined) -> None:
        self.policies += 1
        self.verdicts.update(
            (of, kind, NUMBER.sub("N", detail)) for of, kind, detail in examined.verdicts
        )
        self.ratios += examined.ratios

    def merge(self, other: Table) -> None:
        self.policies += other.policies
        self.verdicts.update(other.verdicts)
        self.ratios += other.ratios

    def unknown_share(self) -> float:
        unknown = sum(n for (_, kind, _), n in self.verdicts.items() if kind == "Unknown")
        return unknown / max(self.verdicts.total(), 1)

    def text(self) -> str:
        return "\n".join([*self._verdict_lines(), "", *self._ratio_lines()])

    def _verdict_lines(self) -> Iterator[str]:
        share = f"{100 * self.unknown_share():.1f} % unknown"
        yield f"{self.policies} policies, {self.verdicts.total()} verdicts, {share}"
        kinds: Counter[tuple[str, str]] = Counter()
        for (property_, kind, _), number in self.verdicts.items():
            kinds[property_, kind] += number
        for (property_, kind), number in sorted(kinds.items()):
            yield f"{number:7} {property_} {kind.lower()}"
        for (property_, _, detail), number in self.verdicts.most_common():
            if detail:
                yield f"{number:7} {property_} unknown: {detail}"

    def _ratio_lines(self) -> Iterator[str]:
        """The rules whose bounds the runs came least near to stand first."""
        yield "seen / proved          number  median     p90     max"
        rules: dict[str, list[float]] = {}
        for ratio in self.ratios:
            rules.setdefault(ratio.rule, []).append(ratio.value)
        for rule, values in sorted(rules.items(), key=lambda item: median(item[1])):
            yield f"{_figures(values)}  {rule}"
        yield f"{_figures([ratio.value for ratio in self.ratios])}  all"


def _figures(values: list[float]) -> str:
    if not values:
        return f"{0:29}"
    p90 = quantiles(values, n=10)[-1] if len(values) > 1 else values[0]
    return f"{len(values):29} {median(values):7.2f} {min(p90, max(values)):7.2f} {max(values):7.2f}"


def run_shard(shard: int) -> Table:
    table = Table()
    for number, text in enumerate(drawn(shard, POLICIES_PER_SHARD)):
        table.add(examine(text, number, Budget()))
    return table


def merged(tables: Iterable[Table]) -> Table:
    whole = Table()
    for table in tables:
        whole.merge(table)
    return whole
