"""A long-tailed batch under `examples/long_tail.sched` and EEVDF: how much sooner it is done.

`python -m bench.long_tail [--seeds N] [--cpus N ...] [--replay FILE]`. `batch-oracle` has names
that give the long job away; in `batch-blind` the policy finds it by how long it has run. Aims for
the oracle: 1.25x on two CPUs and 1.40x on four, within 5 % of the ideal makespan.
"""

from __future__ import annotations

from typing import Final

from bench.compared import compared, figure, options, over_ideal, read, tell_aim

SHAPES: Final = ("batch-oracle", "batch-blind")
AIMS: Final = {2: 1.25, 4: 1.40}


def main() -> None:
    chosen = options("long_tail", __doc__)
    paths = [chosen.replay] if chosen.replay is not None else []
    if not paths:
        paths = [compared("long_tail", "long_tail", SHAPES, n, chosen.seeds) for n in chosen.cpus]
    for path in paths:
        samples = read(path)
        cpus = samples.setup.topology.cpus
        for workload in samples.setup.workloads:
            aim = AIMS.get(cpus, 1.0) if workload.name == "batch-oracle" else 1.0
            found = figure(samples, workload.name, "makespan")
            tell_aim(f"{workload.name}, {cpus} CPUs", found, aim)
            for contender in samples.setup.contenders:
                over = over_ideal(samples, workload.name, contender.name)
                print(f"    {contender.name}: {over:.3f} of the ideal makespan")


if __name__ == "__main__":
    main()
