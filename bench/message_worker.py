"""Messages and workers beside hogs under `examples/responsive.sched` and EEVDF.

`python -m bench.message_worker [--seeds N] [--cpus N ...] [--replay FILE]`. Aims: the 99th
percentile of the workers' wake-up latency 2.1 times better, and no fewer requests served.
"""

from __future__ import annotations

from typing import Final

from bench.compared import compared, figure, options, read, tell_aim

SHAPE: Final = "messages-beside-hogs"
AIMS: Final = {"p99 wakeup worker": 2.1, "passes worker": 1.0}


def main() -> None:
    chosen = options("message_worker", __doc__)
    paths = [chosen.replay] if chosen.replay is not None else []
    if not paths:
        paths = [
            compared("message_worker", "responsive", (SHAPE,), cpus, chosen.seeds)
            for cpus in chosen.cpus[:1]
        ]
    for path in paths:
        samples = read(path)
        for metric, aim in AIMS.items():
            tell_aim(metric, figure(samples, SHAPE, metric), aim)


if __name__ == "__main__":
    main()
