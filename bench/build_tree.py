"""A build, a tree of short-lived processes, under `examples/interactive.sched` and EEVDF.

`python -m bench.build_tree [--seeds N] [--cpus N ...] [--replay FILE]`. Aim: no slower. That
nothing helps here is an answer, too.
"""

from __future__ import annotations

from typing import Final

from bench.compared import compared, figure, options, read, tell_aim

SHAPE: Final = "build"


def main() -> None:
    chosen = options("build_tree", __doc__)
    paths = [chosen.replay] if chosen.replay is not None else []
    if not paths:
        paths = [
            compared("build_tree", "interactive", (SHAPE,), cpus, chosen.seeds)
            for cpus in chosen.cpus[:1]
        ]
    for path in paths:
        tell_aim("makespan", figure(read(path), SHAPE, "makespan"), 1.0)


if __name__ == "__main__":
    main()
