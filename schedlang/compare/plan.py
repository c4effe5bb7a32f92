"""What is compared, and in which order: the design of a comparison. Pure.

Each seed is a block. In it every workload runs under every contender, the baseline, and the
baseline once more: the control, which has draws of its own. Who comes first rotates from seed to
seed, so that what a place in the block does to a run meets everybody alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, final

from schedlang.topology import Topology
from schedlang.workload.model import Workload

EEVDF: Final = "EEVDF"
_OWN_DRAWS: Final = 1 << 63
_SEEDS: Final = 1 << 64


@final
@dataclass(frozen=True, slots=True)
class Contender:
    """`digest` is the SHA-256 of the policy's files; "" for the kernel's own scheduler."""

    name: str
    digest: str


@final
@dataclass(frozen=True, slots=True)
class Setup:
    """`kernel` is what was asked for; "" on the reference machine. The first contender is the
    baseline. Names of contenders differ, and so do those of workloads.
    """

    topology: Topology
    kernel: str
    contenders: tuple[Contender, ...]
    workloads: tuple[Workload, ...]
    seeds: tuple[int, ...]

    @property
    def baseline(self) -> Contender:
        return self.contenders[0]


@final
@dataclass(frozen=True, slots=True)
class Entry:
    """One run. All that is drawn in it comes from `drawn_from`; it is paired by `seed`."""

    workload: str
    contender: str
    is_control: bool
    seed: int
    drawn_from: int


def block(setup: Setup, place: int) -> Iterator[Entry]:
    """The runs of the seed at `place`, in their order."""
    seed = setup.seeds[place]
    lineup = [(contender.name, False) for contender in setup.contenders]
    lineup.append((setup.baseline.name, True))
    turned = place % len(lineup)
    for workload in setup.workloads:
        for name, is_control in lineup[turned:] + lineup[:turned]:
            drawn_from = (seed + _OWN_DRAWS) % _SEEDS if is_control else seed
            yield Entry(workload.name, name, is_control, seed, drawn_from)
