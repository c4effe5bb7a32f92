"""A run that starves somebody as a load for a real kernel: what its tasks do, over and over. Pure.

The threads run and sleep by themselves, as long as the tasks did in the run; nobody makes the
scheduler choose as it did there. Sleeps that a kernel cannot keep that short become longer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from schedlang.ir.nodes import Policy
from schedlang.machine.replay import Happening, Replay, What
from schedlang.machine.scenario import Lasso, Shortfall
from schedlang.prover.setting import slice_range
from schedlang.workload.model import Constant, Group, Loop, Phase, Run, Sleep, Workload

_SHORTEST_NS: Final = 20_000
# A thread has run and slept before it starts, which the policy may remember for a few sleeps.
_BEGINNINGS: Final = 6
_LONG_NS: Final = 10**9  # that much at a time, again and again


def cpus_of(run: Lasso | Shortfall) -> int:
    """The CPUs that the load needs: where every task may run everywhere, one."""
    return 1 if all(spec.affinity is None for spec in run.tasks) else 2


def load_of(policy: Policy, run: Lasso | Shortfall, replay: Replay, duration_ns: int) -> Workload:
    """A group for each task; all but the victim are there once for each CPU. In the loop the victim
    never sleeps.
    """
    groups = []
    for number, spec in enumerate(run.tasks):
        is_victim = number == run.victim
        mine = [happening for happening in replay.happenings if happening.task == number]
        starts = (happening.at_ns for happening in mine if happening.what is What.WAKES)
        group = Group(
            name=f"task-{number}",
            threads=1 if is_victim else cpus_of(run),
            comm=spec.comm,
            process=spec.process or spec.comm,
            phases=_phases(policy, replay, mine, is_victim=is_victim),
            nice=spec.nice,
            cgroup=spec.cgroup,
            cpus=() if spec.affinity is None else tuple(sorted(spec.affinity)),
            start=Constant(next(starts, 0)),
        )
        groups.append(group)
    return Workload(f"starves-{policy.name}", "", tuple(groups), duration_ns=duration_ns)


def _phases(
    policy: Policy, replay: Replay, mine: Sequence[Happening], *, is_victim: bool
) -> tuple[Phase, ...]:
    assert replay.loop_at is not None
    loop_at_ns = replay.happenings[replay.loop_at].at_ns
    before = [happening for happening in mine if happening.at_ns < loop_at_ns]
    loop = [happening for happening in mine if happening.at_ns >= loop_at_ns and not is_victim]
    beginning, rhythm = tuple(_rhythm(policy, before)), tuple(_rhythm(policy, loop))
    repeated = (Loop(_BEGINNINGS, beginning),) if beginning else ()
    return (*repeated, Loop(None, rhythm or (Run(Constant(_LONG_NS)),)))


def _rhythm(policy: Policy, mine: Sequence[Happening]) -> Iterator[Phase]:
    """A task's turns up to each sleep, and the sleep; nothing if it never sleeps."""
    ran, last, ended_at = 0, 0, 0
    for happening in mine:
        if happening.what is What.RUNS and happening.queue is not None:
            ran += last
            # A task that goes to sleep does so within its slice: no tick comes as late as that.
            last = min(happening.ns, slice_range(policy.queues[happening.queue]).lo * 9 // 10)
            ended_at = happening.at_ns + happening.ns
        elif happening.what is What.WAKES and ended_at:
            yield Run(Constant(ran + last))
            yield Sleep(Constant(max(happening.at_ns - ended_at, _SHORTEST_NS)))
            ran = last = 0
