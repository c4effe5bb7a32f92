"""What proofs cost: the solver's time and its count of steps, per kind of obligation and policy.

`python -m bench.proofs [--rounds N] [POLICY ...]` proves the policies, and families of policies of
2, 4, 8 and 16 queues: `strict` with guards, one `weighted`, and both below one another. Then every
query is decided again, by itself, N times; the time of a query is the median, of CPU time. A query
that occurs twice in a policy counts once. Table on standard output, and bench/results/proofs.json.

The aim: at most 1 s of solver time for 8 queues, 3 s for 16, and no faster growth than n^2.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, final

from schedlang.driver import Phase, Request, run
from schedlang.ir.nodes import Policy
from schedlang.prover.prove import prove
from schedlang.prover.solver import DEFAULT_EFFORT, decide
from schedlang.prover.verdict import Obligation, ProofReport, Proved
from schedlang.semantics.lower import lower
from schedlang.source import Source
from schedlang.syntax.parse import parse

ROOT: Final = Path(__file__).parents[1]
RESULTS: Final = ROOT / "bench/results"
POLICIES: Final = tuple(sorted((ROOT / "examples").glob("*.sched")))
SIZES: Final = (2, 4, 8, 16)
AIM_S: Final = {8: 1.0, 16: 3.0}
"""By number of queues up to which it is meant."""


@final
@dataclass(frozen=True, slots=True)
class Cost:
    """`effort` is z3's `rlimit`, the same on every machine; of it and of the time, the premises'
    part is in both.
    """

    queries: int
    seconds: float
    effort: int


@final
@dataclass(frozen=True, slots=True)
class Result:
    """`seconds` in all are those of the prover with everything, but for starting Python."""

    policy: str
    queues: int
    proved: int
    findings: int
    seconds: float
    solver: Cost
    kinds: Mapping[str, Cost]

    @property
    def is_within_aim(self) -> bool:
        return all(
            self.solver.seconds <= aim_s for queues, aim_s in AIM_S.items() if self.queues <= queues
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.proofs", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("policies", nargs="*", type=Path, default=POLICIES, metavar="POLICY")
    chosen = parser.parse_args()
    named = [(path.stem, compiled(path)) for path in chosen.policies]
    named += [(name, lowered(text)) for name, text in families()]
    results = [measure(name, policy, chosen.rounds) for name, policy in named]
    RESULTS.mkdir(exist_ok=True)
    document = json.dumps({"policies": [asdict(result) for result in results]}, indent=1)
    (RESULTS / "proofs.json").write_text(document + "\n")
    print_table(results)


def compiled(path: Path) -> Policy:
    policy = run(Request(str(path), through=Phase.LOWER)).policy
    assert policy is not None, path
    return policy


def lowered(text: str) -> Policy:
    source = Source("generated.sched", text)
    tree, _ = parse(source)
    assert tree is not None, text
    policy = lower(tree, source).policy
    assert policy is not None, text
    return policy


def families() -> Iterator[tuple[str, str]]:
    for size in SIZES:
        names = [f"q{i}" for i in range(size)]
        guards = [
            f"guard {q} at least {80 // size}%" if i % 2 else f"guard {q} after {100 * size}ms"
            for i, q in enumerate(names)
        ]
        yield f"strict {size}", generated(names, f"strict {{ {' '.join(names)} }}", guards[1:], ())
        yield f"weighted {size}", generated(names, weighted(names), (), names)
        *shared, last = names
        half = size // 2
        inner, outer = shared[:half], shared[half:]
        tree = f"strict {{ weighted {{ {weighted(inner)}: 2 {weights(outer)} }} {last} }}"
        yield f"mixed {size}", generated(names, tree, guards[-1:], outer)


def weighted(names: Sequence[str]) -> str:
    return f"weighted {{ {weights(names)} }}"


def weights(names: Sequence[str]) -> str:
    return " ".join(f"{name}: {1 + i % 4}" for i, name in enumerate(names))


def generated(names: Sequence[str], tree: str, guards: Sequence[str], fair: Sequence[str]) -> str:
    """Every other queue is ordered by virtual time; tasks go to queues by their names."""
    orders = ("vruntime(credit: 20ms, fork: 1ms)", "fifo")
    queues = [
        f"queue {name} {{ global  order {orders[i % 2]}  slice {1 + i % 4}ms }}"
        for i, name in enumerate(names)
    ]
    rules = [f'comm ~ "{name}" -> {name}' for name in names[1:]]
    claims = ["starvation_free", "work_conserving"]
    if len(fair) > 1:
        claims.append(f"fair({', '.join(fair)})")
    lines = [
        "policy generated",
        "use std.orders.{vruntime}",
        *queues,
        f"route {{ {' '.join(rules)} else -> {names[0]} }}",
        f"serve {tree}",
        *guards,
        f"guarantee {{ {' '.join(claims)} }}",
    ]
    return "\n".join(lines)


def measure(name: str, policy: Policy, rounds: int) -> Result:
    decide.cache_clear()
    start = time.process_time()
    report = prove(policy)
    seconds = time.process_time() - start
    kinds: dict[str, list[Cost]] = {}
    for obligation in distinct(report):
        kinds.setdefault(kind(obligation.name), []).append(cost(obligation, rounds))
    costs = {name: total(found) for name, found in kinds.items()}
    proved = sum(isinstance(finding.verdict, Proved) for finding in report.findings)
    solver = total(list(costs.values()))
    return Result(name, len(policy.queues), proved, len(report.findings), seconds, solver, costs)


def distinct(report: ProofReport) -> list[Obligation]:
    asked = (obligation for finding in report.findings for obligation in finding.obligations)
    return list({obligation.smt2: obligation for obligation in asked}.values())


def kind(name: str) -> str:
    """What obligations of one kind have in common: their names without numbers and names."""
    return re.sub(r"`[^`]*`", "…", re.sub(r"\b[0-9]+\b", "…", name))


def cost(obligation: Obligation, rounds: int) -> Cost:
    texts = (obligation.smt2, obligation.premise.smt2)
    effort = sum(decide(text, DEFAULT_EFFORT.rlimit).effort for text in texts)
    seconds = sum(statistics.median(seconds_of(text) for _ in range(rounds)) for text in texts)
    return Cost(len(texts), seconds, effort)


def seconds_of(text: str) -> float:
    decide.cache_clear()
    start = time.process_time()
    decide(text, DEFAULT_EFFORT.rlimit)
    return time.process_time() - start


def total(costs: Sequence[Cost]) -> Cost:
    return Cost(
        sum(c.queries for c in costs), sum(c.seconds for c in costs), sum(c.effort for c in costs)
    )


def print_table(results: Sequence[Result]) -> None:
    heads = ("policy", "queues", "proved", "queries", "rlimit", "solver, ms", "all, ms")
    print(row(heads))
    for r in results:
        proved = f"{r.proved}/{r.findings}"
        times = (f"{r.solver.seconds * 1000:.0f}", f"{r.seconds * 1000:.0f}")
        cells = (r.policy, r.queues, proved, r.solver.queries, r.solver.effort, *times)
        print(row(cells) + ("" if r.is_within_aim else "  MISSED"))
    kinds: dict[str, list[Cost]] = {}
    for r in results:
        for name, found in r.kinds.items():
            kinds.setdefault(name, []).append(found)
    print(f"\n{'queries':>8}{'rlimit':>10}{'solver, ms':>12}  kind of obligation, of all of these")
    sums = [(total(costs), name) for name, costs in kinds.items()]
    for c, name in sorted(sums, key=lambda pair: -pair[0].effort):
        print(f"{c.queries:>8}{c.effort:>10}{c.seconds * 1000:>12.0f}  {name}")


def row(cells: Sequence[str | int]) -> str:
    first, *rest = cells
    return f"{first:<20}" + "".join(f"{cell:>12}" for cell in rest)


if __name__ == "__main__":
    main()
