"""Random workloads that make sense: every one of them can be run to its end, and `check` agrees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from schedlang.workload.model import (
    Barrier,
    Begin,
    Cgroup,
    Constant,
    End,
    Exponential,
    Fork,
    Group,
    Join,
    Length,
    Lock,
    Loop,
    Phase,
    Receive,
    Run,
    Send,
    Sleep,
    Tick,
    Uniform,
    Unlock,
    Workload,
)

LOCKS = ("m0", "m1", "m2")
CGROUPS = ("/", "/a", "/a/b.slice", "/tenants/x")
ENDLESS_RUN_NS = 200_000


def times(least_ns: int = 1_000, most_ns: int = 12_000_000) -> SearchStrategy[int]:
    round_ns = st.integers(least_ns // 1000, most_ns // 1000).map(lambda us: us * 1000)
    return st.one_of(round_ns, st.integers(least_ns, most_ns))


def lengths(least_ns: int = 1_000) -> SearchStrategy[Length]:
    return st.one_of(
        times(least_ns).map(Constant),
        st.tuples(times(least_ns), times(least_ns)).map(lambda t: Uniform(min(t), max(t))),
        times(max(least_ns, 1_000)).map(Exponential),
    )


@st.composite
def workloads(draw: DrawFn) -> Workload:
    """Groups fork only groups after them, and receive only what groups before them have sent."""
    count = draw(st.integers(1, 4))
    first_forked = draw(st.integers(1, count))
    duration_ns = draw(st.one_of(st.none(), times(1_000_000, 60_000_000)))
    groups: list[Group] = []
    for index in range(count):
        is_forked = index >= first_forked
        groups.append(_group(draw, index, is_forked, count, duration_ns is not None))
    groups = [_with_fork_of_all(groups, first_forked), *groups[1:]]
    groups = _with_messages(draw, groups, first_forked)
    paths = draw(st.lists(st.sampled_from(CGROUPS[1:]), unique=True, max_size=3))
    cgroups = tuple(Cgroup(path, draw(st.integers(1, 10_000))) for path in paths)
    documentation = draw(st.text(st.characters(codec="utf-8"), max_size=40))
    return Workload("drawn", documentation, tuple(groups), cgroups, duration_ns)


def _group(draw: DrawFn, index: int, is_forked: bool, count: int, may_be_endless: bool) -> Group:
    threads = 0 if is_forked else draw(st.integers(1, 5))
    names = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=15)
    phases = _body(draw, index, threads, depth=0)
    if may_be_endless and not is_forked and draw(st.booleans()):
        endless = (Run(Constant(ENDLESS_RUN_NS)), *_body(draw, index, 0, depth=1))
        phases = (*phases, Loop(None, endless))
    return Group(
        name=f"g{index}",
        threads=threads,
        comm=draw(names),
        process=draw(names),
        phases=phases,
        nice=draw(st.integers(-20, 19)),
        cgroup=draw(st.sampled_from(CGROUPS)),
        cpus=draw(st.one_of(st.just(()), _cpu_sets())),
        start=draw(lengths(0)),
    )


def _cpu_sets() -> SearchStrategy[tuple[int, ...]]:
    """All with CPU 0, so that every machine has one of them."""
    return st.sets(st.integers(1, 5)).map(lambda cpus: (0, *sorted(cpus)))


def _body(draw: DrawFn, index: int, parties: int, depth: int) -> tuple[Phase, ...]:
    """A few phases; at a barrier, which every thread of the group passes, nothing is held."""
    phases: list[Phase] = [Run(draw(lengths()))]
    for _ in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from(["run", "sleep", "tick", "lock", "request", "barrier", "loop"]))
        match kind:
            case "sleep":
                phases.append(Sleep(draw(lengths())))
            case "tick":
                phases.append(Tick(draw(times())))
            case "lock":
                name = draw(st.sampled_from(LOCKS))
                phases += [Lock(name), Run(draw(lengths())), Unlock(name)]
            case "request":
                phases += [Begin("r"), Run(draw(lengths())), Sleep(draw(lengths())), End("r")]
            case "barrier" if parties:
                phases.append(Barrier(f"b{index}", parties))
            case "loop" if depth < 3:
                rounds = draw(st.integers(1, 3))
                phases.append(Loop(rounds, _body(draw, index, parties, depth + 1)))
            case _:
                phases.append(Run(draw(lengths())))
    return tuple(phases)


def _with_fork_of_all(groups: Sequence[Group], first_forked: int) -> Group:
    """The first group forks every group that does not start by itself, and waits for them."""
    forks = tuple(Fork(group.name, n + 1) for n, group in enumerate(groups[first_forked:]))
    more: tuple[Phase, ...] = (*forks, Join()) if forks else ()
    return _preceded(groups[0], more)


def _with_messages(draw: DrawFn, groups: list[Group], first_forked: int) -> list[Group]:
    """Each sends at its beginning; a later group receives what an earlier one has sent."""
    for sender in range(first_forked):
        for receiver in range(sender + 1, first_forked):
            if draw(st.booleans()):
                each, threads = groups[receiver].threads, groups[sender].threads
                name = f"c{sender}.{receiver}"
                groups[sender] = _preceded(groups[sender], (Send(name, each),))
                received = Receive(name, threads)
                if draw(st.booleans()):
                    groups[receiver] = _preceded(groups[receiver], (Loop(1, (received,)),))
                else:
                    groups[receiver] = _preceded(groups[receiver], (received,))
    return groups


def _preceded(group: Group, phases: tuple[Phase, ...]) -> Group:
    return replace(group, phases=(*phases, *group.phases))
